package spotipie

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// obtain gets a token in place of another without the user: by the refresh
// token (RFC 6749 section 6), or in the client credentials flow simply anew
// (section 4.4.2).
func (s *session) obtain(ctx context.Context, refreshToken string) (*Token, error) {
	if s.self.Flow() == FlowClientCredentials {
		return s.postToken(ctx, url.Values{"grant_type": {"client_credentials"}})
	}
	return s.postToken(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
}

// postToken asks the token endpoint (RFC 6749 section 3.2) and returns the
// token of its answer. An app with a secret authenticates with HTTP Basic
// (section 2.3.1), one without names itself in the form. The style is fixed:
// no request is ever repeated in another.
func (s *session) postToken(ctx context.Context, form url.Values) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.refreshTimeout)
	defer cancel()
	if s.clientSecret() == "" {
		form.Set("client_id", s.clientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.accountsURL+"/api/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("spotipie: asking for a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if s.clientSecret() != "" {
		req.SetBasicAuth(url.QueryEscape(s.clientID), url.QueryEscape(s.clientSecret()))
	}
	resp, err := s.tokenClient().Do(req)
	if err != nil {
		return nil, fmt.Errorf("spotipie: asking for a token: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenJSON+1))
	if err != nil {
		return nil, fmt.Errorf("spotipie: reading the accounts service's answer: %w", err)
	}
	return s.readAnswer(resp, body, form)
}

// tokenClient sends requests that hold secrets: it follows no redirect.
func (s *session) tokenClient() *http.Client {
	return &http.Client{
		Transport: s.cfg.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// readAnswer makes a token or an error of the token endpoint's answer.
func (s *session) readAnswer(resp *http.Response, body []byte, form url.Values) (*Token, error) {
	now := s.now()
	failed := &TokenEndpointError{StatusCode: resp.StatusCode}
	failed.RetryAfter, _ = ParseRetryAfter(resp.Header.Get("Retry-After"), now)
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
	failed.Code, failed.Description = errorFields(answer, s.sent(form))
	return nil, failed
}

// sent lists the secrets of a token request, in every way it spells them.
func (s *session) sent(form url.Values) []string {
	var secrets []string
	for _, secret := range []string{s.clientSecret(), form.Get("code"), form.Get("code_verifier"), form.Get("refresh_token")} {
		secrets = append(secrets, secret, url.QueryEscape(secret))
	}
	basic := url.QueryEscape(s.clientID) + ":" + url.QueryEscape(s.clientSecret())
	return append(secrets, base64.StdEncoding.EncodeToString([]byte(basic)))
}

// errorFields returns the error and error_description of an answer (RFC 6749
// section 5.2), fit to be shown.
func errorFields(answer map[string]any, secrets []string) (code, description string) {
	code, _ = answer["error"].(string)
	description, _ = answer["error_description"].(string)
	return foreignText(code, secrets...), foreignText(description, secrets...)
}

// tokenFromAnswer makes a token of a successful answer. Keys of no interest
// are passed over, and a lifetime that is missing is taken to be the
// documented one.
func tokenFromAnswer(answer map[string]any, now time.Time) (*Token, error) {
	fields := make(map[string]any, len(answer)+1)
	for _, key := range []string{keyAccessToken, keyTokenType, keyExpiresIn, keyScope, keyRefreshToken} {
		fields[key] = answer[key]
	}
	switch lifetime := fields[keyExpiresIn].(type) {
	case nil:
		fields[keyExpiresIn] = int64(defaultLifetime / time.Second)
	case string: // as some servers do; to refuse it might cost a rotated refresh token
		fields[keyExpiresIn] = json.Number(lifetime)
	}
	return tokenFromMap(fields, false, now)
}
