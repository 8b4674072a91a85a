-- One row is a click; the key is click_id. Counting rows adds up. No address,
-- user agent or raw parameter is here: those are in v_clicks_private.
CREATE VIEW v_clicks AS
SELECT
    c.click_id,                                                      -- our ID, which travels in sub5
    {{time "c.clicked_at"}} AS clicked_at,                           -- when, UTC
    c.clicked_at AS clicked_at_ms,                                   -- the same, Unix milliseconds
    c.click_day,                                                     -- the day in the reporting time zone
    c.record_kind,                                                   -- redirect, script, landing or import
    {{json "c.doc" "visitor_id"}} AS visitor_id,                     -- the browser, where it keeps our cookie
    {{jsonint "c.doc" "visit_no"}} AS visit_no,                      -- its number among the browser's clicks, from 1
    CASE WHEN {{jsonint "c.doc" "visit_no"}} > 1 THEN 1 ELSE 0 END AS is_repeat, -- 1: the browser had clicked before
    c.is_bot,                                                        -- 1: looks like a bot; treated like any other
    {{json "c.doc" "bot_reason"}} AS bot_reason,                     -- why
    c.is_prefetch,                                                   -- 1: the browser fetched it ahead
    c.is_test,                                                       -- 1: a test
    c.source_id,                                                     -- where the traffic was bought
    c.platform,                                                      -- the source's platform
    c.ad_account_id,                                                 -- the source's ad account
    c.campaign_id,                                                   -- the campaign that was clicked
    {{json "c.doc" "path_id"}} AS path_id,                           -- the path through the campaign
    {{json "c.doc" "rule_id"}} AS rule_id,                           -- the rule that chose it
    c.landing_id,                                                    -- the landing page shown
    c.offer_id,                                                      -- the offer promoted
    {{jsontime "c.doc" "landing_viewed_at"}} AS lp_viewed_at,        -- when the landing page first told of it; NULL: it never did
    {{jsontime "c.doc" "landing_clicked_at"}} AS lp_clicked_at,      -- when its link to the offer was first followed; NULL: never
    {{json "c.doc" "ad" "campaign_id"}} AS platform_campaign_id,     -- the platform's campaign
    {{json "c.doc" "ad" "campaign_name"}} AS platform_campaign_name, -- its name
    {{json "c.doc" "ad" "set_id"}} AS adset_id,                      -- the platform's ad set or ad group
    {{json "c.doc" "ad" "set_name"}} AS adset_name,                  -- its name
    {{json "c.doc" "ad" "id"}} AS ad_id,                             -- the ad
    {{json "c.doc" "ad" "name"}} AS ad_name,                         -- its name
    {{json "c.doc" "ad" "placement"}} AS placement,                  -- where it was shown
    {{json "c.doc" "ad" "keyword"}} AS keyword,                      -- what was searched for
    {{json "c.doc" "ad" "match_type"}} AS match_type,                -- how the keyword fitted
{{- range tokens}}
    {{json "c.doc" "tokens" .}} AS {{.}}, -- the source's own parameter
{{- end}}
    {{has "c.doc" "params" "fbclid"}} AS has_fbclid,                 -- 1: Meta's click ID was there
    {{has "c.doc" "params" "_fbc"}} AS has_fbc,                      -- 1: Meta's click cookie was there
    {{has "c.doc" "params" "_fbp"}} AS has_fbp,                      -- 1: Meta's browser cookie was there
    {{has "c.doc" "params" "gclid"}} AS has_gclid,                   -- 1: Google's click ID was there
    {{has "c.doc" "params" "gbraid"}} AS has_gbraid,                 -- 1: Google's app-to-web ID was there
    {{has "c.doc" "params" "wbraid"}} AS has_wbraid,                 -- 1: Google's web-to-app ID was there
    {{has "c.doc" "params" "ttclid"}} AS has_ttclid,                 -- 1: TikTok's click ID was there
    {{has "c.doc" "params" "_ttp"}} AS has_ttp,                      -- 1: TikTok's browser cookie was there
    {{has "c.doc" "params" "rdt_cid"}} AS has_rdt_cid,               -- 1: Reddit's click ID was there
    {{has "c.doc" "params" "_rdt_uuid"}} AS has_rdt_uuid,            -- 1: Reddit's browser cookie was there
    {{family (json "c.doc" "request" "client_addr")}} AS ip_family,  -- 4 or 6; NULL: no address kept
    {{json "c.doc" "visitor" "country"}} AS country,                 -- where the address was, ISO 3166
    {{json "c.doc" "visitor" "region"}} AS region,                   -- the region, where a database of the owner's says
    {{json "c.doc" "visitor" "carrier"}} AS carrier,                 -- the network, where a database of the owner's says
    {{json "c.doc" "visitor" "device"}} AS device,                   -- phone, tablet, desktop or other
    {{json "c.doc" "visitor" "os"}} AS os,                           -- the operating system
    {{json "c.doc" "visitor" "browser"}} AS browser,                 -- the browser, or the app around it
    {{host (json "c.doc" "referrer")}} AS referrer_host,             -- the site before
    {{host (json "c.doc" "page_url")}} AS landing_host,              -- the site of ours that was loaded
    {{json "c.doc" "language"}} AS language,                         -- what the browser asked for
    {{json "c.doc" "consent" "consent_ad_user_data"}} AS consent_ad_user_data,             -- as given
    {{json "c.doc" "consent" "consent_ad_personalization"}} AS consent_ad_personalization, -- as given
    {{micros (json "c.doc" "cost" "amount")}} AS cost_micros,         -- what the click cost, as its link said, exact
    {{decimal (micros (json "c.doc" "cost" "amount"))}} AS cost,     -- the same
    {{json "c.doc" "cost" "currency"}} AS cost_currency,             -- in this currency
    {{inreporting (micros (json "c.doc" "cost" "amount")) "c.click_day" (json "c.doc" "cost" "currency")}} AS cost_reporting_micros, -- the same in millionths of the reporting currency; NULL: no rate of exchange
    {{decimal (inreporting (micros (json "c.doc" "cost" "amount")) "c.click_day" (json "c.doc" "cost" "currency"))}} AS cost_reporting, -- the same
    CASE WHEN {{json "c.doc" "cost" "currency"}} IS NOT NULL THEN 'link' END AS cost_source -- link: the click's link said it; what the platform billed is in v_daily
FROM clicks c
