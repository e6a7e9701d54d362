package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// Authorize returns a token for a session that a user agrees to, an
// [*spotipie.AuthorizationCodeSession] or [*spotipie.ImplicitGrantSession].
// See the package comment for what it does.
//
// Errors: [*spotipie.RedirectURIError], [*PortError], [*TimeoutError],
// [spotipie.ErrClosed] if the session is closed meanwhile, those of the
// session's FetchToken or ReadTokenFromCallbackURL, among them
// [spotipie.ErrAccessDenied], and those of ctx. With a [*spotipie.StoreError],
// a [*spotipie.ListenerError] or a [*spotipie.InsufficientScopeError] the token
// is returned too; the last one means that the user has granted less than was
// asked for. When Authorize has returned, nothing listens any longer.
func Authorize(ctx context.Context, session spotipie.Session, opts *Options) (*spotipie.Token, error) {
	l, err := newLogin(session, opts)
	if err != nil {
		return nil, err
	}
	redirect, err := checkLoopback(l.registered)
	if err != nil {
		return nil, err
	}
	if token, err := l.existing(ctx); token != nil || err != nil {
		return token, err
	}
	listener, redirectURI, err := listen(ctx, redirect, &l.opts)
	if err != nil {
		return nil, err
	}
	l.redirectURI, l.reads = redirectURI, canPaste(l.opts.Input)
	return l.run(ctx, listener)
}

// Prompt is like [Authorize], but opens no browser and serves no page: it
// prints the address at which the user agrees, and waits until the user pastes
// the answer. See the package comment for what can be pasted. It works with any
// redirect URI, even if nothing listens there, since the answer is in the
// browser's address bar. If Options.Input is a pipe, another program may write
// the answer to it, in one line.
//
// Errors: [ErrNoTerminal], at once, if Options.Input is an [*os.File] that is
// neither a terminal nor a pipe; an error that wraps [io.EOF] when the input
// ends; and those of Authorize.
func Prompt(ctx context.Context, session spotipie.Session, opts *Options) (*spotipie.Token, error) {
	l, err := newLogin(session, opts)
	if err != nil {
		return nil, err
	}
	if token, err := l.existing(ctx); token != nil || err != nil {
		return token, err
	}
	l.pipe = isPipe(l.opts.Input)
	if l.reads = l.pipe || canPaste(l.opts.Input); !l.reads {
		return nil, ErrNoTerminal
	}
	l.redirectURI = l.registered
	return l.run(ctx, nil)
}

// userSession is a session that a user agrees to.
type userSession interface {
	spotipie.Session
	RedirectURI() string
	RequestedScope() spotipie.Scopes
	AuthorizationURL(*spotipie.AuthorizationURLOptions) (authorizationURL, state string, err error)
	CheckAuthorization(context.Context, *spotipie.AuthorizationURLOptions) error
}

// login is a login under way. Only its run method reads answers, writes to the
// output and decides how it ends.
type login struct {
	session     userSession
	finish      func(ctx context.Context, callbackURL string) (*spotipie.Token, error)
	implicit    bool
	opts        Options
	registered  string          // redirect URI, as the app's settings have it
	redirectURI string          // the same with the port of this login
	scope       spotipie.Scopes // asked for
	reads       bool            // an answer from the input
	pipe        bool            // that is a pipe
	lines       int             // that were read from the input

	user     conversation
	begun    string // of an address, by a pasted line
	attempts attempts
	answers  chan *attempt // from the page
	opened   chan error    // what became of opening the browser
	deadline time.Time
	end      *ending
}

func newLogin(session spotipie.Session, opts *Options) (*login, error) {
	l := &login{
		answers: make(chan *attempt, maxAttempts),
		opened:  make(chan error, 1),
		end:     newEnding(),
	}
	switch s := session.(type) {
	case interface {
		userSession
		FetchToken(context.Context, string) (*spotipie.Token, error)
	}:
		l.session, l.finish = s, s.FetchToken
	case interface {
		userSession
		ReadTokenFromCallbackURL(context.Context, string) (*spotipie.Token, error)
	}:
		l.session, l.finish, l.implicit = s, s.ReadTokenFromCallbackURL, true
	default:
		return nil, fmt.Errorf("login: no user can agree to a session of type %T", session)
	}
	var err error
	if l.opts, err = opts.withDefaults(); err != nil {
		return nil, err
	}
	l.user.w = l.opts.Output
	l.registered, l.scope = l.session.RedirectURI(), l.session.RequestedScope()
	if uri := l.opts.RedirectURI; uri != "" {
		// A session whose own redirect URI would be refused has the check
		// switched off.
		if err := spotipie.ValidateRedirectURI(uri); err != nil && spotipie.ValidateRedirectURI(l.registered) == nil {
			return nil, err
		}
		l.registered = uri
	}
	return l, nil
}

// existing returns the token that makes a login unnecessary, or nil. An error
// beside a token does not affect the token.
func (l *login) existing(ctx context.Context) (*spotipie.Token, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx, "beginning")
	}
	if l.opts.ForceDialog {
		return nil, nil
	}
	held, loadErr := l.session.Load(ctx)
	if held == nil && loadErr != nil {
		held = l.session.CurrentToken() // the store is in trouble, memory is not
	}
	switch {
	case needsUser(loadErr):
		return nil, nil
	case held == nil:
		return nil, loadErr
	case !held.Scope().Contains(l.scope):
		var store *spotipie.StoreError
		if errors.As(loadErr, &store) { // it may have a better one
			return nil, loadErr
		}
		return nil, nil
	}
	token, err := l.session.Token(ctx)
	if untouched(err) {
		token, _ = l.session.Token(ctx)
	}
	switch {
	case needsUser(err):
		return nil, nil
	case token == nil:
		return nil, errors.Join(loadErr, err)
	case !token.Scope().Contains(l.scope), l.neverRenewed():
		return nil, nil
	case err == nil:
		return token, loadErr
	}
	return token, errors.Join(loadErr, err)
}

// neverRenewed reports whether Spotify has refused the refresh token: the token
// ends within the hour, and only the user gets another.
func (l *login) neverRenewed() bool {
	rec, _ := l.session.Record()
	return rec.Rejected != ""
}

// untouched reports whether an error came after a renewal that succeeded.
func untouched(err error) bool {
	var store *spotipie.StoreError
	var listener *spotipie.ListenerError
	return errors.As(err, &store) || errors.As(err, &listener)
}

// needsUser reports whether a login of the user would fix an error. It would
// not if the store cannot read the record.
func needsUser(err error) bool {
	var mismatch *spotipie.RecordMismatchError
	var store *spotipie.StoreError
	return errors.As(err, &mismatch) && !errors.As(err, &store) ||
		errors.Is(err, spotipie.ErrNotAuthorized) ||
		errors.Is(err, spotipie.ErrTokenExpired) ||
		errors.Is(err, spotipie.ErrReauthorizationRequired)
}

// run goes from the listener, which may be nil, to the token.
func (l *login) run(ctx context.Context, listener net.Listener) (*spotipie.Token, error) {
	var served chan error
	if listener != nil {
		site := newSite(l)
		served = site.start(listener)
		defer func() { site.stop(); <-served }()
	}
	var input *lineReader
	if l.reads {
		input = readLines(l.opts.Input)
		defer func() { input.stop() }()
	}
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	l.introduce(listener, input != nil)

	token, err := l.wait(ctx, input, served)
	l.user.withdraw()
	l.conclude(ctx, token, err)
	return token, err
}

// conclude tells the user how the login ended.
func (l *login) conclude(ctx context.Context, token *spotipie.Token, err error) {
	page := l.resultPage(token, err)
	if token != nil {
		page.User, page.Picture = l.profile(ctx)
	}
	l.end.close(page)
	if token != nil {
		as, less := "", ""
		if page.User != "" {
			as = " as " + page.User
		}
		if len(page.NotGranted) > 0 {
			less = " Not granted: " + strings.Join(page.NotGranted, ", ") + "."
		}
		l.user.say("Signed in%s.%s", as, less)
	}
	l.end.waitShown(ctx)
}

// check asks whether the accounts service has the implicit grant: otherwise
// only the browser would show that it does not.
func (l *login) check(ctx context.Context) error {
	if !l.implicit {
		return nil
	}
	return l.session.CheckAuthorization(ctx, l.request())
}

// minLifetime is how long a state is good at least: if the computer sleeps, a
// login goes on longer by the wall clock than its timeout says.
const minLifetime = time.Hour

// request is what the user is asked. Its state is good as long as the login may
// last, and a little longer.
func (l *login) request() *spotipie.AuthorizationURLOptions {
	lifetime := min(l.opts.Timeout, math.MaxInt64-time.Minute) + time.Minute
	return &spotipie.AuthorizationURLOptions{
		ForceDialog: l.opts.ForceDialog, RedirectURI: l.redirectURI, Lifetime: max(lifetime, minLifetime),
	}
}

// begin starts an attempt, with a state and an address of its own.
func (l *login) begin() error {
	authorizationURL, state, err := l.session.AuthorizationURL(l.request())
	if err != nil {
		return err
	}
	l.attempts.begin(authorizationURL, state)
	return nil
}

// wait returns the result of the first valid answer.
func (l *login) wait(ctx context.Context, input *lineReader, served chan error) (*spotipie.Token, error) {
	timeout := time.NewTimer(l.opts.Timeout)
	defer timeout.Stop()
	l.deadline = time.Now().Add(l.opts.Timeout)
	var lines chan line
	if input != nil {
		lines = input.lines
	}
	for {
		select {
		case a := <-l.answers:
			if l.attempts.isCurrent(a) {
				return l.exchange(ctx, a.callbackURL)
			}
		case typed := <-lines:
			if token, done, err := l.typed(ctx, typed, served != nil); done {
				return token, err
			}
			if !typed.ends() {
				input.more <- struct{}{}
			}
		case err := <-l.opened:
			if err != nil {
				l.user.say("No browser could be opened (%s): open the address yourself.", cli.Printable(err.Error()))
			}
		case err := <-served:
			served <- err // for run to see
			return nil, fmt.Errorf("login: the page: %w", err)
		case <-timeout.C:
			return nil, &TimeoutError{After: l.opts.Timeout, RedirectURI: l.registered}
		case <-l.session.Done():
			return nil, errSessionClosed()
		case <-ctx.Done():
			return nil, ended(ctx, "waiting for the user")
		}
	}
}

// typed handles a line of input, and returns whether it ended the login.
func (l *login) typed(ctx context.Context, typed line, hasPage bool) (token *spotipie.Token, done bool, err error) {
	if typed.ends() {
		l.user.withdraw()
	}
	switch {
	case typed.ends() && hasPage:
		l.user.say("The input has ended; still waiting for the browser.")
		return nil, false, nil
	case typed.err == io.EOF:
		return nil, true, inputEndedError{l.pipe}
	case typed.ends():
		return nil, true, fmt.Errorf("login: reading the answer: %w", typed.err)
	}
	l.lines++
	l.user.answered()
	switch {
	case l.pipe && l.lines > maxAttempts: // it may never end
		return nil, true, errNoAnswer
	case typed.err != nil:
		l.askAgain(typed.err)
		return nil, false, nil
	case strings.TrimSpace(typed.text) == "":
		l.begun = ""
		l.user.ask(l.user.question)
		return nil, false, nil
	}
	callbackURL, err := l.readPasted(typed.text)
	if err != nil {
		l.askAgain(err)
		return nil, false, nil
	}
	token, err = l.exchange(ctx, callbackURL)
	var refused *spotipie.TokenEndpointError
	if token != nil || !errors.As(err, &refused) || refused.Code != "invalid_grant" || l.attempts.count() >= maxAttempts {
		return token, true, err
	}
	// The code was wrong or old. The state is used up, so start again.
	if err := l.begin(); err != nil {
		return nil, true, err
	}
	l.user.say("Spotify does not accept this code (%s). Open this address and try again:\n\n    %s\n",
		cli.Printable(refused.Description), l.attempts.current().authorizationURL)
	l.user.ask(pasteAgain)
	return nil, false, nil
}

const pasteAgain = "Paste the address again: "

// askAgain says what is wrong with the pasted text.
func (l *login) askAgain(wrong error) {
	l.user.say("That is no answer: %v.", wrong)
	l.user.ask(pasteAgain)
}

// introduce prints what the user needs to know and opens the browser.
func (l *login) introduce(listener net.Listener, paste bool) {
	here := lookAround()
	authorizationURL := l.attempts.current().authorizationURL
	l.warnOfUnknown()
	l.user.say("To connect %s to Spotify, open this address and agree:\n\n    %s\n", l.opts.AppName, authorizationURL)
	if listener != nil {
		for _, hint := range l.hints(here, listener.Addr().(*net.TCPAddr)) {
			l.user.say("%s\n", hint)
		}
		l.open(authorizationURL, here)
	}
	switch {
	case paste && listener != nil:
		l.user.ask("Waiting for the browser; or paste the address it ends at and press Enter: ")
	case l.pipe:
		l.user.say("Waiting for the address the browser ends at, error or not, in one line on the input.")
	case paste:
		l.user.ask("Paste the address the browser ends at, error or not, and press Enter: ")
	default:
		l.user.say("There is no terminal to paste an answer into, so only a browser that reaches this machine can answer.\n"+
			"Waiting for %s.", spoken(l.opts.Timeout))
	}
}

// warnOfUnknown warns of scopes that Spotify may refuse. Spotify would tell the
// user, but not the program.
func (l *login) warnOfUnknown() {
	switch unknown := names(l.scope.Unknown()); len(unknown) {
	case 0:
	case 1:
		l.user.say("Warning: Spotify is not known to have the scope %s, and may refuse to ask for it.\n", unknown[0])
	default:
		l.user.say("Warning: Spotify is not known to have the scopes %s, and may refuse to ask for them.\n", strings.Join(unknown, ", "))
	}
}

// names returns the names of scopes in a form that is safe for a terminal.
func names(scopes spotipie.Scopes) []string {
	var names []string
	for _, scope := range scopes {
		names = append(names, cli.Printable(string(scope)))
	}
	return names
}

func (l *login) open(authorizationURL string, here surroundings) {
	open := l.opts.Browser
	switch {
	case l.opts.NoBrowser:
		return
	case open == nil && !here.display:
		l.user.say("There is no display here to open a browser on.")
		return
	case open == nil:
		open = openBrowser
	}
	go func() {
		_, err := recovering(func() (struct{}, error) { return struct{}{}, open(authorizationURL) })
		l.opened <- err
	}()
}

// recovering calls a function of the program in a goroutine of the login. A panic
// in it is an error.
func recovering[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return f()
}
