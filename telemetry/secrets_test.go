package telemetry_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

// export returns everything that is exported, as JSON.
func (r *recorder) export(t testing.TB) string {
	t.Helper()
	var metrics metricdata.ResourceMetrics
	if err := r.reader.Collect(t.Context(), &metrics); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(metrics)
	if err != nil {
		t.Fatal(err)
	}
	spans, err := json.Marshal(tracetest.SpanStubsFromReadOnlySpans(r.spans.Ended()))
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + string(spans)
}

// TestNothingOfTheUserIsExported checks that no metric or span has a secret, the profile, the
// user or the client id, although the errors have all of them.
func TestNothingOfTheUserIsExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		secrets := map[string]string{"profile": profile}
		var errs strings.Builder
		note := func(name, secret string, err error) {
			if secret == "" {
				t.Errorf("there is no %s", name)
			}
			secrets[name] = secret
			if err != nil {
				errs.WriteString(err.Error())
			}
		}
		s := signIn(t, r)
		ctx, end := r.request(t.Context())
		note("client id", s.ClientID(), nil)
		note("client secret", s.ClientSecret(), nil)
		note("first access token", s.CurrentToken().AccessToken(), nil)
		note("first refresh token", s.CurrentToken().RefreshToken(), nil)

		time.Sleep(2 * time.Hour)
		token, err := s.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		note("second access token", token.AccessToken(), nil)

		s.store.fail(errors.New("cannot reach the row of " + profile + " with " + token.AccessToken()))
		_, err = s.Load(ctx)
		note("profile", profile, err)
		_, err = s.RefreshToken(ctx)
		note("profile", profile, err)
		err = s.SetToken(ctx, token)
		note("profile", profile, err)
		s.store.fail(nil)
		time.Sleep(time.Minute)
		s.store.lose()
		_, _ = s.Load(ctx)
		time.Sleep(time.Minute)

		// An accounts service that repeats what it was sent, and more.
		s.fault(t, accounts.Fault{
			Kind: accounts.FaultRespond, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"error":"` + profile + `","error_description":"` + token.AccessToken() + ` of ` + profile + `"}`,
		})
		_, err = s.RefreshToken(ctx)
		note("profile", profile, err)
		authorizationURL, state, err := s.AuthorizationURL(nil)
		note("state", state, err)
		callbackURL := s.server.Consent(t, authorizationURL)
		_, err = s.FetchToken(ctx, callbackURL)
		_, code, _ := strings.Cut(callbackURL, "code=")
		code, _, _ = strings.Cut(code, "&")
		note("code", code, err)
		s.server.ClearFaults()

		s.server.RevokeUser(s.ClientID(), "ada")
		time.Sleep(3 * time.Hour)
		if _, err = s.Token(ctx); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
			t.Errorf("got error %v", err)
		}
		if err := s.Logout(ctx); err != nil {
			t.Error(err)
		}
		end()
		synctest.Wait()

		if !strings.Contains(errs.String(), profile) {
			t.Error("the errors do not name the profile: this test could not fail")
		}
		exported := r.export(t)
		for _, want := range []string{"spotipie.refusals", "spotipie.store.fallbacks", "spotipie.saved_late.duration", "spotipie.store_call load", "spotipie.wait", "store_lock"} {
			if !strings.Contains(exported, want) {
				t.Errorf("%s is not exported", want)
			}
		}
		for name, secret := range secrets {
			if strings.Contains(exported, secret) {
				t.Errorf("the %s is exported", name)
			}
		}
	})
}
