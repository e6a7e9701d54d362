package doctor

import "strings"

// Machine describes the machine on which a browser would be opened.
type Machine struct {
	OS     string                               // as runtime.GOOS
	Getenv func(name string) string             // as os.Getenv
	Find   func(program string) (string, error) // as exec.LookPath
}

// openers are the programs that open a desktop's browser, in the order in which
// github.com/cli/browser tries them.
func openers() []string { return []string{"xdg-open", "x-www-browser", "www-browser", "wslview"} }

// Browser checks whether a login can open a browser. If signedIn is true, none
// is needed now.
func Browser(m Machine, signedIn bool) Result {
	const name = "browser"
	found, missing := m.browser()
	switch {
	case found != "":
		return good(name, found)
	case signedIn:
		return good(name, missing+"; none is needed as long as the login lasts")
	}
	return bad(name, missing, "sign in with 'spotipie login --no-browser' and open the printed address on another machine; "+
		"over ssh it also prints the ssh -L command that you need")
}

func (m Machine) browser() (found, missing string) {
	if name := m.Getenv("BROWSER"); name != "" {
		if _, err := m.Find(name); err == nil {
			return "$BROWSER (" + name + ")", ""
		}
	}
	remote := m.Getenv("SSH_CONNECTION") != "" || m.Getenv("SSH_TTY") != ""
	desktop := m.Getenv("DISPLAY") != "" || m.Getenv("WAYLAND_DISPLAY") != ""
	switch {
	case m.OS == "windows", m.OS == "darwin":
		if remote {
			return "", "a browser would open at the machine, not at your end of ssh"
		}
		return "the system's", ""
	case !desktop && m.Getenv("WSL_DISTRO_NAME") == "" && remote:
		return "", "there is no display at this end of ssh"
	case !desktop && m.Getenv("WSL_DISTRO_NAME") == "":
		return "", "there is no display ($DISPLAY, $WAYLAND_DISPLAY)"
	}
	for _, opener := range openers() {
		if _, err := m.Find(opener); err == nil {
			return "the desktop's, by " + opener, ""
		}
	}
	return "", "there is a display, but none of " + strings.Join(openers(), ", ") + " to open a browser"
}
