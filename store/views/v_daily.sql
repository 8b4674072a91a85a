-- One row is a day of a source, campaign, offer, ad account, platform campaign, ad
-- set and ad, which together are the key. Counts and amounts add up; ratios do not.
-- Each metric is on its own day, so that a conversion may be on another row than
-- its click. Amounts are in the reporting currency. It reads sums kept by day, and
-- is as fast for a quarter as for a day.
CREATE VIEW v_daily AS
SELECT
    d.day, -- the day in the reporting time zone: the click's for clicks and cost, the conversion's own for conversions
    d.source_id, -- where the traffic was bought; empty: no click of ours
    d.campaign_id, -- our campaign; empty on rows of spend that fits no click
    d.offer_id, -- our offer
    d.ad_account_id, -- the platform's account
    d.platform, -- the source's platform
    d.platform_campaign_id, -- the platform's campaign
    d.adset_id, -- its ad set or ad group
    d.ad_id, -- its ad
    d.clicks, -- clicks of people: bots, prefetches and tests left out
    d.bots, -- clicks that look like a bot's
    d.prefetches, -- clicks a browser fetched ahead
    d.tests, -- test clicks
    d.visitors, -- clicks that were the first of their browser
    d.lp_views, -- clicks whose landing page was seen
    d.lp_clicks, -- clicks that went on to the offer
    d.conversions, -- conversions that count, of the base goal; a bot's too
    d.events, -- conversions that count, of another goal
    d.upsells, -- those events that have a payout
    d.pending, -- conversions not decided yet
    d.approved, -- conversions approved
    d.rejected, -- conversions rejected
    d.bot_conversions, -- conversions and events of clicks that look like a bot's
    d.test_conversions, -- test conversions, which count nowhere else
    (CASE WHEN d.revenue_missing = 0 THEN d.revenue_pending_micros END) AS revenue_pending_micros, -- payouts not decided yet, of conversions and events, in millionths of currency, exact
    {{decimal "(CASE WHEN d.revenue_missing = 0 THEN d.revenue_pending_micros END)"}} AS revenue_pending, -- the same
    (CASE WHEN d.revenue_missing = 0 THEN d.revenue_approved_micros END) AS revenue_approved_micros, -- payouts approved, in millionths of currency, exact
    {{decimal "(CASE WHEN d.revenue_missing = 0 THEN d.revenue_approved_micros END)"}} AS revenue_approved, -- the same
    (CASE WHEN d.revenue_missing = 0 THEN d.revenue_rejected_micros END) AS revenue_rejected_micros, -- payouts rejected, in millionths of currency, exact
    {{decimal "(CASE WHEN d.revenue_missing = 0 THEN d.revenue_rejected_micros END)"}} AS revenue_rejected, -- the same
    (CASE WHEN d.revenue_missing = 0 THEN (d.revenue_pending_micros + d.revenue_approved_micros) END) AS revenue_micros, -- pending and approved together, in millionths of currency, exact
    {{decimal "(CASE WHEN d.revenue_missing = 0 THEN (d.revenue_pending_micros + d.revenue_approved_micros) END)"}} AS revenue, -- the same
    (CASE WHEN d.cost_missing = 0 THEN (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END) END) AS cost_micros, -- what it cost; NULL: not known, in millionths of currency, exact
    {{decimal "(CASE WHEN d.cost_missing = 0 THEN (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END) END)"}} AS cost, -- the same
    CASE WHEN c.source_id IS NOT NULL AND d.campaign_id = '' AND d.clicks = 0 AND (d.spend_micros <> 0 OR d.cost_missing = 1) THEN 'unallocated' WHEN c.source_id IS NOT NULL THEN 'imported' WHEN d.click_cost_micros <> 0 THEN 'link' WHEN d.source_id = '' THEN 'none' ELSE 'missing' END AS cost_status, -- imported; unallocated: imported, of an ad without a click of ours; link: as links said; missing: not known; none: not bought
    (CASE WHEN d.revenue_missing + d.cost_missing = 0 THEN ((d.revenue_pending_micros + d.revenue_approved_micros) - (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END)) END) AS profit_micros, -- revenue less cost; NULL: the cost is not known, in millionths of currency, exact
    {{decimal "(CASE WHEN d.revenue_missing + d.cost_missing = 0 THEN ((d.revenue_pending_micros + d.revenue_approved_micros) - (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END)) END)"}} AS profit, -- the same
    {{ratio "(CASE WHEN d.revenue_missing + d.cost_missing = 0 THEN ((d.revenue_pending_micros + d.revenue_approved_micros) - (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END)) END)" "(CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END)"}} AS roi, -- profit to cost; like all ratios, not to be averaged: divide sums
    {{ratio "d.conversions" "d.clicks"}} AS cr, -- conversions to clicks
    {{ratio "(CASE WHEN d.revenue_missing = 0 THEN (d.revenue_pending_micros + d.revenue_approved_micros) END)" "d.clicks * 1000000"}} AS epc, -- revenue a click
    {{ratio "(CASE WHEN d.cost_missing = 0 THEN (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END) END)" "d.clicks * 1000000"}} AS cpc, -- cost a click
    {{ratio "(CASE WHEN d.cost_missing = 0 THEN (CASE WHEN c.source_id IS NOT NULL THEN d.spend_micros WHEN d.click_cost_micros <> 0 THEN d.click_cost_micros WHEN d.source_id = '' THEN 0 END) END)" "d.conversions * 1000000"}} AS cpa, -- cost a conversion
    {{ratio "d.approved" "d.approved + d.rejected"}} AS approve_rate, -- approved to decided conversions
    reporting.value AS currency, -- the reporting currency, of all amounts
    CASE WHEN d.revenue_missing + d.cost_missing > 0 THEN 1 ELSE 0 END AS is_rate_missing, -- 1: a rate of exchange is missing, and with it the revenue or the cost
    d.impressions, -- as the platform counted them
    d.platform_clicks, -- clicks, as the platform counted them
    d.platform_conversions, -- conversions the platform claims
    (CASE WHEN d.cost_missing = 0 THEN d.platform_value_micros END) AS platform_value_micros, -- and what it says they were worth, in millionths of currency, exact
    {{decimal "(CASE WHEN d.cost_missing = 0 THEN d.platform_value_micros END)"}} AS platform_value, -- the same
    {{ratio "d.platform_clicks - d.clicks" "d.platform_clicks"}} AS traffic_loss, -- the share of the platform's clicks that did not reach us as people
    coalesce(u.undelivered, 0) AS undelivered, -- conversions that a destination still has to be told of, or was never told of
    {{time "d.refreshed_at"}} AS refreshed_at -- when a count of it last changed, UTC
FROM (
    SELECT r.day, r.source_id, r.campaign_id, r.offer_id, r.ad_account_id, r.platform, r.platform_campaign_id, r.adset_id, r.ad_id,
        {{whole "sum(r.clicks)"}} AS clicks,
        {{whole "sum(r.bots)"}} AS bots,
        {{whole "sum(r.prefetches)"}} AS prefetches,
        {{whole "sum(r.tests)"}} AS tests,
        {{whole "sum(r.visitors)"}} AS visitors,
        {{whole "sum(r.lp_views)"}} AS lp_views,
        {{whole "sum(r.lp_clicks)"}} AS lp_clicks,
        {{whole "sum(r.conversions)"}} AS conversions,
        {{whole "sum(r.events)"}} AS events,
        {{whole "sum(r.upsells)"}} AS upsells,
        {{whole "sum(r.pending)"}} AS pending,
        {{whole "sum(r.approved)"}} AS approved,
        {{whole "sum(r.rejected)"}} AS rejected,
        {{whole "sum(r.bot_conversions)"}} AS bot_conversions,
        {{whole "sum(r.test_conversions)"}} AS test_conversions,
        {{whole "sum(r.impressions)"}} AS impressions,
        {{whole "sum(r.platform_clicks)"}} AS platform_clicks,
        {{whole "sum(r.platform_conversions)"}} AS platform_conversions,
        {{whole (print "sum(" (inreporting "r.revenue_pending_micros" "r.day" "r.currency") ")")}} AS revenue_pending_micros,
        {{whole (print "sum(" (inreporting "r.revenue_approved_micros" "r.day" "r.currency") ")")}} AS revenue_approved_micros,
        {{whole (print "sum(" (inreporting "r.revenue_rejected_micros" "r.day" "r.currency") ")")}} AS revenue_rejected_micros,
        {{whole (print "sum(" (inreporting "r.click_cost_micros" "r.day" "r.currency") ")")}} AS click_cost_micros,
        {{whole (print "sum(" (inreporting "r.cost_micros" "r.day" "r.currency") ")")}} AS spend_micros,
        {{whole (print "sum(" (inreporting "r.platform_value_micros" "r.day" "r.currency") ")")}} AS platform_value_micros,
        max({{norate "r.revenue_pending_micros = 0 AND r.revenue_approved_micros = 0 AND r.revenue_rejected_micros = 0" "r.day" "r.currency"}}) AS revenue_missing,
        max({{norate "r.click_cost_micros = 0 AND r.cost_micros = 0 AND r.platform_value_micros = 0" "r.day" "r.currency"}}) AS cost_missing,
        max(r.refreshed_at) AS refreshed_at
    FROM days r
    GROUP BY r.day, r.source_id, r.campaign_id, r.offer_id, r.ad_account_id, r.platform, r.platform_campaign_id, r.adset_id, r.ad_id
) d
JOIN settings reporting ON reporting.name = 'reporting_currency'
LEFT JOIN cost_days c ON c.cost_day = d.day AND c.source_id = d.source_id
LEFT JOIN (
    SELECT v.conversion_day AS day, coalesce(k.source_id, v.source_id) AS source_id, coalesce(k.campaign_id, v.campaign_id) AS campaign_id,
        CASE WHEN v.offer_id <> '' THEN v.offer_id ELSE coalesce(k.offer_id, '') END AS offer_id,
        coalesce(k.ad_account_id, '') AS ad_account_id, coalesce(k.platform, '') AS platform,
        coalesce({{json "k.doc" "ad" "campaign_id"}}, '') AS platform_campaign_id, coalesce({{json "k.doc" "ad" "set_id"}}, '') AS adset_id,
        coalesce({{json "k.doc" "ad" "id"}}, '') AS ad_id, count(DISTINCT v.conversion_id) AS undelivered
    FROM deliveries o
    JOIN conversions v ON v.conversion_id = o.conversion_id
    LEFT JOIN clicks k ON k.click_id = v.attributed_click_id AND v.attributed_click_id <> ''
    WHERE o.status IN ('scheduled', 'submitted', 'dead') AND o.kind = 'conversion' AND o.mode = 'live' AND v.counts = 1 AND v.is_test = 0
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
) u ON u.day = d.day AND u.source_id = d.source_id AND u.campaign_id = d.campaign_id AND u.offer_id = d.offer_id AND u.ad_account_id = d.ad_account_id AND u.platform = d.platform AND u.platform_campaign_id = d.platform_campaign_id AND u.adset_id = d.adset_id AND u.ad_id = d.ad_id
