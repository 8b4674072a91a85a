-- +goose Up

-- One row a comparison with a network's own books. doc is what it came to, as
-- JSON; theirs and ours are how many conversions each had before anything was
-- mended.
CREATE TABLE reconciliations (
    reconciliation_id TEXT    PRIMARY KEY,
    network_id        TEXT    NOT NULL,
    state             TEXT    NOT NULL,           -- running, done, failed
    dry_run           INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    finished_at       INTEGER NOT NULL,
    theirs            INTEGER NOT NULL,
    ours              INTEGER NOT NULL,
    doc               TEXT    NOT NULL
);
CREATE INDEX reconciliations_at ON reconciliations (network_id, started_at);

-- What differed, one row a conversion.
CREATE TABLE reconciliation_differences (
    reconciliation_id     TEXT    NOT NULL,
    number                INTEGER NOT NULL,
    outcome               TEXT    NOT NULL,       -- missing_here, missing_there, status_flip, payout_drift, possible_duplicate
    conversion_id         TEXT    NOT NULL,
    network_conversion_id TEXT    NOT NULL,
    day                   TEXT    NOT NULL,
    doc                   TEXT    NOT NULL,
    PRIMARY KEY (reconciliation_id, number)
);

-- Whose turn it is to ask a network, so that one process does at a time.
CREATE TABLE reconciliation_turns (
    network_id TEXT    PRIMARY KEY,
    owner      TEXT    NOT NULL,
    until      INTEGER NOT NULL,                  -- 0: nobody's
    nightly_at INTEGER NOT NULL                   -- when it was last done by itself
);

-- What a network has installed of our postbacks, as it was last seen.
CREATE TABLE postback_watch (
    network_id TEXT    PRIMARY KEY,
    seen_at    INTEGER NOT NULL,
    doc        TEXT    NOT NULL
);
