-- +goose Up

-- Reports that take too long to be waited for, one row each. query is what was
-- asked, doc what it came to, both as JSON.
CREATE TABLE reports (
    report_id   TEXT    PRIMARY KEY,
    asked_by    TEXT    NOT NULL,
    query       TEXT    NOT NULL,
    state       TEXT    NOT NULL,                 -- queued, running, done, failed, cancelled
    progress    INTEGER NOT NULL,                 -- percent
    owner       TEXT    NOT NULL,                 -- who makes it; '': nobody
    until       INTEGER NOT NULL,                 -- when its owner is given up, should he be gone
    created_at  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    problem     TEXT    NOT NULL,                 -- why it failed
    doc         TEXT    NOT NULL
);
CREATE INDEX reports_state ON reports (state, created_at);

-- For reports by the time of clicks.
CREATE INDEX conversions_clicked ON conversions (clicked_at);
