-- +goose Up
-- kept is what a row still has that retention takes away: 1 the sealed raw
-- request, 2 personal data, 3 both. Rows that have nothing left to take are in
-- no index of it.

ALTER TABLE clicks ADD COLUMN kept BIGINT NOT NULL DEFAULT 3;
ALTER TABLE postbacks ADD COLUMN kept BIGINT NOT NULL DEFAULT 3;
ALTER TABLE visits ADD COLUMN kept BIGINT NOT NULL DEFAULT 3;
ALTER TABLE conversions ADD COLUMN kept BIGINT NOT NULL DEFAULT 2;
CREATE INDEX clicks_kept ON clicks (kept, clicked_at) WHERE kept > 0;
CREATE INDEX postbacks_kept ON postbacks (kept, received_at) WHERE kept > 0;
CREATE INDEX visits_kept ON visits (kept, visited_at) WHERE kept > 0;
CREATE INDEX conversions_kept ON conversions (kept, received_at) WHERE kept > 0;
