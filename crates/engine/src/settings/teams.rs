//! The settings of teams and roles.

domain::settings! {
    /// Teams, and the roles that people are given.
    TeamSettings {
        /// Give every new account a personal team.
        personal_teams: bool = "AUTO_CREATE_PERSONAL_TEAMS", default "true";
        /// Before the slug of personal teams: `home` makes `home-anns-team`.
        personal_prefix: Option<String> = "PERSONAL_TEAM_PREFIX";
        /// Teams that a person may be in, the personal one not counted.
        max_per_user: i64 = "MAX_TEAMS_PER_USER", default "50";
        /// Members that a team may have, whatever the team itself says.
        max_members: i64 = "MAX_MEMBERS_PER_TEAM", default "100";
        /// Members that a request which makes a team may name.
        max_seeds: usize = "MAX_TEAM_MEMBER_SEEDS", default "500";
        /// Days in which an invitation can be accepted.
        invitation_days: u64 = "INVITATION_EXPIRY_DAYS", default "7";
        /// Let only people whose address is verified accept invitations: whom an administrator made an account for or vouched for, and who used a link that was mailed to the address. Accounts that people made for themselves are not.
        verified_invites: bool = "REQUIRE_EMAIL_VERIFICATION_FOR_INVITES", default "true";
        /// Let everybody who may join teams make teams. Administrators always may.
        allow_creation: bool = "ALLOW_TEAM_CREATION", default "true";
        /// Let people ask to join public teams.
        allow_join_requests: bool = "ALLOW_TEAM_JOIN_REQUESTS", default "true";
        /// Let those who manage a team's members invite people.
        allow_invitations: bool = "ALLOW_TEAM_INVITATIONS", default "true";
        /// The global role of new administrators.
        admin_role: String = "DEFAULT_ADMIN_ROLE", default "platform_admin";
        /// The global role of everybody else.
        user_role: String = "DEFAULT_USER_ROLE", default "platform_viewer";
        /// The role in a team of its owners.
        owner_role: String = "DEFAULT_TEAM_OWNER_ROLE", default "team_admin";
        /// The role in a team of its other members.
        member_role: String = "DEFAULT_TEAM_MEMBER_ROLE", default "viewer";
        /// Make the roles of the file below at every start, and put them right.
        roles_from_file: bool = "MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_ENABLED", default "false";
        /// The file: a JSON list of objects with `name`, `scope`, `permissions`, and optionally `description`, `inherits_from` (a name) and `is_system_role`.
        roles_file: String = "MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_FILE", default "additional_roles_in_db.json";
        /// Note every decision about a permission, granted or refused, in the audit chain.
        permission_audit: bool = "PERMISSION_AUDIT_ENABLED", default "false";
    }
}
