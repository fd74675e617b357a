-- Where polled sources go on: the place of a list or a conversation in each, in the poller's own
-- form. Written in the transaction of the events that were read up to there.
CREATE TABLE cursors (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (source, key)
) WITHOUT ROWID;
