package doctor

import (
	"context"
	"errors"
	"net/http"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/webapi"
)

// Mode finds out whether the app is in development mode, with an endpoint that
// such apps no longer have (GET /v1/markets, since March 2026). known is false
// if the answer does not show it. Both modes are fine.
func Mode(ctx context.Context, with WithSession) (result Result, known bool) {
	const name = "app mode"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	const path = "/v1/markets"
	err := with(ctx, func(session spotipie.Session) error {
		resp, err := session.Request(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		if err := spotipie.CheckResponse(resp); err != nil {
			return err
		}
		return resp.Body.Close()
	})
	var refused *spotipie.APIError
	if err == nil {
		return good(name, "extended quota: the app has all endpoints"), true
	}
	if !errors.As(err, &refused) {
		return Result{}, false
	}
	if _, _, ok := webapi.Refusal(refused, http.MethodGet, path); !ok || refused.Message != "Forbidden" {
		return Result{}, false
	}
	return good(name, "development mode: five users at most, each added under User Management at "+dashboard+
		"; the app's owner needs Premium; the quota is shared by all apps of the developer; some endpoints are gone (403 Forbidden): "+
		"several objects in one request, an artist's top tracks, browse, markets, other users' profiles"), true
}
