-- The table of github.com/alexedwards/scs/pgxstore. The lock lets replicas that
-- start together do this one after the other.
SELECT pg_advisory_xact_lock(7817193245);
CREATE TABLE IF NOT EXISTS sessions (
	token text PRIMARY KEY,
	data bytea NOT NULL,
	expiry timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry);
