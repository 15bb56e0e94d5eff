-- Which definition of a tool was approved, and what its upstream says now. A pin stays when its tool goes.

ALTER TABLE tools ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE tool_pins (
    gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
    original_name TEXT NOT NULL,
    state TEXT NOT NULL,
    approved TEXT,
    approved_fingerprint TEXT,
    offered TEXT,
    offered_fingerprint TEXT,
    rejected_fingerprint TEXT,
    class TEXT,
    findings TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    PRIMARY KEY (gateway_id, original_name)
);
CREATE INDEX tool_pins_by_state ON tool_pins (state, seen_at);
