-- +goose Up

-- Copies of postbacks for the tracker that an endpoint's tee names.
CREATE TABLE tees (
    postback_id     TEXT    PRIMARY KEY,
    endpoint_id     TEXT    NOT NULL,
    state           TEXT    NOT NULL,               -- waiting, sent, expired or gone
    made_at         BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL,
    last_http       BIGINT NOT NULL,
    last_error      TEXT    NOT NULL,
    lease_id        TEXT    NOT NULL
);
CREATE INDEX tees_due ON tees (endpoint_id, next_attempt_at) WHERE state = 'waiting';

-- Certificates, their keys and the certificate authority's account, shared by
-- all nodes; value is sealed.
CREATE TABLE certificates (
    name       TEXT    PRIMARY KEY,
    value      TEXT    NOT NULL,
    size       BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE certificate_locks (
    name       TEXT    PRIMARY KEY,
    owner      TEXT    NOT NULL,
    expires_at BIGINT NOT NULL
);
