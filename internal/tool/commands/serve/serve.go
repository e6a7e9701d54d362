// Package serve is the command serve: it runs the accounts service for the
// user's programs.
package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// New returns the command serve.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Run the accounts service for your own programs",
		Long: `Runs an accounts service that behaves like Spotify's, for programs in any
language: use its URL in place of both https://accounts.spotify.com and
https://api.spotify.com. It has two users, ada (premium) and grace (free), keeps
everything in memory, and runs until Ctrl-C.

It has these endpoints of the Web API and some more, which the page at its URL
lists; others answer 404:

  GET /v1/me              a user's token
  GET /v1/me/tracks       scope user-library-read
  PUT /v1/me/library      scope user-library-modify
  GET /v1/me/player       scope user-read-playback-state
  PUT /v1/me/player/play  scope user-modify-playback-state, and premium
  GET /v1/search          any token; tracks, artists and albums
  GET /v1/artists/{id}    any token; albums and tracks too

As soon as it listens, it prints to stdout how to reach it: a text for people,
or with --json one line of JSON with the keys url, api_url, client_id,
client_secret and redirect_uris. Anyone who can reach it can log in as any of
its users, so it listens only on loopback addresses.

It treats the app like Spotify treats one in extended quota mode, or with
--development one in development mode. GET /_service/stats counts the requests
so far. With --control, tests in any language can move its clock, end tokens and
prepare errors:
https://github.com/spotipie/spotipie/blob/main/docs/accounts-service.md`,
		Example: `  spotipie serve
  spotipie serve --approve --token-lifetime 30s
  spotipie serve --json --redirect-uri http://127.0.0.1:3000/cb
  spotipie serve --development --daily-quota 100 --log`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd, &f) },
	}
	f.register(cmd)
	return cmd
}

func run(cmd *cobra.Command, f *flags) error {
	addr, err := loopbackAddr(f.addr)
	if err != nil {
		return failure.Usage(cmd, err)
	}
	app, err := f.app(cmd.Flags().Changed)
	if err != nil {
		return failure.Usage(cmd, err)
	}
	opts, err := f.options(app)
	if err != nil {
		return failure.Usage(cmd, err)
	}
	if f.log {
		opts.Logger = requestLogger(cmd.ErrOrStderr())
	}
	service, err := accounts.New(opts)
	if err != nil {
		return failure.Usage(cmd, withoutPackage(err))
	}
	listener, err := listen(cmd.Context(), addr)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer listener.Close()
	if err := announce(cmd.OutOrStdout(), f, listener.Addr(), app); errors.Is(err, syscall.EPIPE) {
		return nil // nobody will know how to reach it
	} else if err != nil {
		return fmt.Errorf("serve: saying how to reach it: %w", err)
	}
	errorLog := log.New(cmd.ErrOrStderr(), "spotipie: serve: ", 0)
	if err := cli.Serve(cmd.Context(), listener, service, errorLog); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func announce(w io.Writer, f *flags, addr net.Addr, app accounts.App) error {
	reach := reachOf("http://"+addr.String(), app, f.control, f.approve)
	if f.json {
		return reach.writeJSON(w)
	}
	return reach.writeText(w, cli.StyleFor(w))
}

// listen adds to an error what to do if the address cannot be used.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err == nil {
		return listener, nil
	}
	var reason syscall.Errno
	if errors.As(err, &reason) { // without the address, which the message has already
		err = reason
	}
	host, _, _ := net.SplitHostPort(addr)
	return nil, fmt.Errorf("cannot listen on %s: %w; choose another port with --addr, or any free one with --addr %s",
		addr, err, net.JoinHostPort(host, "0"))
}

// randomHex returns a client id or secret in Spotify's format.
func randomHex() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
