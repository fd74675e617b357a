-- Moments are microseconds since 1970. Ids are 16 bytes.

-- Append-only, and the only table that every arrival writes: one row an event.
--
-- `request` is the sequence of the request's first event, whose row holds `headers` and `body`
-- for all of them; `raw_start` and `raw_length` point into that body. `position` is that of the
-- first delivery, the others follow it. What is small stands first, so that reading it does not
-- touch the bodies.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    received INTEGER NOT NULL,
    time INTEGER NOT NULL,
    deliveries TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    conversation BLOB,
    historical INTEGER NOT NULL,
    cause BLOB,
    correlation BLOB,
    hops INTEGER NOT NULL,
    traceparent TEXT,
    raw_start INTEGER NOT NULL,
    raw_length INTEGER NOT NULL,
    facts BLOB NOT NULL,
    headers TEXT,
    body BLOB
);

-- Which events are known. Outlives the events themselves, because senders repeat for a week.
-- Ids of events after `seen_through` in `state` are in memory, and merged in sorted runs: one
-- insert each would write a page of its own for every event.
CREATE TABLE seen (
    id BLOB PRIMARY KEY,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE aliases (
    key BLOB PRIMARY KEY,
    conversation BLOB NOT NULL,
    label TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX aliases_of ON aliases (conversation);

-- Deliveries that are still to be made; small, because what is settled leaves it.
CREATE TABLE pending (
    destination TEXT NOT NULL,
    position INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    route TEXT NOT NULL,
    idx INTEGER NOT NULL,
    conversation BLOB,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    since INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (destination, position)
) WITHOUT ROWID;

-- Deliveries that were made, refused or given up.
CREATE TABLE settled (
    position INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    reason TEXT,
    receipt TEXT
);

-- Attempts that did not work.
CREATE TABLE failures (
    position INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (position, attempt)
) WITHOUT ROWID;

-- Which event answered which: only replies stand here.
CREATE TABLE replies (
    cause BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (cause, id)
) WITHOUT ROWID;

-- The queues of the embedded broker. What was placed into a queue after `cursor` stands in the
-- `deliveries` of its events and nowhere else; reception moves the cursor.
CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    delivery_limit INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    placed INTEGER NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0
);

-- Messages that were received and not yet acknowledged, or given back.
CREATE TABLE messages (
    queue INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (queue, position)
) WITHOUT ROWID;

CREATE TABLE state (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
