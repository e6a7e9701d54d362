package failover_test

import (
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	logging.Disable() // connections fail on purpose
	runProcess()
	goleak.VerifyTestMain(m)
}
