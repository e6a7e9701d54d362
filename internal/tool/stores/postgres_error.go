package stores

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// explainPostgres says what to do when a PostgreSQL server, or a pooler in
// front of it, refuses a connection, by the class of its error
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func explainPostgres(refused *pgconn.PgError) string {
	problem, fix := "PostgreSQL refuses the connection", "its log may say why"
	switch code := refused.Code; {
	case strings.HasPrefix(code, "28"):
		problem, fix = "PostgreSQL refuses the user", "check the user, the password, and pg_hba.conf"
	case code == "3D000":
		fix = "check the name of the database at the end of the address"
	case strings.HasPrefix(code, "53"):
		problem, fix = "PostgreSQL has no free connections or memory", "try again later; if it happens again, raise max_connections, or let programs share connections through a pooler"
	case strings.HasPrefix(code, "57P"):
		problem, fix = "PostgreSQL is not ready", "try again in a moment"
	case code == "08P01" && strings.Contains(refused.Message, "startup parameter"):
		fix = "remove that parameter from the address, or let the pooler ignore it (ignore_startup_parameters of PgBouncer)"
	case code == "42501":
		fix = "grant the user the missing rights"
	}
	return problem + ": " + refused.Message + " (" + refused.Code + "): " + fix
}
