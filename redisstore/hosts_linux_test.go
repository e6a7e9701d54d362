package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

func TestThreeHostsMakeOneTokenRequest(t *testing.T) {
	hosts := fleet.NewHosts(t, 3)
	f := newFleet(t, 10*time.Second, true)
	config := f.Config
	config.Address = hosts.Serve(t, config.Address)
	config.AccountsURL = "http://" + hosts.Serve(t, strings.TrimPrefix(config.AccountsURL, "http://"))
	f.TestOneRefresh(t, hosts.Start(t, f, config, 9), 50, testservices.Count(t, "SPOTIPIE_TEST_ROUNDS", 3))
}
