-- By which Delete finds the rows of records that were deleted long ago.
CREATE INDEX IF NOT EXISTS {index} ON {table} (updated_at) WHERE record IS NULL;
