-- +goose Up

-- 1: the platform is told to limit what it does with the event's data.
ALTER TABLE deliveries ADD COLUMN limited_use INTEGER NOT NULL DEFAULT 0;
