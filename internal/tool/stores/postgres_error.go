package stores

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// explainPostgres says what to do about a PostgreSQL server, or a pooler before
// it, that refuses a connection, by the class of its error
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func explainPostgres(refused *pgconn.PgError) string {
	problem, fix := "PostgreSQL refuses the connection", "its log may say more"
	switch code := refused.Code; {
	case strings.HasPrefix(code, "28"):
		problem, fix = "PostgreSQL lets nobody in", "check the user, the password, and what pg_hba.conf says of them"
	case code == "3D000":
		fix = "check the name of the database at the end of the address"
	case strings.HasPrefix(code, "53"):
		problem, fix = "PostgreSQL has no room", "try again later; if it stays so, raise max_connections, or let programs share connections by a pooler"
	case strings.HasPrefix(code, "57P"):
		problem, fix = "PostgreSQL is not ready", "try again in a moment"
	case code == "08P01" && strings.Contains(refused.Message, "startup parameter"):
		fix = "take that parameter out of the address, or have the pooler ignore it (ignore_startup_parameters of PgBouncer)"
	case code == "42501":
		fix = "grant the user what is missing"
	}
	return problem + ": " + refused.Message + " (" + refused.Code + "): " + fix
}
