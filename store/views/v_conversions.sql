-- One row is a conversion; the key is conversion_id. Add up counts_conversion,
-- and payout where counts_revenue = 1, a currency at a time.
CREATE VIEW v_conversions AS
SELECT
    v.conversion_id,                                              -- our ID
    nullif(v.attributed_click_id, '') AS click_id,                -- the click it counts for; NULL: none
    v.received_click_id,                                          -- the click ID the network brought
    v.match_method,                                               -- click, late, direct or manual
    v.verdict,                                                    -- what was decided about it
    v.counts AS counts_conversion,                                -- 1: counts as a conversion
    v.counts AS counts_revenue,                                   -- 1: its payout counts as revenue
    v.is_test,                                                    -- 1: a test, counts nowhere
    {{jsonbool "v.doc" "backfilled"}} AS backfilled,              -- 1: fetched from the network later
    v.network_id AS network,                                      -- who pays
    v.endpoint_id,                                                -- where it came in
    v.network_conversion_id,                                      -- the network's ID, the first one
    v.transaction_id,                                             -- the network's click session
    v.order_id,                                                   -- the advertiser's order
    v.goal,                                                       -- what the visitor did
    CASE WHEN lower(v.goal) = 'base' THEN 1 ELSE 0 END AS is_base, -- 1: the conversion itself, 0: an event after it
    {{jsonint "v.doc" "seq"}} AS seq_in_click,                    -- its number in its click session, from 1
    coalesce({{json "v.doc" "first_status"}}, '') AS first_status, -- the status it came with
    v.network_status,                                             -- the status now: pending, approved, rejected or ''
    {{jsontime "v.doc" "status_changed_at"}} AS status_changed_at, -- when that changed, UTC
    {{jsontime "v.doc" "approved_at"}} AS approved_at,            -- when it was approved, UTC
    {{jsontime "v.doc" "rejected_at"}} AS rejected_at,            -- when it was rejected, UTC
    {{time "v.converted_at"}} AS converted_at,                    -- when it happened, UTC
    v.converted_at AS converted_at_ms,                            -- the same, Unix milliseconds
    {{json "v.doc" "converted_at_from"}} AS converted_at_from,    -- macro, api or arrival
    {{time "v.received_at"}} AS received_at,                      -- when we heard of it, UTC
    v.received_at AS received_at_ms,                              -- the same, Unix milliseconds
    v.conversion_day,                                             -- the day it happened, in the reporting time zone
    {{time "v.clicked_at"}} AS clicked_at,                        -- when the click was, UTC
    c.click_day,                                                  -- the day of the click, in the reporting time zone
    CASE WHEN v.clicked_at > 0 THEN (v.converted_at - v.clicked_at) / 1000 END AS seconds_to_convert, -- click to conversion
    {{decimal (micros (json "v.doc" "payout_first"))}} AS payout_first, -- the payout it came with
    {{micros (json "v.doc" "payout_first")}} AS payout_first_micros, -- the same in millionths
    {{decimal "v.payout_micros"}} AS payout,                      -- the payout now; NULL: unknown
    v.payout_micros,                                              -- the same in millionths, exact
    {{json "v.doc" "value_from"}} AS value_from,                  -- postback, offer_default or api
    v.currency AS payout_currency,                                -- the currency of all its amounts
    CASE WHEN v.currency = {{reporting}} THEN '1' ELSE {{rate "v.conversion_day" "v.currency" "f.rate"}} END AS fx_rate, -- the rate of exchange to the reporting currency; NULL: none is known
    CASE WHEN v.currency = {{reporting}} THEN v.conversion_day ELSE {{rate "v.conversion_day" "v.currency" "f.rate_date"}} END AS fx_date, -- the day of that rate: the conversion's, or up to a week before
    {{inreporting "v.payout_micros" "v.conversion_day" "v.currency"}} AS payout_reporting_micros, -- the payout now in millionths of the reporting currency, exact
    {{decimal (inreporting "v.payout_micros" "v.conversion_day" "v.currency")}} AS payout_reporting, -- the same; NULL: unknown, or no rate
    {{decimal "v.sale_amount_micros"}} AS sale_amount,            -- what the customer paid
    v.sale_amount_micros,                                         -- the same in millionths, exact
    v.offer_id,                                                   -- our offer
    c.offer_id AS offer_id_clicked,                               -- the offer of the click
    {{json "v.doc" "network_offer_id"}} AS offer_id_reported,     -- the network's number for the offer
    v.campaign_id,                                                -- the campaign clicked
    v.source_id,                                                  -- where the traffic was bought
    c.platform,                                                   -- the source's platform
    c.ad_account_id,                                              -- the source's ad account
    c.landing_id,                                                 -- the landing page shown
    {{json "c.doc" "path_id"}} AS path_id,                        -- the path through the campaign
    {{json "c.doc" "rule_id"}} AS rule_id,                        -- the rule that chose it
    c.record_kind,                                                -- how the click was recorded
    c.is_bot,                                                     -- 1: the click looked like a bot's
    k.visitor_id, k.visit_no, k.is_repeat,                        -- the browser; as in v_clicks
    k.platform_campaign_id, k.platform_campaign_name, k.adset_id, k.adset_name, k.ad_id, k.ad_name, -- the ad, in the platform's words
    k.placement, k.keyword, k.match_type,                         -- where it was shown
{{- range tokens}}
    k.{{.}}, -- the source's own parameter
{{- end}}
    k.ip_family, k.country, k.region, k.device, k.os, k.browser, k.language, -- who clicked
    k.referrer_host, k.landing_host,                              -- where from, and on which page
    k.cost AS click_cost, k.cost_currency AS click_cost_currency, -- what the click cost
{{- range $n := subs}}
    {{json "v.doc" "subs" $n}} AS {{$n}},                         -- as the postback brought it
{{- end}}
    {{json "v.doc" "also_received_by"}} AS also_received_by,      -- other endpoints that got it too, as JSON
    (SELECT count(*) FROM deliveries d WHERE d.conversion_id = v.conversion_id
        AND d.status NOT IN ('skipped', 'dry_run', 'tested')) AS deliveries_owed, -- to be told to a platform
    (SELECT count(*) FROM deliveries d WHERE d.conversion_id = v.conversion_id
        AND d.status = 'delivered') AS deliveries_delivered,      -- told
    (SELECT count(*) FROM deliveries d JOIN pauses p ON p.destination_id = d.destination_id
        WHERE d.conversion_id = v.conversion_id AND d.status = 'scheduled'
        AND (p.paused_until > 0 OR p.manual = 1)) AS deliveries_held, -- waiting for a paused destination
    (SELECT count(*) FROM deliveries d WHERE d.conversion_id = v.conversion_id
        AND d.status = 'dead') AS deliveries_dead,                -- given up
    (SELECT count(*) FROM deliveries d WHERE d.conversion_id = v.conversion_id
        AND d.status = 'skipped') AS deliveries_skipped           -- decided against
FROM conversions v
LEFT JOIN clicks c ON c.click_id = v.attributed_click_id AND v.attributed_click_id <> ''
LEFT JOIN v_clicks k ON k.click_id = v.attributed_click_id AND v.attributed_click_id <> ''
