//! `POST /rbac/explain` and `contextforge why`.

use serde_json::{Value, json};

use super::{ANN, BOB, CARL, DORA, World, signed, step};
use crate::{
    app::{ADMIN, App, command},
    token,
};

async fn ask(app: &App, with: &str, body: Value) -> Value {
    app.post("/rbac/explain", with, body).await.expect(200)
}

#[tokio::test]
async fn each_kind_of_token_is_stopped_at_its_step() {
    let World { app, red, blue, .. } = World::make().await;
    let admin = app.admin();
    let revoked = app.login(BOB).await;
    app.post("/auth/logout", &revoked, json!({})).await.expect(200);
    let mut forged = signed(BOB, &json!({}));
    forged.replace_range(forged.len() - 4.., "AAAA");
    let off = json!({ "is_active": false });
    app.send("PUT", "/auth/email/admin/users/carl@example.com", &admin, Some(off)).await.expect(200);
    let scoped = |scopes: Value| signed(ANN, &json!({ "teams": [red], "scopes": scopes }));
    let cases = [
        (
            "expired",
            signed(BOB, &json!({ "iat": token::now() - 900, "exp": token::now() - 5 })),
            "open-echo",
            "credential",
            "ended at",
        ),
        ("too early", signed(BOB, &json!({ "nbf": token::now() + 99 })), "open-echo", "credential", "before"),
        ("forged", forged, "open-echo", "credential", "signature"),
        ("revoked", revoked, "open-echo", "credential", "revoked"),
        ("disabled", signed(CARL, &json!({})), "open-echo", "credential", "switched off"),
        (
            "left the team",
            signed(BOB, &json!({ "teams": [red] })),
            "red-echo",
            "restriction",
            "no active member",
        ),
        (
            "capped",
            scoped(json!({ "permissions": ["tools.read"] })),
            "open-echo",
            "token_cap",
            "tools.execute",
        ),
        ("bound", scoped(json!({ "server_id": "1".repeat(32) })), "open-echo", "server_binding", "alone"),
        ("public-only", signed(ANN, &json!({ "teams": [] })), "red-echo", "role", "tools.execute"),
        ("no role", signed(DORA, &json!({ "teams": [blue] })), "blue-echo", "role", "servers.use"),
        ("no role in blue", signed(DORA, &json!({ "teams": [red, blue] })), "blue-echo", "team", &*blue),
        ("other team", signed(ANN, &json!({ "teams": [red] })), "blue-echo", "visibility", "does not reach"),
    ];
    for (name, token, tool, stopped_at, word) in cases {
        let answer = ask(&app, &admin, json!({ "token": token, "tool": tool })).await;
        assert_eq!(
            (&answer["decision"], &answer["stopped_at"]),
            (&json!("denied"), &json!(stopped_at)),
            "{name}: {answer}"
        );
        let why = &step(&answer, stopped_at)["why"];
        assert!(why.as_str().unwrap().contains(word), "{name}: {why}");
        assert!(step(&answer, stopped_at)["change"].is_string(), "{name}: {answer}");
        assert!(!answer.to_string().contains(&token), "{name}");
    }
    let trails = app.get("/api/logs/audit-trails?limit=1000", &admin).await.expect(200).to_string();
    assert!(
        trails.contains("access.explain") && !trails.contains("eyJ"),
        "questions are audited, tokens are not"
    );
}

#[tokio::test]
async fn what_is_allowed_is_explained_step_by_step() {
    let World { app, red, .. } = World::make().await;
    let answer = ask(&app, &app.admin(), json!({ "user_email": ANN, "tool": "red-echo" })).await;
    assert_eq!((&answer["decision"], &answer["stopped_at"]), (&json!("allowed"), &json!(null)), "{answer}");
    assert_eq!(answer["permissions"], json!(["servers.use", "tools.execute"]));
    let steps: Vec<_> =
        answer["trace"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "credential",
            "restriction",
            "server_binding",
            "role",
            "token_cap",
            "object",
            "visibility",
            "team",
            "ownership"
        ]
    );
    assert!(step(&answer, "visibility")["why"].as_str().unwrap().contains(&red));
    // Other permissions, other things, other doors.
    let update = json!({ "user_email": CARL, "tool": "red-echo", "permission": "tools.update" });
    // A role in a team of their own gives it, and does not reach this one.
    assert_eq!(ask(&app, &app.admin(), update).await["stopped_at"], "ownership");
    let list = json!({ "user_email": CARL, "method": "tools/list" });
    assert_eq!(ask(&app, &app.admin(), list).await["decision"], "allowed");
    let gateway = json!({ "user_email": BOB, "gateway": "red" });
    assert_eq!(ask(&app, &app.admin(), gateway).await["stopped_at"], "visibility");
    let away = json!({
        "token": signed(BOB, &json!({ "scopes": { "ip_restrictions": ["192.0.2.0/24"] } })), "tool": "open-echo",
        "ip": "198.51.100.1",
    });
    assert_eq!(ask(&app, &app.admin(), away).await["stopped_at"], "restriction");
    for (body, field) in [
        (json!({}), "permission"),
        (json!({ "tool": "x", "prompt": "y" }), "tool"),
        (json!({ "tool": "x", "permission": "tools.fly" }), "permission"),
        (json!({ "tool": "x", "method": "tools/fly" }), "method"),
        (json!({ "tool": "x", "method": "prompts/get" }), "method"),
        (json!({ "tool": "x", "ip": "here" }), "ip"),
        (json!({ "tool": "x", "token": "a", "user_email": "b" }), "user_email"),
    ] {
        let wrong = app.post("/rbac/explain", &app.admin(), body).await.expect(422);
        assert_eq!(wrong["detail"][0]["loc"][1], field, "{wrong}");
    }
}

#[tokio::test]
async fn virtual_servers_are_part_of_the_question() {
    let World { app, .. } = World::make().await;
    let admin = app.admin();
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let echo = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "open-echo").unwrap();
    let body =
        json!({ "server": { "name": "mine", "associated_tools": [echo["id"]] }, "visibility": "public" });
    let server = app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let bound = signed(BOB, &json!({ "scopes": { "server_id": server } }));
    for (tool, server, decision, stopped_at) in [
        ("open-echo", json!(server), "denied", json!("role")),
        ("open-echo", json!("mine"), "denied", json!("role")),
        ("open-echo", json!(null), "denied", json!("server_binding")),
    ] {
        let answer = ask(&app, &admin, json!({ "token": bound, "tool": tool, "server": server })).await;
        assert_eq!((&answer["decision"], &answer["stopped_at"]), (&json!(decision), &stopped_at), "{answer}");
    }
    let ann = json!({ "user_email": ANN, "tool": "open-echo", "server": server });
    assert_eq!(ask(&app, &admin, ann).await["decision"], "allowed");
    let other = json!({ "user_email": ANN, "tool": "demo-echo", "server": server });
    let other = ask(&app, &admin, other).await;
    assert_eq!(other["stopped_at"], "object", "{other}");
    assert!(step(&other, "object")["outcome"].is_string());
    let nowhere = json!({ "user_email": ANN, "tool": "open-echo", "server": "nowhere" });
    assert_eq!(ask(&app, &admin, nowhere).await["decision"], "unknown");
    assert_eq!(
        ask(&app, &admin, json!({ "user_email": ANN, "server": "mine" })).await["decision"],
        "allowed"
    );
    // Switched off is not the same as not there, for whoever may know.
    let id = echo["id"].as_str().unwrap();
    app.send("POST", &format!("/v1/tools/{id}/state?activate=false"), &admin, None).await.expect(200);
    let off = ask(&app, &admin, json!({ "user_email": ANN, "tool": "open-echo" })).await;
    assert_eq!(off["stopped_at"], "object", "{off}");
    assert!(off.to_string().contains("switched off"), "{off}");
}

#[tokio::test]
async fn private_rows_stay_their_owners_secret() {
    let World { app, .. } = World::make().await;
    let (admin, ann) = (app.admin(), app.login(ANN).await);
    let about = async |with: &str, tool: &str| {
        let answer = ask(&app, with, json!({ "user_email": ANN, "tool": tool })).await;
        answer.to_string().replace(tool, "TOOL")
    };
    assert_eq!(
        about(&admin, "own-echo").await,
        about(&admin, "none-echo").await,
        "there or not, it looks the same"
    );
    assert!(about(&admin, "own-echo").await.contains(r#""decision":"unknown""#));
    assert!(about(&ann, "own-echo").await.contains(r#""decision":"allowed""#));
    let carl = app.login(CARL).await;
    let hidden = ask(&app, &carl, json!({ "tool": "own-echo" })).await;
    assert_eq!(hidden["stopped_at"], "object", "{hidden}");
    let none = ask(&app, &carl, json!({ "tool": "none-echo" })).await;
    assert_eq!(hidden.to_string().replace("own-echo", "none-echo"), none.to_string());
}

#[tokio::test]
async fn people_ask_about_themselves_only() {
    let World { app, .. } = World::make().await;
    let (bob, ann) = (app.login(BOB).await, app.login(ANN).await);
    assert_eq!(ask(&app, &ann, json!({ "tool": "red-echo" })).await["decision"], "allowed");
    let own = json!({ "token": signed(ANN, &json!({ "teams": [] })), "tool": "red-echo" });
    assert_eq!(ask(&app, &ann, own).await["decision"], "denied");
    let capped = signed(ANN, &json!({ "scopes": { "permissions": ["tools.read"] } }));
    assert_eq!(ask(&app, &capped, json!({ "tool": "open-echo" })).await["stopped_at"], "role");
    for body in [
        json!({ "user_email": ANN, "tool": "open-echo" }),
        json!({ "token": ann, "tool": "open-echo" }),
        json!({ "user_email": "nobody@example.com", "tool": "open-echo" }),
    ] {
        let refused = app.post("/rbac/explain", &bob, body).await;
        assert_eq!(refused.status.as_u16(), 403, "{:?}", refused.body);
        assert!(!refused.header("x-decision-id").is_empty());
    }
    app.post("/rbac/explain", "", json!({ "tool": "open-echo" })).await.expect(401);
    let unknown = json!({ "user_email": "nobody@example.com", "tool": "open-echo" });
    app.post("/rbac/explain", &app.admin(), unknown).await.expect(404);
}

#[tokio::test]
async fn the_command_line_asks_why() {
    let app = App::start().await;
    let vars = [("JWT_SECRET_KEY".to_owned(), token::KEY.to_owned())];
    let vars: Vec<_> = vars.into_iter().collect();
    let capped = signed(ADMIN, &json!({ "scopes": { "permissions": ["tools.read"] } }));
    let why = async |more: &[&str]| {
        let mut all = vec!["why", "--url", &app.base, "--tool", "demo-echo"];
        all.extend(more);
        command(app.folder.path(), &vars).args(all).output().await.unwrap()
    };
    let denied = why(&["--token", &capped]).await;
    let text = String::from_utf8_lossy(&denied.stdout).into_owned();
    assert_eq!(denied.status.code(), Some(2), "{text} {}", String::from_utf8_lossy(&denied.stderr));
    assert!(text.starts_with("denied: admin@example.com demo-echo"), "{text}");
    assert!(text.contains("NO  token_cap") && text.contains("-> Make a token"), "{text}");
    let json = why(&["--token", &app.admin(), "--json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["decision"], "allowed", "{json}");
    let unknown = why(&["--user", ADMIN, "--server", "nowhere"]).await;
    assert_eq!(unknown.status.code(), Some(2), "of oneself, what one may not know of is not there");
}
