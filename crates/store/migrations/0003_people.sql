-- Age and history of passwords, links that reset them, when sessions were last used, and a quick way to the part of
-- the audit record that is about people.

ALTER TABLE users ADD COLUMN password_changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
UPDATE users SET password_changed_at = updated_at, email_verified_at = created_at;

CREATE TABLE password_history (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    replaced_at BIGINT NOT NULL
);
CREATE INDEX password_history_by_user ON password_history (user_id, replaced_at);

-- token_hash is the SHA-256 of a link's secret; the secret itself is stored nowhere.
CREATE TABLE password_resets (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX password_resets_by_user ON password_resets (user_id);

-- One row for a session that may end for want of use. Written now and then, not with every request.
CREATE TABLE session_activity (
    jti TEXT NOT NULL PRIMARY KEY,
    last_seen BIGINT NOT NULL
);
CREATE INDEX session_activity_by_age ON session_activity (last_seen);

CREATE INDEX audit_of_users ON audit (seq) WHERE target_kind = 'user';
