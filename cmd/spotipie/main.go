// Command spotipie gets, keeps and renews the tokens that Spotify's Web API asks
// for, for the shell and for programs in any language. Run it without arguments
// for what it can do; docs/other-languages.md in the repository shows it at work.
//
// Commands are thin; a new one is a file with a function newXxx, named in
// addCommands. What it has at hand:
//
//	addSettingsFlags(cmd)         in newXxx: --profile, --store, --client-id, … --debug
//	s, err := newSettings(cmd)    first thing in RunE
//	s.withSession(ctx, use)       the session of the authorization in the store
//	s.withStore(ctx, use)         the store
//	s.key()                       where the authorization is in it
//	s.remembered(ctx, flow)       after saving a new one: keeps flow, client id, …
//	usage(cmd, err)               an error of the command line or the settings: exit code 2
//	write, writeJSON              results, to stdout
//	s.sayWrapped                  words for people, to stderr
//	cli.Confirm                   a question, if cli.CanAsk
//
// No command but login opens a browser. withSession fails with a
// notSignedInError (exit code 3) if the store has no authorization.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
