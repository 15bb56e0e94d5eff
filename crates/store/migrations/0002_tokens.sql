-- API tokens, how they are used, and a number on every row that ends a credential, by which replicas notice it.

ALTER TABLE revoked_tokens ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
CREATE INDEX revoked_tokens_by_seq ON revoked_tokens (seq);

-- One row for each person whose credentials were ended or changed: since when tokens count (0 for always), and
-- whether the account is switched off or gone.
ALTER TABLE tokens_valid_after ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens_valid_after ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX tokens_valid_after_by_seq ON tokens_valid_after (seq);
INSERT INTO tokens_valid_after (email, valid_after, seq, disabled)
SELECT email, 0, 1, TRUE FROM users WHERE is_active = FALSE
ON CONFLICT (email) DO UPDATE SET disabled = TRUE;
INSERT INTO sequences (name, value) VALUES ('revocation', 1);

-- name_key is what has to be unique: '=' and the name while the token lives, its id when it is over, so that the
-- name can be given again. team_key is the team, and empty where there is none: NULL would make the constraint
-- useless.
CREATE TABLE api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL REFERENCES users (email) ON DELETE CASCADE,
    team_key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    token_hash TEXT NOT NULL,
    server_id TEXT,
    permissions TEXT NOT NULL,
    ip_restrictions TEXT NOT NULL,
    time_restrictions TEXT NOT NULL,
    usage_limits TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used BIGINT,
    is_active BOOLEAN NOT NULL,
    revoked_at BIGINT,
    revoked_by TEXT,
    revocation_reason TEXT,
    seq BIGINT NOT NULL,
    UNIQUE (email, team_key, name_key)
);
CREATE INDEX api_tokens_by_age ON api_tokens (created_at, id);
CREATE INDEX api_tokens_by_team ON api_tokens (team_key);
CREATE INDEX api_tokens_by_seq ON api_tokens (seq);

-- By token and hour since 1970: what statistics add up, and what usage limits are counted with.
CREATE TABLE token_usage (
    token_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    served BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    micros BIGINT NOT NULL,
    PRIMARY KEY (token_id, hour)
);
CREATE INDEX token_usage_by_hour ON token_usage (hour);

-- By token and day since 1970. Routes, not paths: there are only so many.
CREATE TABLE token_endpoints (
    token_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (token_id, day, endpoint)
);
CREATE INDEX token_endpoints_by_day ON token_endpoints (day);
