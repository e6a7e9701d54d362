-- What can be asked of all records without reading each. summarized is the version
-- that it was taken from: programs that know nothing of these columns save another.
ALTER TABLE {table}
    ADD COLUMN IF NOT EXISTS authorized_at timestamptz,
    ADD COLUMN IF NOT EXISTS rejected boolean,
    ADD COLUMN IF NOT EXISTS summarized bigint;
CREATE INDEX IF NOT EXISTS {authorized} ON {table} (authorized_at, client_id, profile)
    WHERE record IS NOT NULL AND authorized_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS {rejected} ON {table} (client_id, profile)
    WHERE record IS NOT NULL AND rejected;
CREATE INDEX IF NOT EXISTS {unsummarized} ON {table} (client_id, profile)
    WHERE record IS NOT NULL AND summarized IS DISTINCT FROM version;
