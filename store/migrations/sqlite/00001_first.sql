-- +goose Up
-- Times are Unix milliseconds, 0 or NULL for never; booleans are 0 and 1;
-- amounts are millionths. The same columns on SQLite and PostgreSQL.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row a resource. spec is the root type as JSON; a destination's platform
-- settings lie apart in sealed, readable only with the key file.
CREATE TABLE resources (
    kind        TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    spec        TEXT   NOT NULL,
    sealed      TEXT   NOT NULL DEFAULT '',
    origin      TEXT   NOT NULL,               -- file:line it came from, or api, or default
    archived_at INTEGER NOT NULL DEFAULT 0,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE audit (
    id         TEXT   PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    old_value  TEXT   NOT NULL DEFAULT '',
    new_value  TEXT   NOT NULL DEFAULT ''
);

-- How far each journal segment is recorded here.
CREATE TABLE journal_segments (
    segment    TEXT   PRIMARY KEY,
    pos        INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

-- doc is the root's Click as JSON; the columns are what it is found and
-- reported by.
CREATE TABLE clicks (
    click_id      TEXT   PRIMARY KEY,
    clicked_at    INTEGER NOT NULL,
    click_day     TEXT   NOT NULL,
    record_kind   TEXT   NOT NULL,
    campaign_id   TEXT   NOT NULL,
    source_id     TEXT   NOT NULL,
    platform      TEXT   NOT NULL,
    ad_account_id TEXT   NOT NULL,
    offer_id      TEXT   NOT NULL,
    landing_id    TEXT   NOT NULL,
    is_bot        INTEGER NOT NULL,
    is_prefetch   INTEGER NOT NULL,
    is_test       INTEGER NOT NULL,
    doc           TEXT   NOT NULL
);
CREATE INDEX clicks_at ON clicks (clicked_at);
CREATE INDEX clicks_campaign ON clicks (campaign_id, clicked_at);

CREATE TABLE postbacks (
    postback_id           TEXT   PRIMARY KEY,
    received_at           INTEGER NOT NULL,
    network_id            TEXT   NOT NULL,
    endpoint_id           TEXT   NOT NULL,
    via                   TEXT   NOT NULL,
    reading               TEXT   NOT NULL,
    verdict               TEXT   NOT NULL,
    hint                  TEXT   NOT NULL,
    answered_status       INTEGER NOT NULL,
    click_id_raw          TEXT   NOT NULL,
    click_id              TEXT   NOT NULL,
    transaction_id        TEXT   NOT NULL,
    network_conversion_id TEXT   NOT NULL,
    order_id              TEXT   NOT NULL,
    goal                  TEXT   NOT NULL,
    network_status        TEXT   NOT NULL,
    payout_raw            TEXT   NOT NULL,
    payout_micros         INTEGER,
    group_id              TEXT   NOT NULL,
    conversion_id         TEXT   NOT NULL,
    duplicate_of          TEXT   NOT NULL,
    possible_duplicate_of TEXT   NOT NULL,
    settled_as            TEXT   NOT NULL DEFAULT '',
    settled_by            TEXT   NOT NULL DEFAULT '',
    settled_at            INTEGER NOT NULL DEFAULT 0,
    trace                 TEXT   NOT NULL,
    doc                   TEXT   NOT NULL
);
CREATE INDEX postbacks_at ON postbacks (received_at);
CREATE INDEX postbacks_verdict ON postbacks (verdict, received_at);
CREATE INDEX postbacks_conversion ON postbacks (conversion_id) WHERE conversion_id <> '';
CREATE INDEX postbacks_click ON postbacks (click_id) WHERE click_id <> '';
CREATE INDEX postbacks_transaction ON postbacks (transaction_id) WHERE transaction_id <> '';
CREATE INDEX postbacks_network_conversion ON postbacks (network_conversion_id) WHERE network_conversion_id <> '';

-- A record that could not be decided or stored even alone, as it came.
CREATE TABLE broken_records (
    segment     TEXT   NOT NULL,
    pos         INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    reason      TEXT   NOT NULL,
    data        TEXT   NOT NULL,               -- base64: it may be anything
    PRIMARY KEY (segment, pos)
);

-- Writers of a click session exclude each other by compare-and-set on these.
CREATE TABLE session_versions (
    session_key TEXT   PRIMARY KEY,
    version     INTEGER NOT NULL
);

CREATE TABLE conversion_groups (
    group_id       TEXT PRIMARY KEY,
    network_id     TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    click_id       TEXT NOT NULL
);
CREATE INDEX groups_transaction ON conversion_groups (transaction_id) WHERE transaction_id <> '';
CREATE INDEX groups_click ON conversion_groups (click_id) WHERE click_id <> '';

-- doc is the root's Conversion as JSON; a write demands that version has not
-- moved since it was read.
CREATE TABLE conversions (
    conversion_id         TEXT   PRIMARY KEY,
    group_id              TEXT   NOT NULL,
    network_id            TEXT   NOT NULL,
    endpoint_id           TEXT   NOT NULL,
    postback_id           TEXT   NOT NULL,
    verdict               TEXT   NOT NULL,
    counts                INTEGER NOT NULL,
    is_test               INTEGER NOT NULL,
    received_click_id     TEXT   NOT NULL,
    attributed_click_id   TEXT   NOT NULL,
    match_method          TEXT   NOT NULL,
    network_conversion_id TEXT   NOT NULL,     -- the first one
    transaction_id        TEXT   NOT NULL,
    order_id              TEXT   NOT NULL,
    goal                  TEXT   NOT NULL,
    network_status        TEXT   NOT NULL,
    converted_at          INTEGER NOT NULL,
    received_at           INTEGER NOT NULL,
    clicked_at            INTEGER NOT NULL,
    conversion_day        TEXT   NOT NULL,
    payout_micros         INTEGER,
    sale_amount_micros    INTEGER,
    currency              TEXT   NOT NULL,
    campaign_id           TEXT   NOT NULL,
    source_id             TEXT   NOT NULL,
    offer_id              TEXT   NOT NULL,
    review_at             INTEGER NOT NULL,
    version               INTEGER NOT NULL,
    doc                   TEXT   NOT NULL
);
CREATE INDEX conversions_group ON conversions (group_id) WHERE group_id <> '';
CREATE INDEX conversions_at ON conversions (converted_at);
CREATE INDEX conversions_received ON conversions (received_at);
CREATE INDEX conversions_click ON conversions (attributed_click_id) WHERE attributed_click_id <> '';
CREATE INDEX conversions_waiting ON conversions (received_click_id) WHERE attributed_click_id = '' AND received_click_id <> '';
CREATE INDEX conversions_review ON conversions (review_at) WHERE review_at > 0;
CREATE INDEX conversions_transaction ON conversions (transaction_id) WHERE transaction_id <> '';
CREATE INDEX conversions_order ON conversions (order_id) WHERE order_id <> '';
CREATE INDEX conversions_network_conversion ON conversions (network_conversion_id) WHERE network_conversion_id <> '';

CREATE TABLE conversion_changes (
    change_id     TEXT   PRIMARY KEY,
    conversion_id TEXT   NOT NULL,
    field         TEXT   NOT NULL,
    old_value     TEXT   NOT NULL,
    new_value     TEXT   NOT NULL,
    changed_at    INTEGER NOT NULL,
    changed_by    TEXT   NOT NULL,
    postback_id   TEXT   NOT NULL
);
CREATE INDEX changes_conversion ON conversion_changes (conversion_id, changed_at);

CREATE TABLE deliveries (
    delivery_id      TEXT   PRIMARY KEY,
    conversion_id    TEXT   NOT NULL,
    destination_id   TEXT   NOT NULL,
    platform         TEXT   NOT NULL,
    kind             TEXT   NOT NULL,
    generation       INTEGER NOT NULL,
    mode             TEXT   NOT NULL,
    event_name       TEXT   NOT NULL,
    event_id         TEXT   NOT NULL,
    event_time       INTEGER NOT NULL,
    value_micros     INTEGER,
    currency         TEXT   NOT NULL,
    page_url         TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    reason_code      TEXT   NOT NULL,
    reason           TEXT   NOT NULL,
    created_at       INTEGER NOT NULL,
    deadline_at      INTEGER NOT NULL,
    first_attempt_at INTEGER NOT NULL DEFAULT 0,
    delivered_at     INTEGER NOT NULL DEFAULT 0,
    confirmed_at     INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0,
    last_http        INTEGER NOT NULL DEFAULT 0,
    last_code        TEXT   NOT NULL DEFAULT '',
    ref              TEXT   NOT NULL DEFAULT '',
    ambiguous_at     INTEGER NOT NULL DEFAULT 0,
    waits_for        TEXT   NOT NULL DEFAULT '',
    UNIQUE (conversion_id, destination_id, kind, generation)
);
CREATE INDEX deliveries_at ON deliveries (created_at);
CREATE INDEX deliveries_destination ON deliveries (destination_id, status, created_at);
CREATE INDEX deliveries_waiting ON deliveries (waits_for) WHERE waits_for <> '';

-- The schedule of the unfinished deliveries, and nothing else.
CREATE TABLE outbox (
    delivery_id     TEXT   PRIMARY KEY,
    destination_id  TEXT   NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    lease_id        TEXT   NOT NULL DEFAULT '',
    crashes         INTEGER NOT NULL DEFAULT 0,
    batch_limit     INTEGER NOT NULL DEFAULT 0,
    waits_for       TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX outbox_due ON outbox (destination_id, next_attempt_at, delivery_id);

CREATE TABLE attempts (
    attempt_id     TEXT   PRIMARY KEY,
    destination_id TEXT   NOT NULL,
    started_at     INTEGER NOT NULL,
    latency_ms     INTEGER NOT NULL,
    batch_size     INTEGER NOT NULL,
    method         TEXT   NOT NULL,
    url            TEXT   NOT NULL,
    request_header TEXT   NOT NULL,
    request_body   TEXT   NOT NULL,
    http_status    INTEGER NOT NULL,
    answer_header  TEXT   NOT NULL,
    answer_body    TEXT   NOT NULL,
    class          TEXT   NOT NULL,
    platform_code  TEXT   NOT NULL,
    subcode        TEXT   NOT NULL,
    message        TEXT   NOT NULL,
    trace_id       TEXT   NOT NULL,
    ambiguous      INTEGER NOT NULL,
    retry_after_ms INTEGER NOT NULL
);
CREATE INDEX attempts_at ON attempts (started_at);
CREATE INDEX attempts_destination ON attempts (destination_id, started_at);

CREATE TABLE attempt_items (
    attempt_id   TEXT NOT NULL,
    delivery_id  TEXT NOT NULL,
    class        TEXT NOT NULL,
    item_code    TEXT NOT NULL,
    item_message TEXT NOT NULL,
    PRIMARY KEY (attempt_id, delivery_id)
);
CREATE INDEX attempt_items_delivery ON attempt_items (delivery_id);

CREATE TABLE pauses (
    destination_id TEXT   PRIMARY KEY,
    paused_until   INTEGER NOT NULL,
    reason         TEXT   NOT NULL,
    code           TEXT   NOT NULL,
    manual         INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    streak         INTEGER NOT NULL,
    version        INTEGER NOT NULL
);
