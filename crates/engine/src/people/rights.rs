//! What somebody may do, added up from their roles. Pure: the roles are read elsewhere.

use std::collections::BTreeMap;

use domain::{PermissionSet, Timestamp, id::TeamId, person::RoleScope};

/// What a person may do.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    /// From global and personal roles.
    pub granted: PermissionSet,
    /// From roles in teams that the person is a member of.
    pub in_team: BTreeMap<TeamId, PermissionSet>,
    /// The teams that the person is a member of.
    pub teams: Vec<TeamId>,
    /// When the next of the roles ends.
    pub changes_at: Option<Timestamp>,
}

impl Rights {
    /// Adds what a role allows. A role left behind in a team that the person is no member of counts for nothing.
    pub(crate) fn add(&mut self, scope: RoleScope, scope_id: Option<String>, permissions: PermissionSet) {
        match (scope, scope_id.map(TeamId::from_stored)) {
            (RoleScope::Global | RoleScope::Personal, _) => self.granted = self.granted.or(permissions),
            (RoleScope::Team, Some(team)) if self.teams.contains(&team) => {
                let set = self.in_team.entry(team).or_default();
                *set = set.or(permissions.in_a_team());
            }
            (RoleScope::Team, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Permission;

    use super::*;

    #[test]
    fn team_roles_count_for_members_only() {
        let (mine, other) = (TeamId::random(), TeamId::random());
        let mut rights = Rights { teams: vec![mine.clone()], ..Rights::default() };
        let reads = PermissionSet::NONE.with(Permission::ToolsRead);
        rights.add(RoleScope::Team, Some(mine.as_str().to_owned()), reads);
        rights.add(RoleScope::Team, Some(other.as_str().to_owned()), reads);
        rights.add(RoleScope::Team, None, PermissionSet::ALL);
        rights.add(RoleScope::Global, None, PermissionSet::NONE.with(Permission::PromptsRead));
        assert_eq!(rights.in_team.keys().collect::<Vec<_>>(), [&mine]);
        assert!(rights.granted.has(Permission::PromptsRead) && !rights.granted.has(Permission::ToolsRead));
    }
}
