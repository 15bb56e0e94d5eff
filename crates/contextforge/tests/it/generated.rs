//! Generated files are what the code says. `make generate` writes them again.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use domain::{
    Actor, Owned, Permission, PermissionSet, Scope, Visibility,
    id::TeamId,
    person::{BUILT_IN_ROLES, RoleScope},
};

use crate::app::App;

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generated").join(name);
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_GENERATED") {
        std::fs::write(&path, text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "{} is stale: run `make generate` and look at what changed", path.display());
}

#[test]
fn generated_route_table_is_current() {
    let mut env = domain::Env::default();
    let mut text = String::new();
    for route in web::route_table(&web::settings::Settings::read(&mut env).unwrap()) {
        let alias = if route.alias { "  (alias)" } else { "" };
        writeln!(text, "{:7} {:60} {}{alias}", route.method.as_str(), route.path, route.access).unwrap();
    }
    compare("routes.txt", &text);
}

#[tokio::test]
async fn generated_openapi_document_is_current() {
    let app = App::start().await;
    let document = app.get("/openapi.json", &app.admin()).await.expect(200);
    compare("openapi.json", &(serde_json::to_string_pretty(&document).unwrap() + "\n"));
}

/// Which permission each built-in role gives, and on which rows it counts: the row's visibility and whose it is.
#[test]
fn generated_permission_matrix_is_current() {
    let (mine, other) = (TeamId::from_stored("mine"), TeamId::from_stored("other"));
    let rows = [
        ("public", Visibility::Public, None, "ann"),
        ("team-mine", Visibility::Team, Some(&mine), "bob"),
        ("team-other", Visibility::Team, Some(&other), "bob"),
        ("private-own", Visibility::Private, Some(&mine), "ann"),
        ("private-other", Visibility::Private, Some(&mine), "bob"),
    ];
    let mut text = String::from(
        "# x: the role gives the permission on such a row. Global roles count everywhere, team roles in the team \"mine\".\n",
    );
    for (role, scope, _, names) in BUILT_IN_ROLES {
        let set = PermissionSet::from_names(names.iter().copied());
        let global = *scope == RoleScope::Global;
        let admin = *role == "platform_admin";
        let email = "ann".to_owned();
        let actor = Actor {
            email: email.clone(),
            is_admin: admin,
            granted: if global { set } else { PermissionSet::NONE },
            in_team: if global { BTreeMap::new() } else { BTreeMap::from([(mine.clone(), set)]) },
            cap: PermissionSet::ALL,
            scope: if admin {
                Scope::Unrestricted { email }
            } else {
                Scope::Teams { email, teams: vec![mine.clone()] }
            },
            server: None,
            token_id: None,
            expires_at: None,
        };
        write!(text, "\n{role:32}").unwrap();
        for (name, ..) in &rows {
            write!(text, " {name:13}").unwrap();
        }
        text.push('\n');
        for permission in Permission::ALL.iter().filter(|permission| set.has(**permission)) {
            write!(text, "  {:30}", permission.as_str()).unwrap();
            for (_, visibility, team, owner) in &rows {
                let owned = Owned {
                    visibility: *visibility,
                    team_id: team.cloned(),
                    owner_email: (*owner).to_owned(),
                };
                let may = actor.scope.sees(&owned) && actor.may_in(*permission, owned.team_id.as_ref());
                write!(text, " {:13}", if may { "x" } else { "." }).unwrap();
            }
            text.push('\n');
        }
    }
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
    compare("permissions.txt", &text);
}
