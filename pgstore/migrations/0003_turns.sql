-- Who is to have the lock next, so that a busy holder keeps nobody out.
ALTER TABLE {table} ADD COLUMN IF NOT EXISTS next_owner text, ADD COLUMN IF NOT EXISTS next_until timestamptz;
