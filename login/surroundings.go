package login

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"github.com/spotipie/spotipie/internal/cli"
)

// surroundings describes where the program runs, as far as a login depends on
// it.
type surroundings struct {
	ssh       bool
	sshServer string // user@address as ssh wants it
	wsl       bool
	container bool
	display   bool // a browser can be opened
}

func lookAround() surroundings {
	s := surroundings{
		ssh:       anyEnv("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"),
		wsl:       anyEnv("WSL_DISTRO_NAME", "WSL_INTEROP"),
		container: anyEnv("container", "KUBERNETES_SERVICE_HOST") || exists("/.dockerenv") || exists("/run/.containerenv"),
	}
	s.sshServer = sshServer(os.Getenv("SSH_CONNECTION"))
	switch {
	case anyEnv("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
		s.display = true
	case s.ssh: // a browser would open on a machine where the user is not
	default:
		s.display = s.wsl || runtime.GOOS == "windows" || runtime.GOOS == "darwin"
	}
	return s
}

func anyEnv(names ...string) bool {
	for _, name := range names {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// thisMachine is a placeholder that the user fills in.
const thisMachine = "<this machine>"

// sshServer returns the destination for the user's ssh command, from
// SSH_CONNECTION (client address and port, server address and port).
func sshServer(connection string) string {
	fields := strings.Fields(connection)
	if len(fields) != 4 {
		return thisMachine
	}
	server, err := netip.ParseAddrPort(net.JoinHostPort(fields[2], fields[3]))
	if err != nil {
		return thisMachine
	}
	target := server.Addr().String()
	if u, err := user.Current(); err == nil && runtime.GOOS != "windows" {
		target = u.Username + "@" + target
	}
	if server.Port() != 22 {
		target = fmt.Sprintf("-p %d %s", server.Port(), target)
	}
	return target
}

// hints are the texts that help a browser on another machine to reach the page,
// for which the program listens at local.
func (l *login) hints(here surroundings, local *net.TCPAddr) []string {
	u, err := url.Parse(l.redirectURI)
	if err != nil {
		return nil
	}
	var hints []string
	if here.ssh {
		hints = append(hints, "This is a remote shell. To let your browser's answer reach it, "+
			"first run this on your machine:\n\n    ssh -N -L "+u.Port()+":"+reachable(local, u)+" "+here.sshServer)
	}
	if here.wsl {
		hints = append(hints, "This is WSL. If the browser cannot reach "+u.Host+" after you agreed, "+
			"paste the address it shows here (or set networkingMode=mirrored in .wslconfig).")
	}
	switch {
	case !here.container || !local.IP.IsLoopback() || here.ssh:
	case l.opts.ShortHints:
		hints = append(hints, "This is a container: paste the address here, or bind the page to a published port.")
	default:
		port := l.publishedPort()
		hints = append(hints, fmt.Sprintf("This is a container. A browser outside of it can reach the login only at a published port. "+
			"To publish one, start the container with\n\n    docker run -p %s:%d …\n\nand log in there with\n\n    %s",
			net.JoinHostPort(u.Hostname(), strconv.Itoa(port)), port, l.opts.ListenCommand(anyAddress, port)))
	}
	return hints
}

const (
	anyAddress       = "0.0.0.0" // all addresses of the machine
	anyPublishedPort = 8889      // if every port works; the practice service may use 8888
)

// publishedPort returns the port that a container has to publish. It must be
// known before the login, so it cannot be just any free port.
func (l *login) publishedPort() int {
	if u, err := url.Parse(l.registered); err == nil {
		if port, err := cli.ParsePort(u.Port()); err == nil {
			return port
		}
	}
	if len(l.opts.Ports) > 0 {
		return l.opts.Ports[0]
	}
	return anyPublishedPort
}

// reachable returns the address at which the machine itself reaches local.
func reachable(local *net.TCPAddr, redirect *url.URL) string {
	host := redirect.Hostname()
	if !local.IP.IsUnspecified() {
		host = local.IP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(local.Port))
}
