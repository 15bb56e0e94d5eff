//! The decision compared with a naive model, written from the contract's tables (sections 3 to 5) in words and
//! lists, on random worlds. The model shares no code with what it judges.

use std::collections::BTreeSet;

use domain::{
    Owned, PermissionSet, Secret, Timestamp, Visibility,
    id::{ServerId, TeamId, UserId},
    permission::Permission,
    person::{RoleScope, User},
};

use super::{Act, Door, Question, decide};
use crate::{
    authn::{
        self,
        token::{Claims, Teams, TokenUser},
    },
    people::Rights,
};

const WORLDS: u32 = 150_000;
const TEAMS: [&str; 3] = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "cccccccccccccccccccccccccccccccc",
];
const SERVERS: [&str; 2] = ["11111111111111111111111111111111", "22222222222222222222222222222222"];
const PEOPLE: [&str; 2] = ["ann@example.com", "bob@example.com"];
/// Few enough that roles, caps and questions meet often.
const NAMES: [&str; 7] = [
    "tools.read",
    "tools.execute",
    "tools.update",
    "tools.create",
    "servers.use",
    "admin.security_audit",
    "teams.manage_members",
];

/// Everything that a decision depends on, as text.
#[derive(Debug, Clone)]
struct World {
    admin: bool,
    flagged: bool,
    session: bool,
    claim: Claim,
    members: Vec<&'static str>,
    global: Vec<&'static str>,
    in_team: Vec<(&'static str, &'static str)>,
    scopes: Vec<&'static str>,
    bound: Option<&'static str>,
    door: &'static str,
    needs: &'static str,
    act: &'static str,
    row: Option<(&'static str, Option<&'static str>, &'static str)>,
}

/// The `teams` claim.
#[derive(Debug, Clone)]
enum Claim {
    Missing,
    Null,
    List(Vec<&'static str>),
}

#[derive(Debug, PartialEq, Eq, Clone, Copy, PartialOrd, Ord)]
enum Answer {
    TokenRefused,
    Refused,
    Hidden,
    Allowed,
}

/// Splitmix64: every run sees the same worlds.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len())]
    }

    fn some(&mut self, of: &[&'static str]) -> Vec<&'static str> {
        of.iter().copied().filter(|_| self.roll(2) == 0).collect()
    }

    fn maybe(&mut self, of: &[&'static str]) -> Option<&'static str> {
        (self.roll(2) == 0).then(|| self.one(of))
    }

    fn world(&mut self) -> World {
        let claim = match self.roll(4) {
            0 => Claim::Missing,
            1 => Claim::Null,
            2 => Claim::List(vec![]),
            _ => Claim::List(self.some(&TEAMS)),
        };
        let in_team = self.some(&TEAMS).into_iter().map(|team| (team, self.one(&NAMES))).collect();
        let row = (self.roll(4) > 0).then(|| {
            let visibility = self.one(&["public", "team", "private"]);
            // A team's row has a team; the database and the API see to that.
            let team = if visibility == "team" { Some(self.one(&TEAMS)) } else { self.maybe(&TEAMS) };
            (visibility, team, self.one(&PEOPLE))
        });
        World {
            admin: self.roll(3) == 0,
            flagged: self.roll(2) == 0,
            session: self.roll(3) == 0,
            claim,
            members: self.some(&TEAMS),
            global: if self.roll(2) == 0 { vec![] } else { self.some(&NAMES) },
            in_team,
            scopes: if self.roll(3) > 0 { vec![] } else { self.some(&NAMES) },
            bound: if self.roll(3) > 0 { None } else { Some(self.one(&SERVERS)) },
            door: self.one(&["inside", "open", "elsewhere", SERVERS[0], SERVERS[1]]),
            needs: self.one(&NAMES),
            act: self.one(&["use", "change", "make"]),
            row,
        }
    }
}

/// The rows that the credential reaches: `None` is public-only; administrators reach every team.
fn reach(world: &World) -> Result<Option<BTreeSet<&'static str>>, Answer> {
    let every: BTreeSet<_> = TEAMS.into_iter().collect();
    let members: BTreeSet<_> = world.members.iter().copied().collect();
    let named: BTreeSet<_> = match &world.claim {
        Claim::List(list) => list.iter().copied().collect(),
        Claim::Missing | Claim::Null => BTreeSet::new(),
    };
    if world.session {
        let own = if world.admin { every } else { members };
        if named.is_empty() {
            return Ok(Some(own));
        }
        let both: BTreeSet<_> = own.intersection(&named).copied().collect();
        return Ok((!both.is_empty()).then_some(both));
    }
    match &world.claim {
        Claim::Null => Ok((world.admin && world.flagged).then_some(every)),
        Claim::List(list) if !list.is_empty() => {
            if named.is_subset(&members) {
                Ok(Some(named))
            } else {
                Err(Answer::TokenRefused)
            }
        }
        Claim::Missing | Claim::List(_) => Ok(None),
    }
}

fn model(world: &World) -> Answer {
    let reach = match reach(world) {
        Ok(reach) => reach,
        Err(refused) => return refused,
    };
    let in_reach = |team: &str| reach.as_ref().is_some_and(|teams| teams.contains(team));
    // 1. Server-scoped tokens stay on their server; the documentation is open to them.
    if let Some(bound) = world.bound
        && !["inside", "open", bound].contains(&world.door)
    {
        return Answer::Refused;
    }
    // 2. Roles. An administrator's public-only token gives no administrator's rights.
    let everywhere = (world.admin && reach.is_some()) || gives(&world.global, world.needs);
    // What is the platform's cannot come from a team.
    let platform = world.needs.starts_with("admin.");
    let team_role = |wanted: &str| {
        !platform
            && world.in_team.iter().any(|(team, name)| {
                *team == wanted
                    && world.members.contains(team)
                    && in_reach(team)
                    && gives(&[name], world.needs)
            })
    };
    if !everywhere && !TEAMS.iter().any(|team| team_role(team)) {
        return Answer::Refused;
    }
    // 3. Permission-scoped tokens.
    if !world.scopes.is_empty() && !gives(&world.scopes, world.needs) {
        return Answer::Refused;
    }
    // With a token for one server nothing can be changed, that server included.
    if world.bound.is_some() && !["tools.read", "tools.execute", "servers.use"].contains(&world.needs) {
        return Answer::Refused;
    }
    // 4. The row.
    let Some((visibility, team, owner)) = world.row else { return Answer::Allowed };
    let mine = owner == PEOPLE[0];
    // Whoever says who is in a team runs it.
    let runs_here = |wanted: &str| {
        let given = |(team, name): &(&str, &str)| *team == wanted && *name == "teams.manage_members";
        world.members.contains(&wanted) && in_reach(wanted) && world.in_team.iter().any(given)
    };
    let runs = (world.admin && reach.is_some())
        || world.global.contains(&"teams.manage_members")
        || team.is_some_and(runs_here);
    let role_covers = everywhere || team.is_some_and(team_role);
    if world.act == "make" {
        let reached = team.is_none_or(in_reach) && (visibility == "public" || reach.is_some());
        return if reached && role_covers { Answer::Allowed } else { Answer::Refused };
    }
    let seen = match visibility {
        "public" => true,
        "team" => team.is_some_and(in_reach),
        _ => reach.is_some() && mine,
    };
    match (seen, world.act) {
        (false, _) => Answer::Hidden,
        (true, "use") if visibility == "team" && !role_covers => Answer::Hidden,
        (true, "change") if !(mine || role_covers && runs) => Answer::Refused,
        (true, _) => Answer::Allowed,
    }
}

/// Whether a list of names gives a permission; anything about tools brings the use of servers along.
fn gives(names: &[&str], wanted: &str) -> bool {
    names.contains(&wanted)
        || (wanted == "servers.use" && names.iter().any(|name| name.starts_with("tools.")))
}

fn team(id: &str) -> TeamId {
    TeamId::from_stored(id)
}

/// An account with nothing but what decisions look at.
fn account(email: &str, is_admin: bool) -> User {
    let now = Timestamp(0);
    User {
        id: UserId::from_stored("0"),
        email: email.to_owned(),
        full_name: None,
        password_hash: Secret::new(String::new()),
        is_admin,
        is_active: true,
        password_change_required: false,
        password_changed_at: Timestamp(0),
        email_verified_at: None,
        failed_login_attempts: 0,
        locked_until: None,
        last_login: None,
        created_at: now,
        updated_at: now,
    }
}

fn program(world: &World) -> Answer {
    let mut rights = Rights { teams: world.members.iter().map(|id| team(id)).collect(), ..Rights::default() };
    let set = |names: &[&str]| PermissionSet::from_names(names.iter().copied());
    rights.add(RoleScope::Global, None, set(&world.global));
    for (id, name) in &world.in_team {
        rights.add(RoleScope::Team, Some((*id).to_owned()), set(&[name]));
    }
    let claims = Claims {
        token_use: world.session.then(|| "session".to_owned()),
        teams: match &world.claim {
            Claim::Missing => Teams::Absent,
            Claim::Null => Teams::Null,
            Claim::List(list) => Teams::List(list.iter().map(|&id| id.to_owned()).collect()),
        },
        user: Some(TokenUser {
            email: PEOPLE[0].to_owned(),
            full_name: None,
            is_admin: world.flagged,
            auth_provider: None,
        }),
        ..Claims::default()
    };
    let scopes: Vec<String> = world.scopes.iter().map(|&name| name.to_owned()).collect();
    let limits = (authn::cap(&scopes), world.bound.map(ServerId::from_stored));
    let Ok(actor) = authn::assemble(account(PEOPLE[0], world.admin), claims, rights, limits) else {
        return Answer::TokenRefused;
    };
    let server = ServerId::from_stored(world.door);
    let row = world.row.map(|(visibility, id, owner)| Owned {
        visibility: visibility.parse::<Visibility>().unwrap(),
        team_id: id.map(team),
        owner_email: owner.to_owned(),
    });
    let mut question = Question::of(world.needs.parse::<Permission>().unwrap());
    question.door = match world.door {
        "inside" => Door::Inside,
        "open" => Door::Open,
        "elsewhere" => Door::Elsewhere,
        _ => Door::Server(&server),
    };
    let act = match world.act {
        "use" => Act::Use,
        "change" => Act::Change,
        _ => Act::Make,
    };
    if let Some(row) = &row {
        question = question.about("tool", act, row);
    }
    match decide(&actor, &question) {
        Ok(()) => Answer::Allowed,
        Err(reason) if reason.hides() => Answer::Hidden,
        Err(_) => Answer::Refused,
    }
}

#[test]
fn the_program_decides_as_the_contract_reads() {
    let mut dice = Dice(3);
    let mut seen = std::collections::BTreeMap::new();
    for number in 0..WORLDS {
        let world = dice.world();
        let (expected, decided) = (model(&world), program(&world));
        assert_eq!(decided, expected, "world {number}: {world:#?}");
        *seen.entry(decided).or_insert(0_u32) += 1;
    }
    // A comparison in which one answer hardly comes up would compare little.
    assert_eq!(seen.len(), 4);
    assert!(seen.values().all(|count| *count > WORLDS / 50), "{seen:?}");
}
