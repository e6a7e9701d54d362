package accounts

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
)

// publicProfile is the part of a user's profile that everyone may see.
type publicProfile struct {
	DisplayName  string        `json:"display_name"`
	ExternalURLs externalURLs  `json:"external_urls"`
	Followers    followers     `json:"followers"`
	Href         string        `json:"href"`
	ID           string        `json:"id"`
	Images       []imageObject `json:"images"`
	Type         string        `json:"type"`
	URI          string        `json:"uri"`
}

// profile is the answer to GET /v1/me.
type profile struct {
	AccountID       string           `json:"account_id"`
	Country         string           `json:"country,omitempty"`
	DisplayName     string           `json:"display_name"`
	Email           string           `json:"email,omitempty"`
	ExplicitContent *explicitContent `json:"explicit_content,omitempty"`
	ExternalURLs    externalURLs     `json:"external_urls"`
	Followers       followers        `json:"followers"`
	Href            string           `json:"href"`
	ID              string           `json:"id"`
	Images          []imageObject    `json:"images"`
	Product         string           `json:"product,omitempty"`
	Type            string           `json:"type"`
	URI             string           `json:"uri"`
}

type explicitContent struct {
	FilterEnabled bool `json:"filter_enabled"`
	FilterLocked  bool `json:"filter_locked"`
}

// getMe is GET /v1/me. Its answer has had account_id since May 2026
// (https://developer.spotify.com/documentation/web-api/references/changes/may-2026).
func (s *Service) getMe(c *apiCall) {
	user := c.token.user
	public := c.publicProfile(user)
	p := profile{
		AccountID: user.AccountID, DisplayName: public.DisplayName, ExternalURLs: public.ExternalURLs,
		Followers: public.Followers, Href: public.Href, ID: public.ID, Images: public.Images,
		Type: public.Type, URI: public.URI,
	}
	if c.token.scopes.Contains(spotipie.Scopes{spotipie.ScopeUserReadEmail}) {
		p.Email = user.Email
	}
	if c.token.scopes.Contains(spotipie.Scopes{spotipie.ScopeUserReadPrivate}) {
		p.Country, p.Product, p.ExplicitContent = user.Country, user.Product, &explicitContent{}
	}
	c.send(p)
}

// getUser is GET /v1/users/{id}.
func (s *Service) getUser(c *apiCall) {
	user := s.users[c.path["id"]]
	if user == nil {
		c.fail(http.StatusNotFound, "No such user")
		return
	}
	c.send(c.publicProfile(user))
}

func (c *apiCall) publicProfile(user *User) publicProfile {
	id := url.PathEscape(user.ID)
	p := publicProfile{
		DisplayName: user.DisplayName, ExternalURLs: openURL("user", id),
		Href: c.base() + "/v1/users/" + id, ID: user.ID, Images: []imageObject{},
		Type: "user", URI: "spotify:user:" + id,
	}
	if user.ImageURL != "" {
		address := user.ImageURL
		if strings.HasPrefix(address, "/") {
			address = c.base() + address
		}
		p.Images = []imageObject{{URL: address, Height: pictureSize, Width: pictureSize}}
	}
	return p
}
