// Package tool is the command spotipie. Its root command uses the packages
// below. Each package imports only those further down in this list:
//
//	tool          the root command, and which commands there are
//	commands/…    a package per command, each with New; nobody else imports them
//	sessions      the session of the authorization that the settings name
//	explain       rewords the library's errors for users of the tool
//	pauses        pauses that Spotify has asked for, in this run and earlier ones
//	stores        opens the store that the settings name, and explains its errors
//	settings      reads flags, environment and config file
//	debuglog      what --debug writes
//	commandline   arguments, completions and input that the commands share
//	scopelist     reads and lists names of scopes
//	failure       kinds of errors, the exit codes, and reporting errors
//	output        writes results to stdout and messages to stderr
//	interrupt     handles Ctrl-C, and lets important work finish
//
// New makes a command. The command gets everything from cobra's command:
// streams, context and flags. So a test can run one without the others, with
// tooltest.Run.
//
// To add a command, add a package in commands, and name it in addCommands. It
// can use:
//
//	settings.AddFlags(cmd)              in New: adds --profile, --store, --client-id, … --debug
//	s, err := settings.Read(cmd)        first thing in RunE
//	sessions.Use(ctx, s, use)           the session of the authorization in the store
//	stores.Use(ctx, s, use)             the store
//	s.Key()                             the authorization's key in the store
//	s.Remember(ctx, flow, user, true)   after saving a new one: saves flow, client id, …
//	failure.Usage(cmd, err)             an error of the command line or the settings: exit code 2
//	output.Write, output.WriteJSON      results, to stdout
//	s.Say                               messages, to stderr
//	cli.Confirm                         asks a question, if cli.CanAsk
//
// Only the command login opens a browser. sessions.Use fails with a
// failure.NotSignedInError (exit code 3) if the store has no authorization.
package tool
