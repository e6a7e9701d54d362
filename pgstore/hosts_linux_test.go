package pgstore_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

func TestThreeHostsMakeOneTokenRequest(t *testing.T) {
	hosts := fleet.NewHosts(t, 3)
	newFleet(t, services.Postgres(t), 10*time.Second, true).TestHosts(t, hosts)
}
