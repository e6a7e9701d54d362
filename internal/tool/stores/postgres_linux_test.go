package stores_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// execute runs a statement on a server.
func execute(t *testing.T, server *testservices.Server, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), testservices.PostgresDSN(server.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// untilReplayed waits until the replica has everything that its primary has.
const untilReplayed = `DO $$ BEGIN
	WHILE NOT EXISTS (SELECT FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()) LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$`

// Of several hosts the tool uses the one that accepts writes, even if the address
// does not ask for that, and it gives up a host that hangs.
func TestPostgresHosts(t *testing.T) {
	tooltest.Home(t, "")
	primary := testservices.StartPostgres(t)
	replica := testservices.StartPostgresReplica(t, primary.Address)
	both := "postgres://spotipie@" + primary.Address + "," + replica.Address + "/postgres?sslmode=disable"
	replicaFirst := "postgres://spotipie@" + replica.Address + "," + primary.Address + "/postgres?sslmode=disable"
	if err := uses(t, replicaFirst); err != nil {
		t.Errorf("the replica first: %v", err)
	}
	if err := uses(t, replicaFirst+"&target_session_attrs=any"); err == nil {
		t.Error("the first of any hosts was written to, which is a replica")
	}
	execute(t, primary, untilReplayed)
	primary.Freeze(t)
	testservices.PromotePostgres(t, replica)
	start := time.Now()
	if err := uses(t, both); err != nil {
		t.Errorf("the primary hangs: %v", err)
	}
	took := time.Since(start)
	t.Logf("with a primary that hangs it took %s", took.Round(time.Millisecond))
	if took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	start = time.Now()
	if err := uses(t, both+"&connect_timeout=1"); err != nil {
		t.Errorf("with a timeout in the address: %v", err)
	}
	if took := time.Since(start); took >= 5*time.Second {
		t.Errorf("with a timeout of a second in the address it took %s", took)
	}
}

// The table is in the first schema of the search path, whoever has made it. A role
// that may not create anything can use it.
func TestPostgresSearchPath(t *testing.T) {
	tooltest.Home(t, "")
	server := testservices.StartPostgres(t)
	execute(t, server, "CREATE SCHEMA app")
	execute(t, server, "CREATE ROLE app LOGIN")
	address := testservices.PostgresDSN(server.Address) + "&search_path=app"
	if err := uses(t, address); err != nil {
		t.Fatal(err)
	}
	execute(t, server, "GRANT USAGE ON SCHEMA app TO app")
	execute(t, server, "GRANT SELECT, INSERT, UPDATE, DELETE ON app.spotipie_authorizations TO app")
	execute(t, server, "ALTER ROLE app SET search_path = app")
	if err := uses(t, "postgres://app@"+server.Address+"/postgres?sslmode=disable"); err != nil {
		t.Errorf("as a role that may create nothing: %v", err)
	}
}
