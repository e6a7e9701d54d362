package replicas_test

import (
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	logging.Disable() // connections fail on purpose
	runReplica()
	goleak.VerifyTestMain(m)
}
