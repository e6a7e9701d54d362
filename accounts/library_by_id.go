package accounts

import (
	"encoding/json"
	"net/http"
)

// The endpoints that /v1/me/library replaces, which apps in extended quota mode
// still have: PUT and DELETE /v1/me/tracks?ids=…, GET /v1/me/tracks/contains?ids=…
// and their like for albums and followed artists.

// maxIDs is how many ids a request may have.
const maxIDs = 50

func saveByID(kind string) func(*Service, *apiCall)   { return changeByID(kind, saveItems) }
func removeByID(kind string) func(*Service, *apiCall) { return changeByID(kind, removeItems) }

func changeByID(kind string, change libraryChange) func(*Service, *apiCall) {
	return func(s *Service, c *apiCall) {
		if uris, ok := s.urisByID(c, kind); ok {
			s.change(c.token.user, uris, change)
			c.done(http.StatusOK)
		}
	}
}

func containsByID(kind string) func(*Service, *apiCall) {
	return func(s *Service, c *apiCall) {
		if uris, ok := s.urisByID(c, kind); ok {
			c.send(s.contains(c.token.user, uris))
		}
	}
}

// urisByID reads ids from the query or, if it has none, from the body. If it
// returns false, it has sent the answer.
func (s *Service) urisByID(c *apiCall, kind string) ([]string, bool) {
	ids := splitList(c.query.Get("ids"))
	if len(ids) == 0 && len(c.body) > 0 {
		var body struct {
			IDs []string `json:"ids"`
		}
		if err := json.Unmarshal(c.body, &body); err != nil {
			c.fail(http.StatusBadRequest, "Malformed json")
			return nil, false
		}
		ids = body.IDs
	}
	if len(ids) == 0 || len(ids) > maxIDs {
		c.fail(http.StatusBadRequest, "Invalid number of ids")
		return nil, false
	}
	uris := make([]string, len(ids))
	for i, id := range ids {
		uris[i] = "spotify:" + kind + ":" + id
		if _, known := s.kindOf(uris[i]); !known {
			c.fail(http.StatusBadRequest, messageInvalidID)
			return nil, false
		}
	}
	return uris, true
}
