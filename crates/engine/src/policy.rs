//! The only maker of permits.
//!
//! A [`Permit<P>`] is the proof that an actor may do `P`; its fields are private and [`authorize`], [`narrow`] and
//! [`system`] are its only constructors. Engine functions take the permit they need, so the wrong one does not
//! compile and a forgotten check cannot be written. *May you* is decided by [`decide()`]; *which rows* is the
//! permit's scope, which every query takes.

pub mod decide;
pub mod denials;
pub mod explain;
pub mod inquiry;
pub mod methods;
pub mod question;
pub mod reason;
mod subject;
pub mod view;

#[cfg(test)]
mod model;

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use domain::{Actor, Grant, Owned, Permission, PermissionSet, Result, Scope, id::TeamId};

pub use self::{
    decide::{decide, findings},
    explain::{check, refuse, refuse_saying},
    question::{Act, Door, Object, Question, Restriction},
    reason::Reason,
    subject::Subject,
};

/// The kind of a team: it is nobody's row, so that having the permission in it is all that a change of it needs.
pub(crate) const TEAM: &str = "team";

/// Proof that its actor may do `P`.
#[derive(Debug)]
pub struct Permit<P> {
    actor: Arc<Actor>,
    _permission: PhantomData<fn() -> P>,
}

impl<P> Clone for Permit<P> {
    fn clone(&self) -> Self {
        Self { actor: Arc::clone(&self.actor), _permission: PhantomData }
    }
}

impl<P: Grant> Permit<P> {
    fn of(actor: Arc<Actor>) -> Self {
        Self { actor, _permission: PhantomData }
    }

    /// Whether the permission also holds for rows of `team`, or for rows of no team. A permission from a role in
    /// one team does not reach another team's rows.
    pub fn covers(&self, team: Option<&TeamId>) -> bool {
        self.actor.may_in(P::PERMISSION, team)
    }

    /// Whether the row exists for the actor: seen by the scope, and the permission held in the row's team.
    pub fn reaches(&self, row: &Owned) -> bool {
        reaches(&self.actor, P::PERMISSION, row)
    }

    /// The rows that [`Permit::reaches`], as a scope for queries: without the teams in which the permission does
    /// not hold.
    pub fn rows(&self) -> Cow<'_, Scope> {
        rows(&self.actor, P::PERMISSION)
    }

    /// Whether the actor may change a row: what [`Permit::check_change`] refuses, without noting a refusal.
    pub fn may_change(&self, row: &Owned) -> bool {
        decide(&self.actor, &Question::of(P::PERMISSION).about("row", Act::Change, row)).is_ok()
    }

    /// Refuses a change of a row to whoever may not: its owner may, and of a team's row, or a public row of a team,
    /// whoever has the permission there and runs the team; of any of these an administrator. To be in a team and to
    /// have the permission is not enough: a developer changes what is theirs. A row that the scope does not show is
    /// `NotFound` long before this is asked.
    pub fn check_change(&self, kind: &'static str, row: &Owned) -> Result<()> {
        check(&self.actor, &Question::of(P::PERMISSION).about(kind, Act::Change, row))
    }

    /// Refuses to make a row, or to give it this ownership, outside what the credential and the role cover.
    pub fn check_make(&self, kind: &'static str, row: &Owned) -> Result<()> {
        check(&self.actor, &Question::of(P::PERMISSION).about(kind, Act::Make, row))
    }

    /// Refuses what needs the permission in `team`.
    pub fn check_team(&self, team: &TeamId) -> Result<()> {
        let visibility = domain::Visibility::Team;
        let row = Owned { visibility, team_id: Some(team.clone()), owner_email: String::new() };
        check(&self.actor, &Question::of(P::PERMISSION).about(TEAM, Act::Change, &row))
    }
}

impl<P> Permit<P> {
    /// Who was permitted.
    pub fn actor(&self) -> &Arc<Actor> {
        &self.actor
    }

    /// The rows that the actor's credential reaches.
    pub fn scope(&self) -> &Scope {
        &self.actor.scope
    }
}

/// Whether a row exists for an actor under `permission`: seen by the scope, and the permission held in its team.
pub(crate) fn reaches(actor: &Actor, permission: Permission, row: &Owned) -> bool {
    decide(actor, &Question::of(permission).about("row", Act::Use, row)).is_ok()
}

/// The same for queries.
pub(crate) fn rows(actor: &Actor, permission: Permission) -> Cow<'_, Scope> {
    let covered = |team: &&TeamId| actor.may_in(permission, Some(team));
    match &actor.scope {
        Scope::Teams { email, teams } if !teams.iter().all(|team| covered(&team)) => {
            Cow::Owned(Scope::Teams {
                email: email.clone(),
                teams: teams.iter().filter(covered).cloned().collect(),
            })
        }
        Scope::Unrestricted { email } if !actor.may_in(permission, None) => {
            let teams = actor.in_team.keys().filter(covered).cloned().collect();
            Cow::Owned(Scope::Teams { email: email.clone(), teams })
        }
        scope => Cow::Borrowed(scope),
    }
}

/// Gives the permit, or the refusal with its reasons.
pub fn authorize<P: Grant>(actor: &Arc<Actor>) -> Result<Permit<P>> {
    check(actor, &Question::of(P::PERMISSION)).map(|()| Permit::of(Arc::clone(actor)))
}

/// A permit for something else that the same actor may do.
pub fn narrow<P: Grant, Q>(permit: &Permit<Q>) -> Result<Permit<P>> {
    authorize(&permit.actor)
}

/// The permit of a background job, which acts on every row. Each use is logged under the job's name.
pub fn system<P: Grant>(job: &'static str) -> Permit<P> {
    tracing::debug!(job, permission = P::PERMISSION.as_str(), "background job permitted");
    let email = format!("system:{job}");
    Permit::of(Arc::new(Actor {
        email: email.clone(),
        is_admin: true,
        granted: PermissionSet::ALL,
        in_team: std::collections::BTreeMap::new(),
        cap: PermissionSet::NONE.with(P::PERMISSION),
        scope: Scope::Unrestricted { email },
        server: None,
        token_id: None,
        expires_at: None,
    }))
}

#[cfg(test)]
mod tests {
    use domain::{Visibility, permission::grant};

    use super::*;

    fn actor(granted: &[Permission], cap: PermissionSet, scope: Scope) -> Arc<Actor> {
        Arc::new(Actor {
            email: "bob@example.com".to_owned(),
            is_admin: false,
            granted: granted.iter().copied().collect(),
            in_team: std::collections::BTreeMap::new(),
            cap,
            scope,
            server: None,
            token_id: None,
            expires_at: None,
        })
    }

    #[test]
    fn a_permit_needs_the_role_and_the_token() {
        let both = actor(&[Permission::ToolsRead], PermissionSet::ALL, Scope::PublicOnly);
        assert!(authorize::<grant::ToolsRead>(&both).is_ok());
        assert!(authorize::<grant::ToolsExecute>(&both).is_err());
        let capped =
            actor(&[Permission::ToolsRead], PermissionSet::from_names(["prompts.read"]), Scope::PublicOnly);
        assert!(authorize::<grant::ToolsRead>(&capped).is_err());
    }

    #[test]
    fn rows_are_changed_by_their_owner_and_by_whoever_runs_the_team() {
        let (mine, other) = (TeamId::random(), TeamId::random());
        let scope = Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![mine.clone()] };
        let row = |visibility, team: Option<&TeamId>, owner: &str| Owned {
            visibility,
            team_id: team.cloned(),
            owner_email: owner.to_owned(),
        };
        let may = |role: &[&str], row: &Owned| {
            let mut bob = actor(&[], PermissionSet::ALL, scope.clone());
            if let Some(bob) = Arc::get_mut(&mut bob) {
                bob.in_team.insert(mine.clone(), PermissionSet::from_names(role.iter().copied()));
            }
            authorize::<grant::ToolsUpdate>(&bob).is_ok_and(|permit| permit.may_change(row))
        };
        let (developer, runs) = (&["tools.update"][..], &["tools.update", "teams.manage_members"][..]);
        for visibility in [Visibility::Team, Visibility::Public] {
            let theirs = row(visibility, Some(&mine), "ann@example.com");
            assert!(!may(developer, &theirs) && may(runs, &theirs), "{visibility}");
            assert!(!may(&["teams.manage_members"], &theirs), "the permission is needed as well");
            assert!(may(developer, &row(visibility, Some(&mine), "bob@example.com")), "{visibility}");
            assert!(!may(runs, &row(visibility, Some(&other), "ann@example.com")), "{visibility}");
        }
        assert!(!may(runs, &row(Visibility::Public, None, "ann@example.com")), "of no team");
        assert!(!may(runs, &row(Visibility::Private, Some(&mine), "ann@example.com")));
        let mut admin = actor(&[], PermissionSet::ALL, Scope::Unrestricted { email: "root@b.c".to_owned() });
        if let Some(admin) = Arc::get_mut(&mut admin) {
            admin.is_admin = true;
        }
        let permit = authorize::<grant::ToolsUpdate>(&admin).unwrap();
        assert!(permit.may_change(&row(Visibility::Public, None, "ann@example.com")));
        assert!(permit.may_change(&row(Visibility::Team, Some(&mine), "ann@example.com")));
        assert!(!permit.may_change(&row(Visibility::Private, Some(&mine), "ann@example.com")));
    }

    #[test]
    fn a_team_role_counts_in_its_team_only() {
        let (mine, other) = (TeamId::random(), TeamId::random());
        let scope = Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![mine.clone()] };
        let mut bob = actor(&[], PermissionSet::ALL, scope);
        if let Some(bob) = Arc::get_mut(&mut bob) {
            bob.in_team.insert(mine.clone(), PermissionSet::from_names(["tools.update"]));
            bob.in_team.insert(other.clone(), PermissionSet::from_names(["tools.delete"]));
        }
        let permit = authorize::<grant::ToolsUpdate>(&bob).unwrap();
        assert!(permit.covers(Some(&mine)));
        assert!(!permit.covers(Some(&other)) && !permit.covers(None));
        assert!(
            authorize::<grant::ToolsDelete>(&bob).is_err(),
            "the other team is outside the token's scope"
        );
    }

    #[test]
    fn lists_and_rows_agree() {
        let (reader, other, foreign) = (TeamId::random(), TeamId::random(), TeamId::random());
        let email = "bob@example.com".to_owned();
        let teams = vec![reader.clone(), other.clone()];
        let scopes = [
            Scope::PublicOnly,
            Scope::Teams { email: email.clone(), teams },
            Scope::Unrestricted { email: email.clone() },
        ];
        for (scope, everywhere) in scopes.iter().flat_map(|scope| [(scope, false), (scope, true)]) {
            let granted = if everywhere { &[Permission::ToolsRead][..] } else { &[] };
            let mut bob = actor(granted, PermissionSet::ALL, scope.clone());
            if let Some(bob) = Arc::get_mut(&mut bob) {
                bob.in_team.insert(reader.clone(), PermissionSet::from_names(["tools.read"]));
            }
            if authorize::<grant::ToolsRead>(&bob).is_err() {
                assert!(
                    *scope == Scope::PublicOnly && !everywhere,
                    "a team's role counts in no public-only scope"
                );
                continue;
            }
            let narrowed = rows(&bob, Permission::ToolsRead);
            for team in [&reader, &other, &foreign].map(|team| Some(team.clone())).into_iter().chain([None]) {
                for visibility in [Visibility::Public, Visibility::Team, Visibility::Private] {
                    for owner_email in [email.clone(), "ann@example.com".to_owned()] {
                        let row = Owned { visibility, team_id: team.clone(), owner_email };
                        let reached = reaches(&bob, Permission::ToolsRead, &row);
                        assert_eq!(narrowed.sees(&row), reached, "{scope:?} {everywhere} {row:?}");
                    }
                }
            }
        }
    }

    /// The permit asks nothing else than the decision does: what it says is what it refuses.
    #[test]
    fn a_permit_says_and_refuses_the_same() {
        let (mine, other) = (TeamId::random(), TeamId::random());
        let scope =
            Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![mine.clone(), other.clone()] };
        let mut bob = actor(&[], PermissionSet::ALL, scope.clone());
        if let Some(bob) = Arc::get_mut(&mut bob) {
            let runs = PermissionSet::from_names(["tools.update", "teams.manage_members"]);
            bob.in_team.insert(mine.clone(), runs);
        }
        let permit = authorize::<grant::ToolsUpdate>(&bob).unwrap();
        assert_eq!((permit.scope(), permit.actor().email.as_str()), (&scope, "bob@example.com"));
        let of = |team: &TeamId| Owned {
            visibility: Visibility::Team,
            team_id: Some(team.clone()),
            owner_email: "ann@example.com".to_owned(),
        };
        let refused = |result: Result<()>, label: &str| match result {
            Err(domain::Error::Decided(denial)) => assert_eq!(denial.reason, label),
            other => panic!("{other:?}"),
        };
        assert!(permit.reaches(&of(&mine)) && !permit.reaches(&of(&other)));
        assert!(permit.check_change("tool", &of(&mine)).is_ok());
        refused(permit.check_change("tool", &of(&other)), "ownership");
        assert!(permit.check_make("tool", &of(&mine)).is_ok());
        refused(permit.check_make("tool", &of(&other)), "team_role");
        refused(permit.check_make("tool", &of(&TeamId::random())), "team_scope");
        assert!(permit.check_team(&mine).is_ok());
        refused(permit.check_team(&other), "ownership");
        assert!(narrow::<grant::ToolsUpdate, _>(&permit.clone()).is_ok());
        assert!(narrow::<grant::ToolsRead, _>(&permit).is_err());
    }

    /// A team is changed by whoever has the permission in it; running its members is another one.
    #[test]
    fn a_team_is_changed_with_the_permission_alone() {
        let mine = TeamId::random();
        let scope = Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![mine.clone()] };
        let mut bob = actor(&[], PermissionSet::ALL, scope);
        if let Some(bob) = Arc::get_mut(&mut bob) {
            bob.in_team.insert(mine.clone(), PermissionSet::from_names(["teams.update"]));
        }
        assert!(authorize::<grant::TeamsUpdate>(&bob).unwrap().check_team(&mine).is_ok());
    }

    #[test]
    fn lists_keep_their_scope_where_the_permission_holds_everywhere() {
        let team = TeamId::random();
        let scope = Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![team.clone()] };
        let everywhere = actor(&[Permission::ToolsRead], PermissionSet::ALL, scope.clone());
        assert!(matches!(rows(&everywhere, Permission::ToolsRead), Cow::Borrowed(found) if *found == scope));
        let nowhere = actor(&[Permission::PromptsRead], PermissionSet::ALL, scope);
        assert!(
            matches!(&*rows(&nowhere, Permission::ToolsRead), Scope::Teams { teams, .. } if teams.is_empty())
        );
    }

    #[test]
    fn a_job_may_do_what_it_is_for_and_nothing_else() {
        let permit = system::<grant::GatewaysRead>("refresh");
        assert_eq!(permit.actor().email, "system:refresh");
        assert!(permit.actor().is_admin && matches!(permit.scope(), Scope::Unrestricted { .. }));
        assert!(narrow::<grant::GatewaysRead, _>(&permit).is_ok());
        assert!(narrow::<grant::GatewaysUpdate, _>(&permit).is_err());
    }
}
