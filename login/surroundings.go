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
)

// surroundings is where the program runs, as far as it matters to a login.
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
	case s.ssh: // a browser would open where nobody sits
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

// thisMachine is left to the user to fill in.
const thisMachine = "<this machine>"

// sshServer makes of SSH_CONNECTION (client address and port, server address
// and port) what the user gives to ssh to come here.
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

// hints are the sentences that help a browser elsewhere to reach redirectURI,
// for which the program listens at local.
func (s surroundings) hints(redirectURI string, local *net.TCPAddr) []string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return nil
	}
	var hints []string
	if s.ssh {
		hints = append(hints, "This is a remote shell. For the answer of a browser at your end to get here, "+
			"first run there:\n\n    ssh -N -L "+u.Port()+":"+reachable(local, u)+" "+s.sshServer)
	}
	if s.wsl {
		hints = append(hints, "This is WSL. If the browser cannot reach "+u.Host+" after you agreed, "+
			"paste the address it shows here (or set networkingMode=mirrored in .wslconfig).")
	}
	if s.container && local.IP.IsLoopback() && !s.ssh {
		hints = append(hints, fmt.Sprintf("This is a container. A browser outside reaches the program only if it listens "+
			"on all addresses of the container at a published port (Options.BindAddress and Options.Ports; "+
			"docker run -p 127.0.0.1:%[1]s:%[1]s).", u.Port()))
	}
	return hints
}

// reachable is the address at which the machine itself reaches local.
func reachable(local *net.TCPAddr, redirect *url.URL) string {
	host := redirect.Hostname()
	if !local.IP.IsUnspecified() {
		host = local.IP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(local.Port))
}
