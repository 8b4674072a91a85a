-- One row is one HTTP exchange with a platform; the key is attempt_id. It may
-- carry many deliveries: see v_attempt_items. Rows and batch_size add up; times
-- do not.
CREATE VIEW v_attempts AS
SELECT
    a.attempt_id,                                   -- our ID
    a.destination_id,                               -- who was told
    {{time "a.started_at"}} AS started_at,          -- when, UTC
    a.started_at AS started_at_ms,                  -- the same, Unix milliseconds
    a.latency_ms,                                   -- how long it took
    a.batch_size,                                   -- deliveries in it
    a.http_status,                                  -- the answer's status; 0: no answer
    a.class,                                        -- what the answer meant
    a.platform_code,                                -- the platform's code
    a.subcode,                                      -- and its finer one
    a.message,                                      -- what it said
    a.trace_id,                                     -- the platform's name for the exchange
    a.ambiguous,                                    -- 1: it may have arrived, nobody told us
    a.retry_after_ms / 1000 AS retry_after_s        -- how long it asked us to wait
FROM attempts a
