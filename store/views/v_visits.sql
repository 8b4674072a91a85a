-- One row is what a landing page told once of a click; the key is visit_id. Rows
-- add up.
-- Count lp_view or lp_click rows for page views and for links followed; for
-- visitors, count clicks with lp_viewed_at in v_clicks.
CREATE VIEW v_visits AS
SELECT
    v.visit_id,                                        -- our ID of it
    v.click_id,                                        -- the click it speaks of; it may not be known yet
    v.kind,                                            -- lp_view, lp_click, or empty: only more became known
    {{time "v.visited_at"}} AS visited_at,             -- when, UTC
    v.visited_at AS visited_at_ms,                     -- the same, Unix milliseconds
    v.landing_id,                                      -- the landing page; empty: none of ours has that address
    v.offer_id,                                        -- the offer its link leads to
    {{host (json "v.doc" "page_url")}} AS landing_host,  -- the page's site
    {{host (json "v.doc" "referrer")}} AS referrer_host, -- the site before
    {{json "v.doc" "consent" "consent_ad_user_data"}} AS consent_ad_user_data, -- as given then
    coalesce(c.source_id, '') AS source_id,            -- the click's source
    coalesce(c.campaign_id, '') AS campaign_id,        -- the click's campaign
    coalesce(c.is_bot, 0) AS is_bot,                   -- 1: the click looks like a bot's
    coalesce(c.is_test, 0) AS is_test                  -- 1: a test
FROM visits v
LEFT JOIN clicks c ON c.click_id = v.click_id
