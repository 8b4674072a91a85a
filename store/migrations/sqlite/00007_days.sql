-- +goose Up

-- What a platform says an ad cost on a day, and what it counted: one row a source,
-- day and ad; where an export has no ads, its ad sets or campaigns, and the finer
-- IDs are ''. A source's day is replaced as a whole when it is imported again.
CREATE TABLE costs (
    source_id              TEXT    NOT NULL, -- our source, one ad account
    cost_day               TEXT    NOT NULL, -- the day in the account's own zone, 2006-01-02
    platform_campaign_id   TEXT    NOT NULL, -- the platform's campaign; '': the export does not say
    adset_id               TEXT    NOT NULL, -- its ad set or ad group; '': none
    ad_id                  TEXT    NOT NULL, -- its ad; '': none
    ad_account_id          TEXT    NOT NULL,
    platform               TEXT    NOT NULL, -- the source's
    platform_campaign_name TEXT    NOT NULL,
    adset_name             TEXT    NOT NULL,
    ad_name                TEXT    NOT NULL,
    spend_micros           INTEGER NOT NULL, -- millionths of currency
    currency               TEXT    NOT NULL, -- ISO 4217, the account's
    impressions            INTEGER NOT NULL,
    platform_clicks        INTEGER NOT NULL, -- link clicks, as the platform counts them
    platform_conversions   INTEGER NOT NULL, -- conversions it claims
    platform_value_micros  INTEGER NOT NULL, -- and what it says they were worth
    imported_at            INTEGER NOT NULL,
    import_id              TEXT    NOT NULL, -- the import that brought it
    PRIMARY KEY (source_id, cost_day, ad_id, adset_id, platform_campaign_id)
);

-- One row a source and day whose costs are known; they are spread over the rows
-- of days by their clicks. Who spreads them moves version by one first.
CREATE TABLE cost_days (
    cost_day    TEXT    NOT NULL,
    source_id   TEXT    NOT NULL,
    imported_at INTEGER NOT NULL,
    clicks      INTEGER NOT NULL, -- the source's clicks of that day when they were spread
    version     INTEGER NOT NULL,
    PRIMARY KEY (cost_day, source_id)
);

-- What one unit of currency was worth in reporting_currency on a day.
CREATE TABLE fx_rates (
    reporting_currency TEXT    NOT NULL, -- ISO 4217
    currency           TEXT    NOT NULL, -- ISO 4217
    rate_date          TEXT    NOT NULL, -- 2006-01-02
    rate               TEXT    NOT NULL, -- a plain decimal, at most 12 digits after the point
    rate_trillionths   INTEGER NOT NULL, -- the same, exact: SQLite has no decimals
    source             TEXT    NOT NULL, -- who says so: ecb, manual, ...
    PRIMARY KEY (reporting_currency, currency, rate_date)
);

-- Counts by day and ad. Each row is written by differences in the transaction
-- that changes what it counts, and can be made anew: subfive rebuild days. Costs
-- are spread afterwards.
CREATE TABLE days (
    day                  TEXT NOT NULL, -- 2006-01-02 in the reporting time zone: the click's, or the conversion's own
    source_id            TEXT NOT NULL,
    campaign_id          TEXT NOT NULL,
    offer_id             TEXT NOT NULL,
    ad_account_id        TEXT NOT NULL,
    platform             TEXT NOT NULL,
    platform_campaign_id TEXT NOT NULL,
    adset_id             TEXT NOT NULL,
    ad_id                TEXT NOT NULL,
    currency             TEXT NOT NULL, -- of the amounts; what has none is on the row of the reporting currency, and XXX is not known
    clicks                  INTEGER NOT NULL DEFAULT 0, -- clicks of people: no bots, prefetches or tests
    bots                    INTEGER NOT NULL DEFAULT 0, -- clicks that look like a bot's, tests left out
    prefetches              INTEGER NOT NULL DEFAULT 0, -- clicks that a browser fetched ahead, bots and tests left out
    tests                   INTEGER NOT NULL DEFAULT 0, -- test clicks
    visitors                INTEGER NOT NULL DEFAULT 0, -- clicks of people that are the first of their browser
    lp_views                INTEGER NOT NULL DEFAULT 0, -- clicks of people whose landing page was seen, on the day it was
    lp_clicks               INTEGER NOT NULL DEFAULT 0, -- clicks of people whose way to the offer was taken, on the day it was
    conversions             INTEGER NOT NULL DEFAULT 0, -- conversions that count, of the base goal
    events                  INTEGER NOT NULL DEFAULT 0, -- conversions that count, of any other goal
    upsells                 INTEGER NOT NULL DEFAULT 0, -- those events that have a payout
    pending                 INTEGER NOT NULL DEFAULT 0, -- conversions not decided yet
    approved                INTEGER NOT NULL DEFAULT 0, -- conversions approved
    rejected                INTEGER NOT NULL DEFAULT 0, -- conversions rejected
    bot_conversions         INTEGER NOT NULL DEFAULT 0, -- conversions and events whose click looks like a bot's
    test_conversions        INTEGER NOT NULL DEFAULT 0, -- test conversions; they count nowhere else
    revenue_pending_micros  INTEGER NOT NULL DEFAULT 0, -- payouts of conversions and events not decided yet
    revenue_approved_micros INTEGER NOT NULL DEFAULT 0, -- payouts approved
    revenue_rejected_micros INTEGER NOT NULL DEFAULT 0, -- payouts rejected
    click_cost_micros       INTEGER NOT NULL DEFAULT 0, -- what clicks cost, as their links said; bots and prefetches too
    cost_micros             INTEGER NOT NULL DEFAULT 0, -- this row's share of the spend in costs, in its currency
    impressions             INTEGER NOT NULL DEFAULT 0, -- and of the impressions
    platform_clicks         INTEGER NOT NULL DEFAULT 0, -- and of the clicks the platform counted
    platform_conversions    INTEGER NOT NULL DEFAULT 0, -- and of the conversions it claims
    platform_value_micros   INTEGER NOT NULL DEFAULT 0, -- and of their value
    refreshed_at         INTEGER NOT NULL DEFAULT 0, -- when it last changed
    PRIMARY KEY (day, source_id, campaign_id, offer_id, ad_account_id, platform, platform_campaign_id, adset_id, ad_id, currency)
) WITHOUT ROWID;

-- The same counts by hour, place and device.
CREATE TABLE hours (
    hour         INTEGER NOT NULL, -- the hour's first moment in the reporting time zone, Unix milliseconds
    campaign_id  TEXT NOT NULL,
    source_id    TEXT NOT NULL,
    offer_id     TEXT NOT NULL,
    country      TEXT NOT NULL, -- of the click; '': unknown
    device       TEXT NOT NULL, -- of the click
    currency     TEXT NOT NULL,
    clicks                  INTEGER NOT NULL DEFAULT 0, -- clicks of people: no bots, prefetches or tests
    bots                    INTEGER NOT NULL DEFAULT 0, -- clicks that look like a bot's, tests left out
    prefetches              INTEGER NOT NULL DEFAULT 0, -- clicks that a browser fetched ahead, bots and tests left out
    tests                   INTEGER NOT NULL DEFAULT 0, -- test clicks
    visitors                INTEGER NOT NULL DEFAULT 0, -- clicks of people that are the first of their browser
    lp_views                INTEGER NOT NULL DEFAULT 0, -- clicks of people whose landing page was seen, on the day it was
    lp_clicks               INTEGER NOT NULL DEFAULT 0, -- clicks of people whose way to the offer was taken, on the day it was
    conversions             INTEGER NOT NULL DEFAULT 0, -- conversions that count, of the base goal
    events                  INTEGER NOT NULL DEFAULT 0, -- conversions that count, of any other goal
    upsells                 INTEGER NOT NULL DEFAULT 0, -- those events that have a payout
    pending                 INTEGER NOT NULL DEFAULT 0, -- conversions not decided yet
    approved                INTEGER NOT NULL DEFAULT 0, -- conversions approved
    rejected                INTEGER NOT NULL DEFAULT 0, -- conversions rejected
    bot_conversions         INTEGER NOT NULL DEFAULT 0, -- conversions and events whose click looks like a bot's
    test_conversions        INTEGER NOT NULL DEFAULT 0, -- test conversions; they count nowhere else
    revenue_pending_micros  INTEGER NOT NULL DEFAULT 0, -- payouts of conversions and events not decided yet
    revenue_approved_micros INTEGER NOT NULL DEFAULT 0, -- payouts approved
    revenue_rejected_micros INTEGER NOT NULL DEFAULT 0, -- payouts rejected
    click_cost_micros       INTEGER NOT NULL DEFAULT 0, -- what clicks cost, as their links said; bots and prefetches too
    refreshed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, campaign_id, source_id, offer_id, country, device, currency)
) WITHOUT ROWID;

-- For reports of a day, and of those whose delivery is unfinished or failed.
CREATE INDEX conversions_day ON conversions (conversion_day);
CREATE INDEX deliveries_open ON deliveries (conversion_id) WHERE status IN ('scheduled', 'submitted', 'dead');

-- The clicks of one browser; '' once retention took it.
ALTER TABLE clicks ADD COLUMN visitor_id TEXT NOT NULL DEFAULT '';
CREATE INDEX clicks_visitor ON clicks (visitor_id, clicked_at) WHERE visitor_id <> '';
