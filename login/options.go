package login

import (
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/signinpage"
)

const (
	// DefaultRedirectURI is the redirect URI to register for a program that
	// uses [Authorize]. It has no port, so it matches any port.
	DefaultRedirectURI = "http://127.0.0.1/callback"
	// DefaultTimeout is how long the user has to agree.
	DefaultTimeout = 2 * time.Minute
	// DefaultAccentColor is the colour of the pages' bar and pictures.
	DefaultAccentColor = "#4b2fb8"
)

// Options adjust a login. A nil *Options and the zero value mean the defaults
// named here. They are not changed, and may be used for several logins.
type Options struct {
	// AppName is what the pages and texts call the program. Default: the name
	// of its executable.
	AppName string
	// AccentColor is the app's colour on the pages, as #rgb or #rrggbb. It is
	// only decoration, so every colour is readable. Default:
	// [DefaultAccentColor].
	AccentColor string
	// Pages replaces pages by your own. See [Page] for the templates' names.
	// Default: the built-in pages.
	Pages *template.Template

	// Timeout is how long to wait for the user's answer, and then for a token
	// endpoint that fails. Default: [DefaultTimeout]. Each request has the
	// session's limits.
	Timeout time.Duration
	// ForceDialog asks the user to agree even if they have done so before, or
	// if the session has a token already. Use it to change the user. Default: a
	// session that has a token is not asked, and Spotify may send back a user
	// who agreed before at once.
	ForceDialog bool

	// RedirectURI replaces the session's for this login. Default: the
	// session's.
	RedirectURI string
	// Ports are the ports of the redirect URI to try, in this order. Default:
	// that of the redirect URI, or any free one if it names none. A redirect
	// URI registered with a port works at that port only.
	Ports []int
	// BindAddress is where to listen, a host or host:port, for containers and
	// forwarded ports, where this differs from the address that the browser
	// uses. If it is not a loopback address, other machines can reach the page.
	// Default: host and port of the redirect URI.
	BindAddress string
	// ListenCommand returns the command that logs in with the given BindAddress
	// and port, with the program's own flags, such as "tune-keeper login --bind
	// 0.0.0.0 --port 8888". It is shown to users in a container, where a
	// browser cannot reach the page otherwise. Default: the two options in Go.
	ListenCommand func(bindAddress string, port int) string

	// ShortHints leaves out what users need only the first time: how to start a
	// container so that a browser reaches the page. Default: print everything.
	ShortHints bool

	// Browser opens a URL in the user's browser. It is called in a goroutine
	// of its own that is not waited for; if it fails or panics, the login
	// continues.
	// Default: $BROWSER or the desktop's browser, if there is a display.
	Browser func(url string) error
	// NoBrowser leaves opening the printed address to the user.
	NoBrowser bool

	// Input is where the user can paste the answer. An [*os.File] is read only
	// if it is a terminal, by [Prompt] also if it is a pipe. Nothing after the
	// line with the answer is read. Where a read cannot be interrupted (on
	// Windows, and if Input is not an *os.File), a goroutine stays behind until
	// its read returns, and that input is lost. Default: [os.Stdin].
	Input io.Reader
	// Output is where the texts for the user go. They are wrapped at the width
	// of the terminal if Output is an [*os.File] or has its Fd method, and at
	// 80 columns otherwise. Default: [os.Stderr].
	Output io.Writer
}

func isHexColor(text string) bool {
	digits, ok := strings.CutPrefix(text, "#")
	return ok && (len(digits) == 3 || len(digits) == 6) && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}

// withDefaults returns a checked copy.
func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.AppName = strings.TrimSpace(cli.Printable(opts.AppName)); opts.AppName == "" {
		opts.AppName = executableName()
	}
	if opts.AccentColor == "" {
		opts.AccentColor = DefaultAccentColor
	}
	if !isHexColor(opts.AccentColor) {
		return opts, fmt.Errorf("login: Options.AccentColor %q is not a colour such as #1a2b3c", opts.AccentColor)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	for _, port := range opts.Ports {
		if port < 1 || port > 65535 {
			return opts, fmt.Errorf("login: Options.Ports: %d is not a port (1 to 65535)", port)
		}
	}
	if _, _, err := cli.SplitAddress(opts.BindAddress); err != nil {
		return opts, fmt.Errorf("login: Options.BindAddress %q: %w", opts.BindAddress, err)
	}
	if opts.ListenCommand == nil {
		opts.ListenCommand = listenOptions
	}
	if opts.Input == nil {
		opts.Input = os.Stdin
	}
	if opts.Output == nil {
		opts.Output = os.Stderr
	}
	if err := signinpage.Check(opts.Pages, replaceable(), samplePage()); err != nil {
		return opts, fmt.Errorf("login: Options.Pages: %w", err)
	}
	return opts, nil
}

func listenOptions(bindAddress string, port int) string {
	return fmt.Sprintf("login.Options{BindAddress: %q, Ports: []int{%d}}", bindAddress, port)
}

func executableName() string {
	name := filepath.Base(os.Args[0])
	return strings.TrimSuffix(name, ".exe")
}
