package accounts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The limits of development mode
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide,
// https://developer.spotify.com/documentation/web-api/references/changes/july-2026).
const (
	maxAllowedUsers     = 5
	maxAppsPerDeveloper = 25
)

// DevelopmentMode is how Spotify treats an app without extended quota, since
// 2026-02-11 for new apps and since 2026-03-09 for all
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide).
// Answers lack some fields, a search finds at most ten results, and removed
// endpoints answer 403 "Forbidden".
type DevelopmentMode struct {
	// AllowedUsers are the ids of the users on the apps' allow list, five at
	// most. The others can log in, but the Web API refuses them with 403 "User
	// not registered in the Developer Dashboard". Default: the first five of
	// [Options.Users].
	AllowedUsers []string

	// OwnerWithoutPremium means that the owner of the apps has no Premium: the
	// Web API refuses every request with 403, in plain text.
	OwnerWithoutPremium bool

	// DailyQuota is how many requests of the Web API a developer account may
	// make in any 24 hours, with all its apps and users together (see
	// [App.Developer]). Further requests are refused with 429, the reason
	// "QUOTA_EXCEEDED" and a Retry-After of up to a day. Spotify does not
	// publish its number. Default: 0, no limit.
	DailyQuota int
}

// checked returns a copy with the defaults filled in.
func (m *DevelopmentMode) checked(users []User, apps []App) (*DevelopmentMode, error) {
	if m == nil {
		return nil, nil
	}
	mode := *m
	mode.AllowedUsers = slices.Clone(m.AllowedUsers)
	if mode.AllowedUsers == nil {
		for _, user := range users[:min(len(users), maxAllowedUsers)] {
			mode.AllowedUsers = append(mode.AllowedUsers, user.ID)
		}
	}
	if len(mode.AllowedUsers) > maxAllowedUsers {
		return nil, fmt.Errorf("accounts: %d users are on the allow list; development mode has %d at most",
			len(mode.AllowedUsers), maxAllowedUsers)
	}
	for _, id := range mode.AllowedUsers {
		if !slices.ContainsFunc(users, func(u User) bool { return u.ID == id }) {
			return nil, fmt.Errorf("accounts: the allow list has %q, and there is no such user", id)
		}
	}
	if mode.DailyQuota < 0 {
		return nil, fmt.Errorf("accounts: the daily quota %d is negative", mode.DailyQuota)
	}
	count := make(map[string]int)
	for _, app := range apps {
		if count[app.Developer]++; count[app.Developer] > maxAppsPerDeveloper {
			return nil, fmt.Errorf("accounts: more than %d apps of one developer, the most of development mode", maxAppsPerDeveloper)
		}
	}
	return &mode, nil
}

// allow reports whether development mode allows the call. If not, it has sent
// the answer.
func (m *DevelopmentMode) allow(w http.ResponseWriter, token *accessToken, operation *endpoint) bool {
	switch {
	case m == nil:
		return true
	case m.OwnerWithoutPremium:
		writeAPIText(w, http.StatusForbidden, textOwnerNotPremium)
	case token.user != nil && !slices.Contains(m.AllowedUsers, token.user.ID):
		writeAPIText(w, http.StatusForbidden, textUserNotRegistered)
	case operation.removed:
		writeAPIError(w, http.StatusForbidden, messageForbidden)
	default:
		return true
	}
	return false
}

// droppedFields returns the fields that development mode drops from every
// object of a type
// (https://developer.spotify.com/documentation/web-api/references/changes/february-2026).
// external_ids was among them until March 2026.
func droppedFields(kind string) []string {
	switch kind {
	case "album":
		return []string{"album_group", "available_markets", "label", "popularity"}
	case "artist":
		return []string{"followers", "popularity"}
	case "playlist":
		return []string{"tracks"} // renamed to items
	case "track":
		return []string{"available_markets", "linked_from", "popularity"}
	case "user":
		return []string{"country", "email", "explicit_content", "followers", "product"}
	}
	return nil
}

// withoutDropped returns the JSON of an answer without those fields.
func withoutDropped(body []byte) []byte {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var answer any
	if err := decoder.Decode(&answer); err != nil {
		return body // it is our own JSON
	}
	dropFields(answer)
	return marshal(answer)
}

func dropFields(value any) {
	switch v := value.(type) {
	case map[string]any:
		kind, _ := v["type"].(string)
		for _, field := range droppedFields(kind) {
			delete(v, field)
		}
		for _, inner := range v {
			dropFields(inner)
		}
	case []any:
		for _, inner := range v {
			dropFields(inner)
		}
	}
}
