CREATE TABLE IF NOT EXISTS {table} (
    client_id  text        NOT NULL,
    profile    text        NOT NULL,
    format     integer     NOT NULL DEFAULT 1,  -- of the record
    version    bigint      NOT NULL DEFAULT 0,  -- of the record, or of its deletion
    record     text,                            -- JSON; NULL: there is none
    lock_owner text,
    lock_until timestamptz,                     -- by the clock of this server
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (client_id, profile)
);
