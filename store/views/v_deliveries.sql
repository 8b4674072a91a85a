-- One row is the promise to tell one destination about one conversion; the key
-- is delivery_id, and conversion × destination × kind × generation is unique.
-- Rows add up, and value a kind and a currency at a time: a replay, a retraction
-- and each destination speak of the same conversion again.
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
    CASE WHEN d.status = 'scheduled' AND (p.paused_until > 0 OR p.manual = 1) THEN 1 ELSE 0 END AS is_held, -- 1: it waits for a paused destination
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
    d.limited_use,                                             -- 1: the platform is told to limit its use of the data
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN (d.platform = 'meta' AND ({{has "c.doc" "params" "fbclid"}} = 1 OR {{has "c.doc" "params" "_fbc"}} = 1)) OR (d.platform = 'google' AND ({{has "c.doc" "params" "gclid"}} = 1 OR {{has "c.doc" "params" "gbraid"}} = 1 OR {{has "c.doc" "params" "wbraid"}} = 1)) OR (d.platform = 'tiktok' AND ({{has "c.doc" "params" "ttclid"}} = 1)) OR (d.platform = 'reddit' AND ({{has "c.doc" "params" "rdt_cid"}} = 1)) OR {{has "v.doc" "direct_value"}} = 1 THEN 1 ELSE 0 END) END AS sent_click_id, -- 1: told with the platform's click ID; like all sent_, from what click and postback brought, and NULL once personal data is gone or when nothing was sent
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN d.platform = 'meta' AND {{has "c.doc" "params" "_fbp"}} = 1 THEN 1 ELSE 0 END) END AS sent_fbp, -- 1: with Meta's browser cookie
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN {{has "c.doc" "request" "client_addr"}} = 1 THEN 1 ELSE 0 END) END AS sent_ip, -- 1: with the visitor's address
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN {{has "c.doc" "request" "user_agent"}} = 1 THEN 1 ELSE 0 END) END AS sent_ua, -- 1: with his user agent
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN {{has "c.doc" "user_data" "email" "box"}} = 1 OR {{has "v.doc" "user_data" "email" "box"}} = 1 THEN 1 ELSE 0 END) END AS sent_email, -- 1: with an e-mail address, hashed
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN {{has "c.doc" "user_data" "phone" "box"}} = 1 OR {{has "v.doc" "user_data" "phone" "box"}} = 1 THEN 1 ELSE 0 END) END AS sent_phone, -- 1: with a phone number, hashed
    CASE WHEN d.delivered_at > 0 AND coalesce(c.kept, v.kept) >= 2 THEN (CASE WHEN {{has "c.doc" "user_data" "user_id" "box"}} = 1 OR {{has "v.doc" "user_data" "user_id" "box"}} = 1 THEN 1 ELSE 0 END) END AS sent_user_id, -- 1: with a user ID of ours
    {{family (json "c.doc" "request" "client_addr")}} AS ip_family, -- of the visitor's address: 4 or 6
    coalesce(lower({{json "c.doc" "consent" "consent_ad_user_data"}}), 'unknown') AS consent -- what the click says of ad_user_data
FROM deliveries d
LEFT JOIN conversions v ON v.conversion_id = d.conversion_id
LEFT JOIN clicks c ON c.click_id = v.attributed_click_id AND v.attributed_click_id <> ''
LEFT JOIN pauses p ON p.destination_id = d.destination_id
LEFT JOIN outbox o ON o.delivery_id = d.delivery_id
