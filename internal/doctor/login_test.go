package doctor_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/doctor"
)

func TestRedirectURI(t *testing.T) {
	for uri, want := range map[string][2]string{
		"http://127.0.0.1/callback":      {"keeps to", ""},
		"https://example.com/cb":         {"keeps to", ""},
		"com.example.app://cb":           {"keeps to", ""},
		"http://localhost:8888/callback": {"localhost", "register http://127.0.0.1:8888/callback at https://developer"},
		"http://example.com/cb":          {"needs https", "https://example.com/cb"},
		"127.0.0.1:8888":                 {"no scheme", "http://127.0.0.1:8888"},
		"http://[::1":                    {"not a valid URI", "http://127.0.0.1/callback"},
		"":                               {"empty", "http://127.0.0.1/callback"},
	} {
		t.Run(uri, func(t *testing.T) { check(t, doctor.RedirectURI(uri), want[0], want[1]) })
	}
}

func TestPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	taken := doctor.Port(t.Context(), "http://"+address+"/callback")
	check(t, taken, "cannot listen on "+address+": address already in use", "register http://127.0.0.1/callback, which works with any")
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, doctor.Port(t.Context(), "http://"+address+"/callback"), address+" is free", "")
	for uri, want := range map[string][2]string{
		"http://127.0.0.1/callback": {"any free one on 127.0.0.1", ""},
		"https://example.com/cb":    {"none is needed", ""},
		"com.example.app://cb":      {"none is needed", ""},
		"http://localhost:8888/":    {"none is needed", ""},
		"http://[::1":               {"cannot be checked", "correct the redirect URI"},
		"http://127.0.0.1:99999/":   {"cannot listen", "works with any free port"},
	} {
		t.Run(uri, func(t *testing.T) { check(t, doctor.Port(t.Context(), uri), want[0], want[1]) })
	}
}

func TestBrowser(t *testing.T) {
	for name, test := range map[string]struct {
		system      string
		env         map[string]string
		programs    []string
		signedIn    bool
		detail, fix string
	}{
		"macOS":             {system: "darwin", detail: "the system's"},
		"Windows":           {system: "windows", detail: "the system's"},
		"$BROWSER":          {system: "linux", env: map[string]string{"BROWSER": "lynx"}, programs: []string{"lynx"}, detail: "$BROWSER (lynx)"},
		"$BROWSER is gone":  {system: "linux", env: map[string]string{"BROWSER": "lynx"}, detail: "no display", fix: "--no-browser"},
		"X":                 {system: "linux", env: map[string]string{"DISPLAY": ":0"}, programs: []string{"xdg-open"}, detail: "by xdg-open"},
		"Wayland":           {system: "linux", env: map[string]string{"WAYLAND_DISPLAY": "w"}, programs: []string{"www-browser"}, detail: "by www-browser"},
		"WSL":               {system: "linux", env: map[string]string{"WSL_DISTRO_NAME": "D"}, programs: []string{"wslview"}, detail: "by wslview"},
		"X without program": {system: "linux", env: map[string]string{"DISPLAY": ":0"}, detail: "none of xdg-open", fix: "--no-browser"},
		"server":            {system: "linux", programs: []string{"xdg-open"}, detail: "no display", fix: "--no-browser"},
		"server, signed in": {system: "linux", signedIn: true, detail: "none is needed"},
		"ssh":               {system: "linux", env: map[string]string{"SSH_TTY": "/dev/pts/1"}, detail: "this end of ssh", fix: "ssh -L"},
		"ssh to macOS":      {system: "darwin", env: map[string]string{"SSH_CONNECTION": "a 1 b 2"}, detail: "your end of ssh", fix: "ssh -L"},
	} {
		t.Run(name, func(t *testing.T) {
			machine := doctor.Machine{
				OS:     test.system,
				Getenv: func(name string) string { return test.env[name] },
				Find: func(program string) (string, error) {
					for _, p := range test.programs {
						if p == program {
							return "/usr/bin/" + p, nil
						}
					}
					return "", exec.ErrNotFound
				},
			}
			check(t, doctor.Browser(machine, test.signedIn), test.detail, test.fix)
		})
	}
}

type checker struct{ err error }

func (c checker) CheckAuthorization(context.Context, *spotipie.AuthorizationURLOptions) error {
	return c.err
}

func TestRegistration(t *testing.T) {
	const uri = "http://127.0.0.1/callback"
	check(t, doctor.Registration(t.Context(), checker{}, uri, ""), "accepts its client id", "")
	check(t, doctor.Registration(t.Context(), checker{&spotipie.AuthorizationError{Code: "INVALID_CLIENT"}}, uri, ""),
		"refuses it", "redirect URI (http://127.0.0.1/callback) with the app's page")
	check(t, doctor.Registration(t.Context(), checker{&spotipie.AuthorizationError{Code: "INVALID_CLIENT"}}, uri, "what it has printed"),
		"refuses it", "redirect URI (http://127.0.0.1/callback) with what it has printed")
	check(t, doctor.Registration(t.Context(), checker{errors.New("offline")}, uri, ""), "cannot be checked: offline", "connection")
}
