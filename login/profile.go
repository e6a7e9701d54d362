package login

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// Limits of what is fetched to greet the user.
const (
	profileTimeout = 2 * time.Second
	maxPicture     = 256 << 10
)

// profile returns the user's name, and the picture too if a tab will show it.
// It ignores errors, since this is only a greeting.
func (l *login) profile(ctx context.Context) (name string, picture template.URL) {
	ctx, cancel := context.WithTimeout(ctx, profileTimeout)
	defer cancel()
	user, err := spotipie.CurrentUser(ctx, l.session)
	if err != nil {
		return "", ""
	}
	name = strings.TrimSpace(cli.Printable(cmp.Or(user.DisplayName, user.ID)))
	if user.ImageURL != "" && l.end.awaited() {
		picture, _ = l.picture(ctx, user.ImageURL)
	}
	return name, picture
}

// picture fetches a picture and returns it as a data: URL, so that the page
// needs nothing from elsewhere.
func (l *login) picture(ctx context.Context, address string) (template.URL, error) {
	if !isHTTPS(address) {
		return "", errNoPicture
	}
	client := l.session.Client() // sends the token to the Web API only
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 3 || !isHTTPS(req.URL.String()) {
			return errNoPicture
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("login: the user's picture: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("login: the user's picture: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
	if err != nil {
		return "", fmt.Errorf("login: the user's picture: %w", err)
	}
	kind := http.DetectContentType(data)
	if resp.StatusCode != http.StatusOK || len(data) > maxPicture || !isPicture(kind) {
		return "", errNoPicture
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)), nil
}

var errNoPicture = errors.New("login: no picture that can be shown")

// isPicture has the types that browsers show and that cannot contain scripts.
func isPicture(kind string) bool {
	return kind == "image/jpeg" || kind == "image/png" || kind == "image/webp" || kind == "image/gif"
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
