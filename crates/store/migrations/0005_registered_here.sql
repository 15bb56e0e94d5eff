-- Prompts and resources that are registered here have no gateway, and their text is in the row. A column cannot be made
-- optional in both databases, so the tables are made anew; what servers have of them is put aside meanwhile, because
-- it refers to them.
CREATE TABLE kept_server_prompts AS SELECT server_id, item_id, position FROM server_prompts;
DROP TABLE server_prompts;
CREATE TABLE kept_server_resources AS SELECT server_id, item_id, position FROM server_resources;
DROP TABLE server_resources;

CREATE TABLE new_prompts (
    id TEXT NOT NULL PRIMARY KEY,
    gateway_id TEXT REFERENCES gateways (id) ON DELETE CASCADE,
    original_name TEXT NOT NULL,
    custom_name TEXT NOT NULL,
    custom_slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    definition TEXT NOT NULL,
    template TEXT,
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
INSERT INTO new_prompts (
    id, gateway_id, original_name, custom_name, custom_slug, name, description, definition, enabled,
    reachable, tags, visibility, team_id, owner_email, name_scope, created_at, updated_at, created_by,
    created_from_ip, created_via, created_user_agent, modified_by, modified_from_ip, modified_via,
    modified_user_agent, version
) SELECT
    id, gateway_id, original_name, custom_name, custom_slug, name, description, definition, enabled,
    reachable, tags, visibility, team_id, owner_email, name_scope, created_at, updated_at, created_by,
    created_from_ip, created_via, created_user_agent, modified_by, modified_from_ip, modified_via,
    modified_user_agent, version
FROM prompts;
DROP TABLE prompts;
ALTER TABLE new_prompts RENAME TO prompts;
CREATE INDEX prompts_by_age ON prompts (created_at, id);
CREATE INDEX prompts_by_name ON prompts (name_scope, name);
CREATE UNIQUE INDEX prompts_registered_here ON prompts (name_scope, name) WHERE gateway_id IS NULL;

CREATE TABLE new_resources (
    id TEXT NOT NULL PRIMARY KEY,
    gateway_id TEXT REFERENCES gateways (id) ON DELETE CASCADE,
    uri TEXT NOT NULL,
    template BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    mime_type TEXT,
    size BIGINT,
    definition TEXT NOT NULL,
    content TEXT,
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
INSERT INTO new_resources (
    id, gateway_id, uri, template, name, description, mime_type, size, definition, enabled, reachable,
    tags, visibility, team_id, owner_email, name_scope, created_at, updated_at, created_by,
    created_from_ip, created_via, created_user_agent, modified_by, modified_from_ip, modified_via,
    modified_user_agent, version
) SELECT
    id, gateway_id, uri, template, name, description, mime_type, size, definition, enabled, reachable,
    tags, visibility, team_id, owner_email, name_scope, created_at, updated_at, created_by,
    created_from_ip, created_via, created_user_agent, modified_by, modified_from_ip, modified_via,
    modified_user_agent, version
FROM resources;
DROP TABLE resources;
ALTER TABLE new_resources RENAME TO resources;
CREATE INDEX resources_by_age ON resources (created_at, id);
CREATE UNIQUE INDEX resources_registered_here ON resources (name_scope, uri) WHERE gateway_id IS NULL;

CREATE TABLE server_prompts (
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (server_id, item_id)
);
CREATE INDEX server_prompts_by_item ON server_prompts (item_id);
INSERT INTO server_prompts (server_id, item_id, position)
SELECT server_id, item_id, position FROM kept_server_prompts;
DROP TABLE kept_server_prompts;

CREATE TABLE server_resources (
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (server_id, item_id)
);
CREATE INDEX server_resources_by_item ON server_resources (item_id);
INSERT INTO server_resources (server_id, item_id, position)
SELECT server_id, item_id, position FROM kept_server_resources;
DROP TABLE kept_server_resources;
