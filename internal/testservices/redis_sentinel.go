package testservices

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// SentinelMaster is the name of the master that the sentinels of
// StartRedisSentinel watch.
const SentinelMaster = "master"

// StartRedisSentinel starts a Redis master, a replica, and three sentinels. The
// sentinels make the replica the master when the master has been down for half a
// second. It removes all servers when the test ends.
func StartRedisSentinel(t testing.TB) (master, replica *Server, sentinels []string) {
	t.Helper()
	return StartRedisSentinelOver(t, func(master string) string { return master })
}

// StartRedisSentinelOver is StartRedisSentinel with a network between the servers:
// the replica and the sentinels know the master by the address that network
// returns for its own, such as that of a [Proxy].
func StartRedisSentinelOver(t testing.TB, network func(master string) (address string)) (master, replica *Server, sentinels []string) {
	t.Helper()
	master = StartRedis(t)
	host, port, err := net.SplitHostPort(network(master.Address))
	if err != nil {
		t.Fatal(err)
	}
	replica = StartRedis(t, "--replicaof", host, port)
	for range 3 {
		s, err := newSentinel(host, port)
		sentinels = append(sentinels, forTest(t, s, err).Address)
	}
	cli := Program(t, "redis-cli", "redis-tools")
	awaitWords(t, cli, replica.Address, "replication", "master_link_status:up")
	for _, address := range sentinels { // until they know of each other and the replica
		awaitWords(t, cli, address, "sentinel", "status=ok", "slaves=1,sentinels=3")
	}
	return master, replica, sentinels
}

func newSentinel(masterHost, masterPort string) (*Server, error) {
	program, err := findProgram("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	return newServer(program, pingRedis, func(folder, port string) ([]string, error) {
		config := filepath.Join(folder, "sentinel.conf")
		text := fmt.Sprintf(`port %[1]s
bind 127.0.0.1
sentinel monitor %[2]s %[3]s %[4]s 2
sentinel down-after-milliseconds %[2]s 500
sentinel failover-timeout %[2]s 3000
`, port, SentinelMaster, masterHost, masterPort)
		return []string{config, "--sentinel"}, writeFor(config, []byte(text))
	})
}

// awaitWords waits until a section of the server's INFO contains all the words.
func awaitWords(t testing.TB, cli, address, section string, words ...string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(address)
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		said, _ := exec.Command(cli, "-p", port, "info", section).CombinedOutput()
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(string(said), word) }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a server is not ready:\n%s", said)
		}
	}
}
