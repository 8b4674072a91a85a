-- +goose Up

-- One row a person who may sign in, those who may no longer too: names are not
-- given twice.
CREATE TABLE users (
    user_id       TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,     -- in lower case
    role          TEXT    NOT NULL,            -- owner, buyer, analyst
    password      TEXT    NOT NULL,            -- its argon2id hash; '': none yet
    zone          TEXT    NOT NULL,            -- an IANA time zone; '': the reporting one
    theme         TEXT    NOT NULL,            -- light, dark; '': the system's
    created_at    INTEGER NOT NULL,
    signed_in_at  INTEGER NOT NULL,            -- 0: never
    archived_at   INTEGER NOT NULL,            -- 0: not
    sessions_from INTEGER NOT NULL             -- sessions begun before have ended
);

-- One row a browser in which somebody is signed in. What the browser keeps is
-- nowhere: only its SHA-256.
CREATE TABLE user_sessions (
    hash       TEXT    PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    data       TEXT    NOT NULL,               -- what the session remembers, base64
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX user_sessions_user ON user_sessions (user_id, created_at);
CREATE INDEX user_sessions_expires ON user_sessions (expires_at);

-- Tokens of the REST API; of a secret only its SHA-256 and its end are kept.
CREATE TABLE api_tokens (
    token_id     TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    scope        TEXT    NOT NULL,             -- read, write, owner
    hash         TEXT    NOT NULL UNIQUE,
    last4        TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,             -- 0: never
    revoked_at   INTEGER NOT NULL              -- 0: not
);
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name) WHERE revoked_at = 0;

-- Pages' states that were saved under a name.
CREATE TABLE saved_views (
    view_id    TEXT    PRIMARY KEY,
    owner      TEXT    NOT NULL,               -- the user's ID, or who else saved it
    page       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    query      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (owner, page, name);

-- Links that let their holder in once.
CREATE TABLE setup_links (
    hash       TEXT    PRIMARY KEY,
    purpose    TEXT    NOT NULL,               -- first, password, sign_in
    user_id    TEXT    NOT NULL,               -- '' for first
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL                -- 0: not yet
);
