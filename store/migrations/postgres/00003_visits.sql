-- +goose Up

-- What landing pages told of clicks; doc is the root's Visit as JSON.
CREATE TABLE visits (
    visit_id   TEXT    PRIMARY KEY,
    click_id   TEXT    NOT NULL,
    kind       TEXT    NOT NULL,               -- lp_view or lp_click
    visited_at BIGINT NOT NULL,
    landing_id TEXT    NOT NULL,
    offer_id   TEXT    NOT NULL,
    doc        TEXT    NOT NULL
);
CREATE INDEX visits_click ON visits (click_id);
CREATE INDEX visits_at ON visits (visited_at);

-- A click that a landing page told more of is replaced only as it was read.
ALTER TABLE clicks ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
