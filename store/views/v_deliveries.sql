-- One row is the promise to tell one destination about one conversion; the key
-- is delivery_id, and conversion × destination × kind × generation is unique.
CREATE VIEW v_deliveries AS
SELECT
    d.delivery_id,                                             -- our ID
    d.conversion_id,                                           -- what it is about
    nullif(v.attributed_click_id, '') AS click_id,             -- the click it counts for
    d.destination_id,                                          -- who is told
    d.platform,                                                -- on which platform
    d.kind,                                                    -- conversion, approval, retraction or restatement
    d.event_name,                                              -- the event in the platform's words
    d.event_id,                                                -- what the platform deduplicates by
    {{time "d.event_time"}} AS event_time,                     -- the time told, UTC
    {{decimal "d.value_micros"}} AS value,                     -- the value told; NULL: none
    d.value_micros,                                            -- the same in millionths, exact
    d.currency,                                                -- its currency
    d.status,                                                  -- scheduled, submitted, delivered, dead, skipped, dry_run or tested
    d.reason_code,                                             -- why, for machines
    d.reason,                                                  -- why, for people
    d.mode,                                                    -- dry_run, test or live
    {{time "d.created_at"}} AS created_at,                     -- when it was decided, UTC
    d.created_at AS created_at_ms,                             -- the same, Unix milliseconds
    {{time "d.first_attempt_at"}} AS first_attempt_at,         -- first try, UTC
    {{time "d.delivered_at"}} AS delivered_at,                 -- when the platform took it, UTC
    {{time "d.confirmed_at"}} AS confirmed_at,                 -- when it confirmed, where it does so later, UTC
    {{time "o.next_attempt_at"}} AS next_attempt_at,           -- next try, UTC; NULL: none
    {{time "d.deadline_at"}} AS deadline_at,                   -- no try after it, UTC
    d.attempts,                                                -- tries that count
    d.last_http,                                               -- the last answer's HTTP status
    d.last_code,                                               -- the last answer's code
    CASE WHEN d.delivered_at > 0 THEN (d.delivered_at - v.received_at) / 1000 END AS delay_seconds, -- postback to platform
    d.generation,                                              -- 1, and one more for each replay
    d.waits_for,                                               -- the delivery that must end before it
    CASE WHEN d.ambiguous_at > 0 THEN 1 ELSE 0 END AS is_ambiguous, -- 1: a try whose answer we never learned
    d.limited_use                                              -- 1: the platform is told to limit its use of the data
FROM deliveries d
LEFT JOIN conversions v ON v.conversion_id = d.conversion_id
LEFT JOIN outbox o ON o.delivery_id = d.delivery_id
