-- One row is a request received from a network; the key is postback_id. Counting
-- rows adds up to requests: several may speak of one conversion, so count those,
-- and add payouts up, in v_conversions.
CREATE VIEW v_postbacks AS
SELECT
    p.postback_id,                                        -- our ID
    {{time "p.received_at"}} AS received_at,              -- when it came, UTC
    p.received_at AS received_at_ms,                      -- the same, Unix milliseconds
    p.network_id,                                         -- who sent it
    p.endpoint_id,                                        -- where it came in
    p.via,                                                -- s2s, pixel or api
    {{json "p.doc" "request" "method"}} AS method,        -- GET, POST or HEAD
    {{json "p.doc" "request" "scheme"}} AS scheme,        -- http or https
    p.reading,                                            -- what the request looked like by itself
    p.verdict,                                            -- what was decided about it
    p.hint,                                               -- what to fix, if anything
    p.answered_status,                                    -- the HTTP status we answered
    p.click_id_raw,                                       -- the click ID as it arrived
    p.click_id,                                           -- the same, as we look it up
    p.transaction_id,                                     -- the network's click session
    p.network_conversion_id,                              -- the network's conversion
    p.order_id,                                           -- the advertiser's order
    p.goal,                                               -- what the visitor did, base for the conversion itself
    p.network_status,                                     -- pending, approved, rejected or ''
    p.payout_raw,                                         -- the payout as it arrived
    {{decimal "p.payout_micros"}} AS payout,              -- the payout; NULL: none or unreadable
    p.payout_micros,                                      -- the same in millionths, exact
    {{json "p.doc" "currency"}} AS payout_currency,       -- its currency, if it brought one
    p.conversion_id,                                      -- the conversion it made or speaks of
    p.duplicate_of,                                       -- the postback it repeats
    p.possible_duplicate_of,                              -- the conversion it may repeat: to be settled
    p.settled_as,                                         -- how a possible duplicate was settled
    p.settled_by,                                         -- by whom
    {{time "p.settled_at"}} AS settled_at                 -- when
FROM postbacks p
