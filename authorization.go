package spotipie

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AuthorizationURLOptions adjust an authorization URL. Nil and the zero value
// mean the defaults named here.
type AuthorizationURLOptions struct {
	// ForceDialog asks the user to agree even if they have done so before
	// (show_dialog). Default: they may be sent back at once.
	ForceDialog bool
	// RedirectURI replaces the one in the credentials for this login. Use it
	// for a loopback address whose port is not known before. The token request
	// repeats it.
	RedirectURI string
	// Scope is what the user is asked for besides [Options].Scope. To add
	// scopes to a login, include those that were granted before: Spotify grants
	// only what is asked for. Default: nothing more.
	Scope Scopes
	// Lifetime is how long the user has to answer. Default: one hour.
	Lifetime time.Duration
	// Extra parameters are added as they are. They cannot replace the
	// protocol's own.
	Extra url.Values
}

// authorizationURL builds the URL that the user visits (RFC 6749 sections
// 4.1.1 and 4.2.1) and registers the login.
func (s *session) authorizationURL(opts *AuthorizationURLOptions) (authorizationURL, state string, err error) {
	authorizationURL, login, err := s.authorizationRequest(opts)
	if err != nil {
		return "", "", err
	}
	s.logins().add(login, s.app.wallTime())
	return authorizationURL, login.state(), nil
}

// authorizationRequest builds an authorization request for a new login.
func (s *session) authorizationRequest(opts *AuthorizationURLOptions) (string, pendingLogin, error) {
	if err := s.isOpen(); err != nil {
		return "", pendingLogin{}, err
	}
	if opts == nil {
		opts = &AuthorizationURLOptions{}
	}
	redirectURI := s.app.redirectURI
	if opts.RedirectURI != "" {
		redirectURI = opts.RedirectURI
		if err := s.app.checkRedirectURI(redirectURI); err != nil {
			return "", pendingLogin{}, err
		}
	}
	for key := range opts.Extra {
		if isProtocolParameter(key) {
			return "", pendingLogin{}, fmt.Errorf("spotipie: AuthorizationURLOptions.Extra: %q is set by the session", foreignText(key))
		}
	}
	for _, name := range opts.Scope {
		if !isScopeToken(name) {
			return "", pendingLogin{}, fmt.Errorf("spotipie: AuthorizationURLOptions.Scope: %q is not the name of one scope", foreignText(string(name)))
		}
	}
	scope := s.app.scope
	if len(opts.Scope) > 0 {
		scope = slices.Concat(scope, opts.Scope).Normalize()
	}
	login := newLogin(redirectURI, scope, s.app.wallTime().Add(orDefault(opts.Lifetime, defaultLoginLifetime)))
	query := url.Values{
		"client_id":     {s.app.clientID},
		"response_type": {"code"},
		"redirect_uri":  {redirectURI},
		"state":         {login.state()},
		"show_dialog":   {strconv.FormatBool(opts.ForceDialog)},
	}
	if len(scope) > 0 {
		query.Set("scope", scope.String())
	}
	if s.flow() == FlowImplicitGrant {
		query.Set("response_type", "token")
	} else {
		query.Set("code_challenge_method", "S256")
		query.Set("code_challenge", challenge(login.verifier()))
	}
	maps.Copy(query, opts.Extra)
	return s.app.accountsURL + "/authorize?" + query.Encode(), login, nil
}

func isProtocolParameter(key string) bool {
	switch key {
	case "client_id", "response_type", "redirect_uri", "state", "scope", "show_dialog", "code_challenge", "code_challenge_method":
		return true
	}
	return false
}

func (a *app) checkRedirectURI(uri string) error {
	if a.skipRedirectURICheck && uri != "" {
		return nil
	}
	return ValidateRedirectURI(uri)
}

// checkAuthorization asks the accounts service whether it would show the user
// a consent page.
func (s *session) checkAuthorization(ctx context.Context, opts *AuthorizationURLOptions) error {
	authorizationURL, login, err := s.authorizationRequest(opts) // nobody will finish it
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.app.refreshTimeout)
	defer cancel()
	refusal, err := await(ctx, func(ctx context.Context) (*AuthorizationError, error) {
		return s.askForConsentPage(ctx, authorizationURL)
	}, nil)
	switch {
	case err != nil:
		return fmt.Errorf("spotipie: checking the authorization request: %w", withoutSecrets(err, []string{login.state()}))
	case refusal != nil:
		return refusal
	}
	return nil
}

// askForConsentPage returns why the accounts service shows none, or nil if it does.
func (s *session) askForConsentPage(ctx context.Context, authorizationURL string) (*AuthorizationError, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := secretsClient(s.router()).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < http.StatusBadRequest {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return nil, err
	}
	return pageError(resp, string(text)), nil
}

// pageError makes an error from the text of an error page of the authorization
// endpoint, such as "INVALID_CLIENT: Invalid redirect URI".
func pageError(resp *http.Response, text string) *AuthorizationError {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return &AuthorizationError{Code: resp.Status}
	}
	code, description, found := strings.Cut(foreignText(text), ": ")
	if !found {
		return &AuthorizationError{Code: resp.Status, Description: foreignText(text)}
	}
	return &AuthorizationError{Code: code, Description: description}
}

// maxErrorBody is how much of an error's text is read.
const maxErrorBody = 16 << 10

// readCallback returns the parameters of a callback, which must have an error
// or the first of keys. If it returns an error, that says what is wrong with
// the callback, and the login is still under way.
func readCallback(values url.Values, keys ...string) (map[string]string, error) {
	params := make(map[string]string)
	for _, key := range append(keys, "state", "error", "error_description") {
		value, err := single(values, key)
		if err != nil {
			return nil, err
		}
		params[key] = value
	}
	switch {
	case params["error"] != "" || params[keys[0]] != "":
		return params, nil
	case values.Has("response_type"):
		return nil, &CallbackError{Reason: "it is the page on which the user agrees: open it, and use the address that it sends you to"}
	}
	return nil, &CallbackError{Reason: "it has no " + keys[0] + ": use the whole address that the browser was sent to"}
}

// callbackError returns the error that the accounts service sent, if it did.
func callbackError(params map[string]string) error {
	if params["error"] == "" {
		return nil
	}
	return &AuthorizationError{
		Code:        foreignText(params["error"]),
		Description: foreignText(params["error_description"]),
	}
}

// maxCallbackURL is the maximum length of a callback URL.
const maxCallbackURL = 64 << 10

// parseCallback parses a callback URL. Its errors do not repeat it.
func parseCallback(callbackURL string) (query, fragment url.Values, err error) {
	callbackURL = strings.TrimSpace(callbackURL)
	if len(callbackURL) > maxCallbackURL {
		return nil, nil, &CallbackError{Reason: "it is longer than 64 KiB"}
	}
	u, err := url.Parse(callbackURL)
	if err != nil {
		return nil, nil, &CallbackError{Reason: "it is not a URL: copy the whole address that the browser was sent to"}
	}
	query, err = url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, nil, &CallbackError{Reason: "its query is malformed"}
	}
	fragment, err = url.ParseQuery(u.EscapedFragment())
	if err != nil {
		return nil, nil, &CallbackError{Reason: "its fragment is malformed"}
	}
	return query, fragment, nil
}

// single returns the one value of a callback parameter, empty if there is
// none. Repeated parameters are refused (RFC 6749 section 3.1).
func single(values url.Values, key string) (string, error) {
	switch v := values[key]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", &CallbackError{Reason: key + " is there more than once"}
}
