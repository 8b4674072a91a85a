-- One row is a click; the key is click_id. Counting rows adds up. No address,
-- user agent or raw parameter is here: those are in v_clicks_private.
CREATE VIEW v_clicks AS
SELECT
    c.click_id,                                                      -- our ID, which travels in sub5
    {{time "c.clicked_at"}} AS clicked_at,                           -- when, UTC
    c.clicked_at AS clicked_at_ms,                                   -- the same, Unix milliseconds
    c.click_day,                                                     -- the day in the reporting time zone
    c.record_kind,                                                   -- redirect, script, landing or import
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
    {{json "c.doc" "language"}} AS language,                         -- what the browser asked for
    {{json "c.doc" "consent" "consent_ad_user_data"}} AS consent_ad_user_data,             -- as given
    {{json "c.doc" "consent" "consent_ad_personalization"}} AS consent_ad_personalization  -- as given
FROM clicks c
