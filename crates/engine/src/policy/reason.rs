//! How the steps of a decision come out: every finding there is, with its step and what it means for the request.

use domain::{Outcome, Permission};

use super::question::Restriction;

/// How one step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No credential was shown.
    Anonymous,
    /// The credential is good.
    SignedIn,
    /// No limit of the token stands against it.
    NotRestricted,
    /// One does.
    Restricted(Restriction),
    /// The token is not for one virtual server.
    NotBound,
    /// It is, and the door was decided about before.
    AlreadyInside,
    /// It is, and the door is one for every token.
    OpenDoor,
    /// It is, and this is the server.
    OnItsServer,
    /// It is, and this is another place.
    OffItsServer,
    /// The question demands no permission.
    NothingNeeded,
    /// An administrator has every permission.
    Administrator,
    /// A global or personal role gives the permission.
    Role,
    /// A role in a team gives it.
    TeamRole,
    /// No role gives it.
    NoRole(Permission),
    /// The token is not limited to permissions.
    NotCapped,
    /// It is, and has the permission.
    InsideCap,
    /// It is, and has it not.
    OutsideCap(Permission),
    /// It is, and the request takes one that is not.
    NotWhole,
    /// The question is about no row.
    NoRow,
    /// Everybody sees it.
    PublicRow,
    /// The credential reaches its team.
    TeamOfScope,
    /// The credential reaches every team.
    EveryTeam,
    /// It is the actor's own.
    OwnPrivateRow,
    /// A team's row, and the credential reaches public rows only.
    PublicOnlyScope,
    /// A team's row, and the credential does not reach the team.
    TeamOutsideScope,
    /// The actor's own private row, and the credential reaches public rows only.
    OwnButPublicOnly,
    /// Somebody else's private row.
    PrivateOfAnother,
    /// The credential reaches what is to be made.
    MayMake,
    /// Not public, and the credential reaches public rows only.
    MakesPublicOnly,
    /// For a team that the credential does not reach.
    MakesInOtherTeam,
    /// No role in a team is asked for.
    NoTeamAsked,
    /// The permission holds in the row's team.
    CoversTeam,
    /// It does not, and so the row does not exist for the actor.
    NotInThisTeam,
    /// It does not where the row is to be made.
    MakesWithoutTeamRole,
    /// Ownership is not asked for.
    NoOwnerAsked,
    /// The actor is the owner.
    Owner,
    /// The permission holds for the row.
    CoversRow,
    /// Neither.
    NotTheOwner,
}

impl Reason {
    /// The step that found it.
    pub const fn step(self) -> &'static str {
        use Reason as R;
        match self {
            R::Anonymous | R::SignedIn => "credential",
            R::NotRestricted | R::Restricted(_) => "restriction",
            R::NotBound | R::AlreadyInside | R::OpenDoor | R::OnItsServer | R::OffItsServer => {
                "server_binding"
            }
            R::NothingNeeded | R::Administrator | R::Role | R::TeamRole | R::NoRole(_) => "role",
            R::NotCapped | R::InsideCap | R::OutsideCap(_) | R::NotWhole => "token_cap",
            R::NoTeamAsked | R::CoversTeam | R::NotInThisTeam | R::MakesWithoutTeamRole => "team",
            R::NoOwnerAsked | R::Owner | R::CoversRow | R::NotTheOwner => "ownership",
            _ => "visibility",
        }
    }

    /// What it means for the request.
    pub const fn outcome(self) -> Outcome {
        use Reason as R;
        match self {
            R::Restricted(_)
            | R::OffItsServer
            | R::NoRole(_)
            | R::OutsideCap(_)
            | R::NotWhole
            | R::PublicOnlyScope
            | R::TeamOutsideScope
            | R::OwnButPublicOnly
            | R::PrivateOfAnother
            | R::MakesPublicOnly
            | R::MakesInOtherTeam
            | R::NotInThisTeam
            | R::MakesWithoutTeamRole
            | R::NotTheOwner => Outcome::Denied,
            R::NothingNeeded | R::NoRow | R::NoTeamAsked | R::NoOwnerAsked | R::AlreadyInside => {
                Outcome::NotAsked
            }
            _ => Outcome::Passed,
        }
    }

    /// Whether the denial must look as if the row did not exist.
    pub const fn hides(self) -> bool {
        matches!(
            self,
            Self::PublicOnlyScope
                | Self::TeamOutsideScope
                | Self::OwnButPublicOnly
                | Self::PrivateOfAnother
                | Self::NotInThisTeam
        )
    }

    /// The word for metrics and programs: one of a short list.
    pub const fn label(self) -> &'static str {
        use Reason as R;
        match self {
            R::Restricted(Restriction::Network) => "network",
            R::Restricted(Restriction::Time) => "time",
            R::Restricted(Restriction::Usage) => "usage",
            R::Restricted(Restriction::Membership) => "membership",
            R::OffItsServer => "server_binding",
            R::NoRole(_) => "role",
            R::OutsideCap(_) | R::NotWhole => "token_cap",
            R::PublicOnlyScope | R::OwnButPublicOnly | R::MakesPublicOnly => "public_only",
            R::TeamOutsideScope | R::MakesInOtherTeam => "team_scope",
            R::PrivateOfAnother => "private",
            R::NotInThisTeam | R::MakesWithoutTeamRole => "team_role",
            R::NotTheOwner => "ownership",
            _ => "allowed",
        }
    }

    /// What is said to whoever is refused: ContextForge's words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Restricted(Restriction::Time) => "Request not allowed at this time by token restrictions",
            Self::Restricted(Restriction::Membership) => {
                "Token is invalid: User is no longer a member of the associated team"
            }
            _ => "Access denied",
        }
    }

    /// The permission that is missing.
    pub const fn missing(self) -> Option<Permission> {
        match self {
            Self::NoRole(permission) | Self::OutsideCap(permission) => Some(permission),
            _ => None,
        }
    }
}
