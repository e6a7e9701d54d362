package spotipie

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokenRequestTries is how often a request is made at most if its answer is
// 502, 503 or 504 and a caller waits for the token.
const tokenRequestTries = 3

// requestSteps are functions that a token request calls.
type requestSteps struct {
	check func(context.Context) error // before each try; its error ends the request
	again func(context.Context) error // before check, if it is not the first try; may be nil
	late  func(*Token)                // with a token that arrives after the time limit
}

// requestToken requests a token from the token endpoint. If a caller waits, it tries
// again after a brief failure of a gateway. Each try has the whole time of a request: the
// accounts service may use up the refresh token, so an answer must not be cut off. No
// try begins after that time.
func (k *keeper) requestToken(ctx context.Context, form url.Values, somebodyWaits func() bool, steps requestSteps) (*Token, error) {
	if err := k.mayAsk(ctx, steps.check); err != nil {
		return nil, err
	}
	begin, cancel := context.WithTimeout(ctx, k.app.refreshTimeout)
	defer cancel()
	for try := 1; ; try++ {
		token, err := k.requestOnce(ctx, form, steps.late)
		if err == nil || try == tokenRequestTries || !isHiccup(err) || !somebodyWaits() {
			return token, err
		}
		if !sleep(begin, jitter(300*time.Millisecond<<(try-1))) {
			return nil, err
		}
		if steps.again != nil && steps.again(begin) != nil {
			return nil, err
		}
		if refused := k.mayAsk(begin, steps.check); errors.Is(refused, errSuperseded) {
			return nil, refused
		} else if refused != nil {
			return nil, err
		}
	}
}

// requestOnce makes one request to the token endpoint.
func (k *keeper) requestOnce(ctx context.Context, form url.Values, late func(*Token)) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, k.app.refreshTimeout)
	defer cancel()
	end := k.observation(ctx, ObservedTokenRequest, form.Get("grant_type"))
	token, err := await(ctx, func(ctx context.Context) (*Token, error) {
		return k.app.postToken(ctx, k.router(), form)
	}, late)
	err = withoutSecrets(err, k.app.secretsIn(form))
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("spotipie: requesting a token: no answer in %s: %w", k.app.refreshTimeout, err)
	}
	end(err)
	k.app.heed(err)
	return token, err
}

// mayAsk returns an error if a token request should not be sent now.
func (k *keeper) mayAsk(ctx context.Context, check func(context.Context) error) error {
	if err := k.app.paused(); err != nil {
		return err
	}
	if err := check(ctx); err != nil {
		return err
	}
	return k.app.paused() // other requests may have got one during the check
}

// isHiccup reports whether an answer comes from a gateway with a brief failure.
func isHiccup(err error) bool {
	var answer *TokenEndpointError
	if !errors.As(err, &answer) || answer.RetryAfter > 0 {
		return false
	}
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// postToken asks the token endpoint (RFC 6749 section 3.2) and returns the
// token of its answer. An app with a secret authenticates with HTTP Basic
// (section 2.3.1), an app without one sends its id in the form. The session
// never tries the other way.
func (a *app) postToken(ctx context.Context, send http.RoundTripper, form url.Values) (*Token, error) {
	if a.clientSecret() == "" {
		form = maps.Clone(form) // a caller that stopped waiting may be reading it
		form.Set("client_id", a.clientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.accountsURL+"/api/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("spotipie: requesting a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if a.clientSecret() != "" {
		req.SetBasicAuth(url.QueryEscape(a.clientID), url.QueryEscape(a.clientSecret()))
	}
	resp, err := secretsClient(send).Do(req)
	if err != nil {
		return nil, fmt.Errorf("spotipie: requesting a token: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenJSON+1))
	if err != nil {
		return nil, fmt.Errorf("spotipie: reading the accounts service's answer: %w", err)
	}
	return a.readAnswer(resp, body, form)
}

// secretsClient sends requests that hold secrets: it follows no redirect.
func secretsClient(send http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: send,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// readAnswer reads a token or an error from the token endpoint's answer.
func (a *app) readAnswer(resp *http.Response, body []byte, form url.Values) (*Token, error) {
	now := a.wallTime()
	failed := &TokenEndpointError{StatusCode: resp.StatusCode}
	failed.RetryAfter, _ = ParseRetryAfter(resp.Header.Get("Retry-After"), answeredAt(resp, now))
	if len(body) > maxTokenJSON {
		failed.Err = errors.New("the answer is larger than 1 MiB")
		return nil, failed
	}
	answer, err := parseJSONObject(body)
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	if success && err == nil && answer["error"] == nil {
		token, err := tokenFromAnswer(answer, now)
		failed.Err = err
		if err != nil {
			return nil, failed
		}
		return token, nil
	}
	if success {
		failed.Err = err
	}
	failed.Code, failed.Description = errorFields(answer, a.secretsIn(form))
	return nil, failed
}

// secretsIn lists the secrets of a token request, in every encoding in which it
// sends them.
func (a *app) secretsIn(form url.Values) []string {
	var secrets []string
	for _, secret := range []string{a.clientSecret(), form.Get("code"), form.Get("code_verifier"), form.Get("refresh_token")} {
		secrets = append(secrets, secret, url.QueryEscape(secret))
	}
	basic := url.QueryEscape(a.clientID) + ":" + url.QueryEscape(a.clientSecret())
	return append(secrets, base64.StdEncoding.EncodeToString([]byte(basic)))
}

// errorFields returns the error and error_description of an answer (RFC 6749
// section 5.2), safe to show.
func errorFields(answer map[string]any, secrets []string) (code, description string) {
	code, _ = answer["error"].(string)
	description, _ = answer["error_description"].(string)
	return foreignText(code, secrets...), foreignText(description, secrets...)
}

// tokenFromAnswer makes a token from a successful answer. It ignores unknown keys, and
// takes the documented lifetime if there is none.
func tokenFromAnswer(answer map[string]any, now time.Time) (*Token, error) {
	fields := make(map[string]any, len(answer)+1)
	for _, key := range []string{keyAccessToken, keyTokenType, keyExpiresIn, keyScope, keyRefreshToken} {
		fields[key] = answer[key]
	}
	if fields[keyRefreshToken] != nil {
		leaveOutNonsense(fields)
	}
	switch lifetime := fields[keyExpiresIn].(type) {
	case nil:
		fields[keyExpiresIn] = int64(defaultLifetime / time.Second)
	case string: // some servers do this
		fields[keyExpiresIn] = json.Number(lifetime)
	}
	return tokenFromMap(fields, false, now)
}

// leaveOutNonsense takes a lifetime, a scope and a type that make no sense out of an
// answer with a refresh token. To refuse such an answer could lose the login, because the
// previous refresh token may be used up. The name of another type than Bearer makes
// sense, and is refused.
func leaveOutNonsense(fields map[string]any) {
	lifetime := fields[keyExpiresIn]
	if text, isText := lifetime.(string); isText {
		lifetime = json.Number(text)
	}
	if seconds, err := asSeconds(keyExpiresIn, lifetime); err != nil || seconds < 0 || seconds > maxLifetime.Seconds() {
		fields[keyExpiresIn] = nil
	}
	if _, err := asScopes(fields[keyScope]); err != nil {
		fields[keyScope] = nil
	}
	if _, isText := fields[keyTokenType].(string); !isText {
		fields[keyTokenType] = nil
	}
}
