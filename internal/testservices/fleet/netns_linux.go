package fleet

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spotipie/spotipie/internal/testservices"
)

// hub is the network namespace with the servers. The hosts have the addresses after
// its own.
const (
	hubAddress  = "10.203.0.1"
	hostAddress = "10.203.0.%d"
)

// Hosts are network namespaces that stand for machines. They reach each other and
// nothing else.
type Hosts struct {
	hub   string
	names []string
}

// NewHosts makes n hosts. It needs iproute2 and root. The hosts are removed when
// the test ends. The test is skipped unless SPOTIPIE_TEST_NETNS=1.
func NewHosts(t *testing.T, n int) *Hosts {
	t.Helper()
	if os.Getenv("SPOTIPIE_TEST_NETNS") != "1" {
		t.Skip("network namespaces need root and iproute2: set SPOTIPIE_TEST_NETNS=1")
	}
	h := &Hosts{hub: fmt.Sprintf("spotipie-hub-%d", os.Getpid())}
	h.add(t, h.hub)
	ip(t, "-n", h.hub, "link", "add", "bridge", "type", "bridge")
	ip(t, "-n", h.hub, "address", "add", hubAddress+"/24", "dev", "bridge")
	ip(t, "-n", h.hub, "link", "set", "bridge", "up")
	for i := range n {
		name := fmt.Sprintf("spotipie-host-%d-%d", os.Getpid(), i+1)
		h.add(t, name)
		port := fmt.Sprintf("port%d", i+1)
		ip(t, "-n", h.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
		ip(t, "-n", h.hub, "link", "set", port, "master", "bridge", "up")
		ip(t, "-n", name, "address", "add", fmt.Sprintf(hostAddress, i+2)+"/24", "dev", "eth0")
		ip(t, "-n", name, "link", "set", "eth0", "up")
		h.names = append(h.names, name)
	}
	return h
}

func (h *Hosts) add(t *testing.T, name string) {
	t.Helper()
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "delete", name) })
	ip(t, "-n", name, "link", "set", "lo", "up")
}

// serve lets the hosts reach the server that listens at target on the loopback
// interface, and returns the address they use.
func (h *Hosts) serve(t *testing.T, target string) (address string) {
	t.Helper()
	listener, err := listenIn(h.hub)
	if err != nil {
		t.Fatal(err)
	}
	return testservices.NewProxyOn(t, listener, target).Address
}

// TestHosts is TestOneRefresh with three members of 50 goroutines on each of the
// hosts. SPOTIPIE_TEST_ROUNDS is the number of rounds, 3 by default.
func (f *Fleet) TestHosts(t *testing.T, h *Hosts) {
	t.Helper()
	config := f.Config
	config.Address = h.serve(t, config.Address)
	config.AccountsURL = "http://" + h.serve(t, strings.TrimPrefix(config.AccountsURL, "http://"))
	var members []*Member
	for range 3 {
		for _, name := range h.names {
			members = append(members, f.Start(t, config, "ip", "netns", "exec", name))
		}
	}
	f.TestOneRefresh(t, members, 50, rounds(t))
}

// listenIn listens in another network namespace.
func listenIn(namespace string) (net.Listener, error) {
	// The thread must not end: the servers that it has started die with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(home)
	away, err := unix.Open("/run/netns/"+namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(away)
	if err := unix.Setns(away, unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	listener, listenErr := net.Listen("tcp", hubAddress+":0")
	if err := unix.Setns(home, unix.CLONE_NEWNET); err != nil {
		panic(fmt.Sprintf("a thread is stuck in the network namespace %s: %v", namespace, err))
	}
	return listener, listenErr
}

func ip(t *testing.T, arguments ...string) {
	t.Helper()
	if words, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v\n%s", arguments, err, words)
	}
}
