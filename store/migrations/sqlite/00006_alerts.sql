-- +goose Up

-- One row a rule and subject, and node for what each process sees for itself.
-- owed are the messages that a channel has not taken yet, as JSON.
CREATE TABLE alerts (
    alert_id     TEXT   PRIMARY KEY,
    rule         TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    node         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    what         TEXT   NOT NULL,
    todo         TEXT   NOT NULL,
    see          TEXT   NOT NULL,
    since        INTEGER NOT NULL,
    fired_at     INTEGER NOT NULL,
    told_at      INTEGER NOT NULL,
    recovered_at INTEGER NOT NULL,
    muted_until  INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    owed         TEXT   NOT NULL,
    version      INTEGER NOT NULL
);
