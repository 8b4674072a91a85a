-- One row is a click that a converting visitor made on his way, within 30 days
-- before the conversion; the key is conversion_id, click_id. The weights of a
-- conversion add up to 1. It is for reports: nothing of it is ever told to a
-- platform. Only visitors who let us keep our cookie are here, while personal data
-- is kept: say beside it how many conversions that is, share_with_visitor_id. Name
-- a conversion_day.
CREATE VIEW v_touchpoints AS
SELECT
    x.conversion_id, -- the conversion
    x.conversion_day, -- the day it happened, in the reporting time zone
    x.click_id, -- the click
    x.touch_no, -- its number on the way, from 1
    x.touches, -- how many there were
    x.seconds_before, -- click to conversion
    x.source_id, -- where the click was bought
    x.campaign_id, -- the campaign clicked
    x.ad_id, -- the ad
    CASE WHEN x.touch_no = x.touches THEN 1.0 ELSE 0.0 END AS w_last, -- all to the last click
    CASE WHEN x.touch_no = 1 THEN 1.0 ELSE 0.0 END AS w_first, -- all to the first
    1.0 / x.touches AS w_linear, -- the same to each
    CASE WHEN x.touches = 1 THEN 1.0 WHEN x.touches = 2 THEN 0.5 WHEN x.touch_no IN (1, x.touches) THEN 0.4 ELSE 0.2 / (x.touches - 2) END AS w_position, -- 40 % to first and last, the rest to those between
    (SELECT {{ratio "sum(CASE WHEN b.visitor_id <> '' THEN 1 ELSE 0 END)" "count(*)"}} FROM conversions a
        LEFT JOIN clicks b ON b.click_id = a.attributed_click_id AND a.attributed_click_id <> ''
        WHERE a.conversion_day = x.conversion_day AND a.counts = 1 AND a.is_test = 0) AS share_with_visitor_id -- the share of that day's conversions whose visitor is known
FROM (
    SELECT v.conversion_id, v.conversion_day, t.click_id, t.source_id, t.campaign_id, {{json "t.doc" "ad" "id"}} AS ad_id,
        (v.converted_at - t.clicked_at) / 1000 AS seconds_before,
        row_number() OVER (PARTITION BY v.conversion_id, v.conversion_day ORDER BY t.clicked_at, t.click_id) AS touch_no,
        count(*) OVER (PARTITION BY v.conversion_id, v.conversion_day) AS touches
    FROM conversions v
    JOIN clicks k ON k.click_id = v.attributed_click_id
    JOIN clicks t ON t.visitor_id = k.visitor_id AND t.visitor_id <> '' AND t.clicked_at <= v.converted_at AND t.clicked_at > v.converted_at - 2592000000
    WHERE v.attributed_click_id <> '' AND v.counts = 1 AND v.is_test = 0 AND k.visitor_id <> '' AND t.is_test = 0 AND t.is_prefetch = 0
        AND coalesce(lower({{json "t.doc" "consent" "consent_ad_user_data"}}), '') <> 'denied' AND coalesce({{json "t.doc" "consent" "sec_gpc"}}, '') <> '1'
) x
