-- One row is a click; the key is click_id. What identifies a visitor, for the
-- owner alone: the analyst's role does not read it. Counting rows adds up.
CREATE VIEW v_clicks_private AS
SELECT
    c.click_id,                                              -- our ID
    {{time "c.clicked_at"}} AS clicked_at,                   -- when, UTC
    c.clicked_at AS clicked_at_ms,                           -- the same, Unix milliseconds
    {{json "c.doc" "request" "client_addr"}} AS client_addr, -- the visitor's address
    {{json "c.doc" "request" "user_agent"}} AS user_agent,   -- the visitor's browser
    {{json "c.doc" "request" "host"}} AS host,               -- the host that was called
    {{json "c.doc" "request" "path"}} AS path,               -- the path that was called
    {{json "c.doc" "request" "params"}} AS request_params,   -- all parameters, as JSON
    {{json "c.doc" "params"}} AS platform_params,            -- the platforms' click IDs and cookies, as JSON
    {{json "c.doc" "location"}} AS location,                 -- where the visitor was sent
    {{json "c.doc" "page_url"}} AS page_url,                 -- the page of ours that was loaded
    {{json "c.doc" "referrer"}} AS referrer                  -- the page before it
FROM clicks c
