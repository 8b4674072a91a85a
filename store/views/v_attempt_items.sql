-- One row is one delivery in one exchange; the key is attempt_id, delivery_id.
-- Counting rows adds up to answers, not to deliveries: a delivery that was tried
-- again has several.
CREATE VIEW v_attempt_items AS
SELECT
    i.attempt_id,       -- the exchange
    i.delivery_id,      -- the delivery
    i.class,            -- what the answer meant for it
    i.item_code,        -- the platform's code for it
    i.item_message      -- what it said about it
FROM attempt_items i
