-- Ways into a team, and roles that inherit from each other.

ALTER TABLE roles ADD COLUMN inherits_from TEXT REFERENCES roles (id);
ALTER TABLE roles ADD COLUMN is_active BOOLEAN NOT NULL DEFAULT TRUE;
CREATE INDEX roles_by_parent ON roles (inherits_from);

-- The token is not kept, only its SHA-256. There need not be an account with the address.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    invited_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    is_active BOOLEAN NOT NULL
);
CREATE INDEX invitations_by_team ON invitations (team_id, invited_at);

-- One for each person and team: asking again replaces it.
CREATE TABLE join_requests (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    email TEXT NOT NULL REFERENCES users (email) ON DELETE CASCADE,
    message TEXT,
    status TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    reviewed_at BIGINT,
    reviewed_by TEXT,
    UNIQUE (team_id, email)
);
CREATE INDEX join_requests_by_email ON join_requests (email);
