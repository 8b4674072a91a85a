-- One row is a change of one field of a conversion after it was recorded; the key
-- is change_id. Counting rows adds up.
CREATE VIEW v_conversion_changes AS
SELECT
    h.change_id,                            -- our ID of it
    h.conversion_id,                        -- the conversion
    h.field,                                -- what changed
    h.old_value AS "old",                   -- from
    h.new_value AS "new",                   -- to
    {{time "h.changed_at"}} AS "at",        -- when, in the network's time where it gave one, UTC
    h.changed_at AS changed_at_ms,          -- the same, Unix milliseconds
    h.changed_by AS "by",                   -- postback, api or person
    h.postback_id                           -- the postback that brought it
FROM conversion_changes h
