-- Positions below zero belong to replays: they go ahead of what is pending.
--
-- `state`: 0 waits for its moment, 1 for an answer, 2 is dead and holds its conversation. `call`:
-- the call it was made part of. `collect`: how its burst is gathered, as `quiet,max,messages,
-- supersede` in milliseconds.
ALTER TABLE pending ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pending ADD COLUMN call BLOB;
ALTER TABLE pending ADD COLUMN collect TEXT;

-- Attempts: those that did not work, and every one that was an HTTP exchange. `sent` and
-- `answered` are bounded and hold no secret; `config` is the fingerprint it was made under.
ALTER TABLE failures RENAME TO attempts;
ALTER TABLE attempts ADD COLUMN outcome TEXT NOT NULL DEFAULT 'retry';
ALTER TABLE attempts ADD COLUMN sent TEXT;
ALTER TABLE attempts ADD COLUMN answered TEXT;
ALTER TABLE attempts ADD COLUMN config TEXT;

-- Calls that were written before they were sent, because their members must not change or because
-- the answer may come another way. `members`: positions, as a JSON list. `state`: `open`;
-- `answered`, when `answer` came and was not judged yet; `superseded`; `over`; or `told` for one that
-- we learn of by its status alone.
CREATE TABLE calls (
    id BLOB PRIMARY KEY,
    destination TEXT NOT NULL,
    members TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    receipt TEXT,
    answer BLOB
) WITHOUT ROWID;

-- How conversations stand. `inbound`: when the contact wrote last, to the minute below.
CREATE TABLE conversations (
    id BLOB PRIMARY KEY,
    inbound INTEGER,
    takeover_by TEXT,
    takeover_since INTEGER,
    takeover_until INTEGER,
    suppressed TEXT
) WITHOUT ROWID;

-- What the other side calls a conversation.
CREATE TABLE threads (
    conversation BLOB NOT NULL,
    peer TEXT NOT NULL,
    thread TEXT NOT NULL,
    PRIMARY KEY (conversation, peer)
) WITHOUT ROWID;

-- Which delivery a message of ours came from, by a digest of the message's id.
CREATE TABLE receipts (
    key BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- Which events tell what became of a delivery's message.
CREATE TABLE told (
    position INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (position, sequence)
) WITHOUT ROWID;

-- Deliveries that repeat an earlier one, because somebody asked for it.
CREATE TABLE replays (
    position INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    of INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    generation INTEGER NOT NULL
);
CREATE INDEX replays_of ON replays (sequence);

CREATE INDEX calls_at ON calls (at);
CREATE INDEX receipts_at ON receipts (at);
