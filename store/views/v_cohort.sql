-- One row is a day of clicks, a number of days until they converted, a source and a
-- campaign, which together are the key. All columns add up: clicks are on the row
-- of 0 days alone. Conversions without a click of ours are not here.
CREATE VIEW v_cohort AS
SELECT
    x.click_day, -- the day of the clicks, in the reporting time zone
    x.days_to_convert, -- days from the click's to the conversion's
    x.source_id, -- where the traffic was bought
    x.campaign_id, -- the campaign clicked
    {{whole "sum(x.clicks)"}} AS clicks, -- clicks of people; on the row of 0 days
    {{whole "sum(x.conversions)"}} AS conversions, -- conversions that count, of the base goal
    {{whole "sum(x.rejected)"}} AS rejected, -- those of them that were rejected
    CASE WHEN max(x.rate_missing) = 0 THEN {{whole "sum(x.micros)"}} END AS revenue_micros, -- payouts not rejected, events too, in millionths of the reporting currency
    CASE WHEN max(x.rate_missing) = 0 THEN {{decimal "sum(x.micros)"}} END AS revenue, -- the same
    max(x.rate_missing) AS is_rate_missing -- 1: a rate of exchange is missing, and with it the revenue
FROM (
    SELECT r.day AS click_day, 0 AS days_to_convert, r.source_id, r.campaign_id, sum(r.clicks) AS clicks, 0 AS conversions, 0 AS rejected,
        0 AS micros, 0 AS rate_missing
    FROM days r
    WHERE r.clicks <> 0
    GROUP BY r.day, r.source_id, r.campaign_id
    UNION ALL
    SELECT k.click_day, {{daysbetween "k.click_day" "v.conversion_day"}}, k.source_id, k.campaign_id, 0,
        CASE WHEN lower(v.goal) = 'base' THEN 1 ELSE 0 END,
        CASE WHEN lower(v.goal) = 'base' AND v.network_status = 'rejected' THEN 1 ELSE 0 END,
        CASE WHEN v.network_status = 'rejected' THEN 0 ELSE coalesce({{inreporting "v.payout_micros" "v.conversion_day" "v.currency"}}, 0) END,
        {{norate "coalesce(v.payout_micros, 0) = 0 OR v.network_status = 'rejected'" "v.conversion_day" "v.currency"}}
    FROM conversions v
    JOIN clicks k ON k.click_id = v.attributed_click_id
    WHERE v.counts = 1 AND v.is_test = 0 AND v.attributed_click_id <> ''
) x
GROUP BY x.click_day, x.days_to_convert, x.source_id, x.campaign_id
