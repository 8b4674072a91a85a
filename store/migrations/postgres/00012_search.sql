-- +goose Up

-- By what a click is found whose platform's own click ID one has: the first 63
-- bits of the ID's SHA-256. 0: it brought none, it came before this column, or
-- retention took it.
ALTER TABLE clicks ADD COLUMN platform_click BIGINT NOT NULL DEFAULT 0;
CREATE INDEX clicks_platform_click ON clicks (platform_click) WHERE platform_click <> 0;
