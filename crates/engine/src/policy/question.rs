//! What can be asked of the policy: which permission, through which door, to do what with which row.

use domain::{Owned, Permission, id::ServerId};

/// What somebody wants to do with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Act {
    /// List it, read it, call it. Whoever may not, must not learn that it exists.
    #[default]
    Use,
    /// Change, switch or delete it.
    Change,
    /// Make it, or give it another visibility or team.
    Make,
}

/// Where a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door<'a> {
    /// It is in already: the door was decided about before.
    #[default]
    Inside,
    /// One that a token for a single virtual server may also use: the documentation.
    Open,
    /// Under the path of a virtual server.
    Server(&'a ServerId),
    /// Any other.
    Elsewhere,
}

/// A limit of the token that stands against the request. Whether one does is worked out where the client's address,
/// the time and the counters are known; that it decides is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Restriction {
    /// The client's address is in none of the token's networks.
    Network,
    /// It is not the time for it.
    Time,
    /// It was used often enough.
    Usage,
    /// It names a team that its person is no member of.
    Membership,
}

/// A row that the question is about.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// What it is, for people: `tool`.
    pub kind: &'static str,
    /// Whose it is.
    pub owned: &'a Owned,
}

/// What is asked. The parts that are absent are not asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// A limit of the token that stands against it.
    pub restriction: Option<Restriction>,
    /// Where the request comes in.
    pub door: Door<'a>,
    /// What the door demands of everybody: `servers.use` at MCP endpoints.
    pub entry: Option<Permission>,
    /// What the method or the route demands.
    pub permission: Option<Permission>,
    /// Whether it takes a token that is not limited to permissions: no permission stands for the request, so that
    /// none of a limited token can.
    pub whole_token: bool,
    /// What is to be done with the object.
    pub act: Act,
    /// The row.
    pub object: Option<Object<'a>>,
}

impl<'a> Question<'a> {
    /// May the actor do `permission` at all?
    pub const fn of(permission: Permission) -> Self {
        Self {
            restriction: None,
            door: Door::Inside,
            entry: None,
            permission: Some(permission),
            whole_token: false,
            act: Act::Use,
            object: None,
        }
    }

    /// May the actor come in here?
    pub const fn entering(door: Door<'a>) -> Self {
        Self {
            restriction: None,
            door,
            entry: None,
            permission: None,
            whole_token: false,
            act: Act::Use,
            object: None,
        }
    }

    /// The same about a row.
    #[must_use]
    pub const fn about(self, kind: &'static str, act: Act, owned: &'a Owned) -> Self {
        Self { act, object: Some(Object { kind, owned }), ..self }
    }

    /// What is demanded, the door's first.
    pub fn needs(&self) -> impl Iterator<Item = Permission> {
        self.entry.into_iter().chain(self.permission)
    }
}
