-- Who had the lock last, and who waits for it: a process that is busy with it
-- keeps nobody out.
ALTER TABLE {table}
    ADD COLUMN IF NOT EXISTS last_owner text,
    ADD COLUMN IF NOT EXISTS next_owner text,
    ADD COLUMN IF NOT EXISTS next_until timestamptz;
