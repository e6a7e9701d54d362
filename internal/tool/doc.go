// Package tool is the command spotipie. Its root command puts together what the
// packages below this one do, each of which imports only those further down:
//
//	tool          the root command, and which commands there are
//	commands/…    a package per command, each with New; nobody else imports them
//	sessions      the session of the authorization that the settings name
//	explain       errors of the library in words for a user of the tool
//	pauses        pauses that Spotify has asked for, in this run and earlier ones
//	stores        opening the store that the settings name, and what its errors mean
//	settings      what flags, environment and config file say, and where from
//	debuglog      what --debug shows
//	commandline   arguments, completions and input that the commands share
//	scopelist     scopes as people read and write them
//	failure       kinds of errors, the exit codes and how an error is told
//	output        results to stdout, words for people to stderr
//	interrupt     Ctrl-C and the like, and what must be finished all the same
//
// A command is made by New, and has what it needs from cobra's command: streams,
// context and flags. So a test runs one without the others, by tooltest.Run.
//
// A new command is a package in commands, named in addCommands. What it has at
// hand:
//
//	settings.AddFlags(cmd)              in New: --profile, --store, --client-id, … --debug
//	s, err := settings.Read(cmd)        first thing in RunE
//	sessions.Use(ctx, s, use)           the session of the authorization in the store
//	stores.Use(ctx, s, use)             the store
//	s.Key()                             where the authorization is in it
//	s.Remember(ctx, flow, user, true)   after saving a new one: keeps flow, client id, …
//	failure.Usage(cmd, err)             an error of the command line or the settings: exit code 2
//	output.Write, output.WriteJSON      results, to stdout
//	s.Say                               words for people, to stderr
//	cli.Confirm                         a question, if cli.CanAsk
//
// No command but login opens a browser. sessions.Use fails with a
// failure.NotSignedInError (exit code 3) if the store has no authorization.
package tool
