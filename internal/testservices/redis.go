package testservices

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// StartRedis is NewRedis for one test. It removes the server when the test ends.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := NewRedis(args...)
	return forTest(t, s, err)
}

// NewRedis starts a redis-server with additional arguments. The caller must remove
// it.
func NewRedis(args ...string) (*Server, error) { return newRedis(nil, args...) }

// newRedis starts a redis-server through a launcher: a program and its arguments
// that come before the server's.
func newRedis(launcher []string, args ...string) (*Server, error) {
	program, err := findProgram("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	command := append(launcher, program)
	return newServer(command[0], pingRedis, func(folder, port string) ([]string, error) {
		return slices.Concat(command[1:], []string{
			"--port", port, "--bind", "127.0.0.1", "--dir", folder,
			"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes",
			"--repl-diskless-sync-delay", "0",
		}, args), nil
	})
}

// StartRedisCluster starts a cluster of three masters and returns their
// addresses. It removes the cluster when the test ends.
func StartRedisCluster(t testing.TB) (addresses []string) {
	t.Helper()
	for _, s := range startRedisCluster(t, 3, 15*time.Second) {
		addresses = append(addresses, s.Address)
	}
	return addresses
}

// StartRedisClusterWithReplicas starts a cluster of three masters with a replica
// each, which takes over when its master has been away for two seconds. It is gone
// when the test ends.
func StartRedisClusterWithReplicas(t testing.TB) (masters, replicas []*Server) {
	t.Helper()
	all := startRedisCluster(t, 6, 2*time.Second, "--cluster-replicas", "1")
	masters, replicas = all[:3], all[3:] // as redis-cli makes them
	cli := Program(t, "redis-cli", "redis-tools")
	for _, s := range replicas {
		awaitWords(t, cli, s.Address, "replication", "role:slave", "master_link_status:up")
	}
	return masters, replicas
}

// startRedisCluster starts so many nodes, and makes them a cluster with more
// arguments of redis-cli. A node that is silent for as long as timeout counts as
// gone.
func startRedisCluster(t testing.TB, nodes int, timeout time.Duration, args ...string) (all []*Server) {
	t.Helper()
	var addresses []string
	for range nodes {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		s := StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
		all, addresses = append(all, s), append(addresses, s.Address)
	}
	cli := Program(t, "redis-cli", "redis-tools")
	command := slices.Concat([]string{"--cluster-yes", "--cluster", "create"}, addresses, args)
	words, err := exec.Command(cli, command...).CombinedOutput()
	if err != nil {
		t.Fatalf("making a cluster: %v\n%s", err, words)
	}
	for _, address := range addresses {
		_, port, _ := net.SplitHostPort(address)
		for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
			words, _ = exec.Command(cli, "-p", port, "cluster", "info").CombinedOutput()
			if strings.Contains(string(words), "cluster_state:ok") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the cluster is not ready:\n%s", words)
			}
		}
	}
	return all
}

func pingRedis(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") && !strings.HasPrefix(line, "-NOAUTH") {
		err = fmt.Errorf("redis-server says %q", line)
	}
	return err
}
