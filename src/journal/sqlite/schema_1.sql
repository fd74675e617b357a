-- Moments are microseconds since 1970. Ids are 16 bytes.

-- A request as it arrived, once, whatever number of events it holds. `id` is the sequence of its
-- first event.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    received INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);

-- Append-only. `raw_start` and `raw_length` point into the request's body; `position` is that of
-- the first delivery, the others follow it.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    request INTEGER NOT NULL,
    raw_start INTEGER NOT NULL,
    raw_length INTEGER NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    conversation BLOB,
    time INTEGER NOT NULL,
    historical INTEGER NOT NULL,
    cause BLOB,
    correlation BLOB NOT NULL,
    hops INTEGER NOT NULL,
    traceparent TEXT,
    facts BLOB NOT NULL,
    deliveries TEXT NOT NULL,
    position INTEGER NOT NULL
);

-- Which events are known. Outlives the events themselves, because senders repeat for a week.
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

-- The embedded broker.
CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    delivery_limit INTEGER NOT NULL
);
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
