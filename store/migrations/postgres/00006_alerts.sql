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
    since        BIGINT NOT NULL,
    fired_at     BIGINT NOT NULL,
    told_at      BIGINT NOT NULL,
    recovered_at BIGINT NOT NULL,
    muted_until  BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    owed         TEXT   NOT NULL,
    version      BIGINT NOT NULL
);
