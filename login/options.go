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
)

const (
	// DefaultRedirectURI is the redirect URI to register for a program that
	// uses [Authorize]. Having no port it matches any.
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
	// AccentColor is the app's colour on the pages, as #rgb or #rrggbb. It
	// only decorates, so any will do. Default: [DefaultAccentColor].
	AccentColor string
	// Pages replaces pages by one's own. See [Page] for the templates' names.
	// Default: none.
	Pages *template.Template

	// Timeout is how long to wait for the user's answer, and how long to go on
	// asking a token endpoint that is in trouble after it. Default:
	// [DefaultTimeout]. Each request has the session's limits.
	Timeout time.Duration
	// ForceDialog asks the user to agree even if they have done so before, or
	// the session has a token already: the way to change the user. Default:
	// a token that the session has is enough, and Spotify may send a user who
	// agreed before back at once.
	ForceDialog bool

	// RedirectURI replaces the session's for this login. Default: the
	// session's.
	RedirectURI string
	// Ports are the ports of the redirect URI to try, in this order. Default:
	// that of the redirect URI, or any free one if it names none. A redirect
	// URI registered with a port works at that port only.
	Ports []int
	// BindAddress is where to listen, a host or host:port, for containers and
	// forwarded ports whose inside differs from what the browser sees.
	// Anything but a loopback address lets other machines reach the page.
	// Default: host and port of the redirect URI.
	BindAddress string
	// ListenCommand returns the command, with the program's own flags, by which
	// it logs in with a BindAddress and a port among Ports, such as
	// "tune-keeper login --bind 0.0.0.0 --port 8888". Users in a container,
	// where no browser reaches the page otherwise, are shown it. Default: the
	// two options as Go writes them.
	ListenCommand func(bindAddress string, port int) string

	// ShortHints leaves out of the texts what is only needed the first time: how
	// to start a container so that a browser reaches the page. Default: all is
	// printed.
	ShortHints bool

	// Browser opens a URL in the user's browser. It is called in a goroutine
	// of its own that is not waited for; if it fails, the login goes on.
	// Default: $BROWSER or the desktop's browser, if there is a display.
	Browser func(url string) error
	// NoBrowser leaves opening the printed address to the user.
	NoBrowser bool

	// Input is where the user can paste the answer. An [*os.File] is read only
	// if it is a terminal. Nothing beyond the answer's line is read from it;
	// but where a read cannot be broken off (on Windows, and from anything but
	// an *os.File) a goroutine stays behind until the read that it is in
	// returns, and that input is lost. Default: [os.Stdin].
	Input io.Reader
	// Output is where the texts for the user go. They are wrapped at the width
	// of the terminal, which is looked for if Output is an [*os.File] or has
	// its Fd method; at 80 columns where there is none. Default: [os.Stderr].
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
	if err := checkPages(opts.Pages); err != nil {
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
