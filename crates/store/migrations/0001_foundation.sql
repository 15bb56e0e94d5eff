-- People, teams, roles, registered things, tokens, sequences and the audit record.
-- Runs on SQLite and on PostgreSQL. Times are BIGINT microseconds since 1970; JSON is TEXT, because the order of
-- keys and the text of numbers have to survive; ids are TEXT made by the program.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    full_name TEXT,
    password_hash TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    password_change_required BOOLEAN NOT NULL,
    failed_login_attempts BIGINT NOT NULL,
    locked_until BIGINT,
    last_login BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE teams (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    description TEXT,
    created_by TEXT NOT NULL,
    is_personal BOOLEAN NOT NULL,
    visibility TEXT NOT NULL,
    max_members BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    is_active BOOLEAN NOT NULL
);
CREATE INDEX teams_by_age ON teams (created_at, id);

CREATE TABLE memberships (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    email TEXT NOT NULL REFERENCES users (email) ON DELETE CASCADE,
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    invited_by TEXT,
    PRIMARY KEY (team_id, email)
);
CREATE INDEX memberships_by_email ON memberships (email);

CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    scope TEXT NOT NULL,
    permissions TEXT NOT NULL,
    is_system BOOLEAN NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (name, scope)
);

-- scope_id is the team of a role in a team, and empty for the others: NULL would make the constraint useless.
CREATE TABLE role_assignments (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL REFERENCES users (email) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (email, role_id, scope, scope_id)
);
CREATE INDEX role_assignments_by_role ON role_assignments (role_id);
CREATE INDEX role_assignments_by_place ON role_assignments (scope_id);

-- name_scope says among which rows a name is unique: all public ones, those of a team, or the private ones of a
-- person. It follows from visibility, team_id and owner_email and is written together with them.
CREATE TABLE gateways (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    transport TEXT NOT NULL,
    sealed_auth TEXT,
    protocol TEXT NOT NULL,
    dialect_version TEXT,
    dialect_modern BOOLEAN,
    capabilities TEXT NOT NULL,
    server_info TEXT,
    instructions TEXT,
    enabled BOOLEAN NOT NULL,
    reachable BOOLEAN NOT NULL,
    last_seen BIGINT,
    last_refresh_at BIGINT,
    last_error TEXT,
    skipped_tools TEXT NOT NULL,
    passthrough_headers TEXT NOT NULL,
    refresh_interval_seconds BIGINT,
    tags TEXT NOT NULL,
    visibility TEXT NOT NULL,
    team_id TEXT,
    owner_email TEXT NOT NULL,
    name_scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_from_ip TEXT,
    created_via TEXT NOT NULL,
    created_user_agent TEXT,
    modified_by TEXT,
    modified_from_ip TEXT,
    modified_via TEXT,
    modified_user_agent TEXT,
    version BIGINT NOT NULL,
    UNIQUE (name_scope, slug)
);
CREATE INDEX gateways_by_age ON gateways (created_at, id);

-- The public name of a tool or prompt is not unique here: two upstreams may offer the same name, and the catalogue
-- decides what is served under it.
CREATE TABLE tools (
    id TEXT NOT NULL PRIMARY KEY,
    gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    original_name TEXT NOT NULL,
    custom_name TEXT NOT NULL,
    custom_slug TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT,
    description TEXT,
    definition TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    reachable BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    visibility TEXT NOT NULL,
    team_id TEXT,
    owner_email TEXT NOT NULL,
    name_scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_from_ip TEXT,
    created_via TEXT NOT NULL,
    created_user_agent TEXT,
    modified_by TEXT,
    modified_from_ip TEXT,
    modified_via TEXT,
    modified_user_agent TEXT,
    version BIGINT NOT NULL,
    UNIQUE (gateway_id, original_name)
);
CREATE INDEX tools_by_age ON tools (created_at, id);
CREATE INDEX tools_by_name ON tools (name_scope, name);

CREATE TABLE prompts (
    id TEXT NOT NULL PRIMARY KEY,
    gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    original_name TEXT NOT NULL,
    custom_name TEXT NOT NULL,
    custom_slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    definition TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    reachable BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    visibility TEXT NOT NULL,
    team_id TEXT,
    owner_email TEXT NOT NULL,
    name_scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_from_ip TEXT,
    created_via TEXT NOT NULL,
    created_user_agent TEXT,
    modified_by TEXT,
    modified_from_ip TEXT,
    modified_via TEXT,
    modified_user_agent TEXT,
    version BIGINT NOT NULL,
    UNIQUE (gateway_id, original_name)
);
CREATE INDEX prompts_by_age ON prompts (created_at, id);
CREATE INDEX prompts_by_name ON prompts (name_scope, name);

CREATE TABLE resources (
    id TEXT NOT NULL PRIMARY KEY,
    gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    uri TEXT NOT NULL,
    template BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    mime_type TEXT,
    size BIGINT,
    definition TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    reachable BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    visibility TEXT NOT NULL,
    team_id TEXT,
    owner_email TEXT NOT NULL,
    name_scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_from_ip TEXT,
    created_via TEXT NOT NULL,
    created_user_agent TEXT,
    modified_by TEXT,
    modified_from_ip TEXT,
    modified_via TEXT,
    modified_user_agent TEXT,
    version BIGINT NOT NULL,
    UNIQUE (gateway_id, template, uri)
);
CREATE INDEX resources_by_age ON resources (created_at, id);

CREATE TABLE servers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    icon TEXT,
    enabled BOOLEAN NOT NULL,
    prefix TEXT NOT NULL,
    tags TEXT NOT NULL,
    visibility TEXT NOT NULL,
    team_id TEXT,
    owner_email TEXT NOT NULL,
    name_scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_from_ip TEXT,
    created_via TEXT NOT NULL,
    created_user_agent TEXT,
    modified_by TEXT,
    modified_from_ip TEXT,
    modified_via TEXT,
    modified_user_agent TEXT,
    version BIGINT NOT NULL,
    UNIQUE (name_scope, name)
);
CREATE INDEX servers_by_age ON servers (created_at, id);

-- position keeps the order in which the items were chosen.
CREATE TABLE server_tools (
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL REFERENCES tools (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (server_id, item_id)
);
CREATE INDEX server_tools_by_item ON server_tools (item_id);

CREATE TABLE server_prompts (
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (server_id, item_id)
);
CREATE INDEX server_prompts_by_item ON server_prompts (item_id);

CREATE TABLE server_resources (
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (server_id, item_id)
);
CREATE INDEX server_resources_by_item ON server_resources (item_id);

CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT,
    reason TEXT
);
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

-- Tokens of a person that were issued before this time do not count.
CREATE TABLE tokens_valid_after (
    email TEXT NOT NULL PRIMARY KEY,
    valid_after BIGINT NOT NULL
);

-- Numbers that grow with every change, by which replicas notice changes.
CREATE TABLE sequences (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('catalogue', 1);
INSERT INTO sequences (name, value) VALUES ('identity', 1);

-- event is the text that the hash covers; the columns before it repeat what searches look for.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    event TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_target ON audit (target_id, seq);

-- One row: the end of the chain, locked by whoever appends.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
