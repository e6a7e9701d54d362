package spotipie

import (
	"slices"
	"strings"
)

// Scope is one permission an app asks a user for, by the name Spotify gives it
// (https://developer.spotify.com/documentation/web-api/concepts/scopes). Any
// string may be used, so that a scope Spotify adds tomorrow works today;
// [Scope.Known] reports whether this version of the package knows it.
type Scope string

// The scopes an ordinary app can ask for.
const (
	ScopeUGCImageUpload            Scope = "ugc-image-upload"
	ScopeUserReadPlaybackState     Scope = "user-read-playback-state"
	ScopeUserModifyPlaybackState   Scope = "user-modify-playback-state"
	ScopeUserReadCurrentlyPlaying  Scope = "user-read-currently-playing"
	ScopeAppRemoteControl          Scope = "app-remote-control"
	ScopeStreaming                 Scope = "streaming"
	ScopePlaylistReadPrivate       Scope = "playlist-read-private"
	ScopePlaylistReadCollaborative Scope = "playlist-read-collaborative"
	ScopePlaylistModifyPrivate     Scope = "playlist-modify-private"
	ScopePlaylistModifyPublic      Scope = "playlist-modify-public"
	ScopeUserFollowModify          Scope = "user-follow-modify"
	ScopeUserFollowRead            Scope = "user-follow-read"
	ScopeUserReadPlaybackPosition  Scope = "user-read-playback-position"
	ScopeUserTopRead               Scope = "user-top-read"
	ScopeUserReadRecentlyPlayed    Scope = "user-read-recently-played"
	ScopeUserLibraryModify         Scope = "user-library-modify"
	ScopeUserLibraryRead           Scope = "user-library-read"
	ScopeUserReadEmail             Scope = "user-read-email"
	ScopeUserReadPrivate           Scope = "user-read-private"
)

// Known reports whether s is one of the scopes listed in this package.
func (s Scope) Known() bool { return s.Description() != "" }

// Description says in plain words, for the user who is asked, what the scope
// allows. It is empty for a scope this package does not know.
func (s Scope) Description() string {
	switch s {
	case ScopeUGCImageUpload:
		return "Upload images for you, such as playlist covers"
	case ScopeUserReadPlaybackState:
		return "See what your player does, and your devices"
	case ScopeUserModifyPlaybackState:
		return "Control playback on your devices"
	case ScopeUserReadCurrentlyPlaying:
		return "See what you are playing right now"
	case ScopeAppRemoteControl:
		return "Control the Spotify app on your phone"
	case ScopeStreaming:
		return "Play music in this app (needs Premium)"
	case ScopePlaylistReadPrivate:
		return "See your private playlists"
	case ScopePlaylistReadCollaborative:
		return "See collaborative playlists you take part in"
	case ScopePlaylistModifyPrivate:
		return "Change your private playlists"
	case ScopePlaylistModifyPublic:
		return "Change your public playlists"
	case ScopeUserFollowModify:
		return "Follow and unfollow for you"
	case ScopeUserFollowRead:
		return "See whom you follow"
	case ScopeUserReadPlaybackPosition:
		return "See where you stopped in an episode"
	case ScopeUserTopRead:
		return "See your top artists and tracks"
	case ScopeUserReadRecentlyPlayed:
		return "See what you played recently"
	case ScopeUserLibraryModify:
		return "Change what is saved in your library"
	case ScopeUserLibraryRead:
		return "See what is saved in your library"
	case ScopeUserReadEmail:
		return "See your email address"
	case ScopeUserReadPrivate:
		return "See your plan, country and account details"
	}
	return ""
}

// Scopes is a set of scopes. The package always returns it sorted and without
// duplicates, as the Python package does; it accepts slices in any order.
// Methods never change the receiver.
type Scopes []Scope

// AllScopes returns every scope this package knows, sorted.
func AllScopes() Scopes {
	return Scopes{
		ScopeAppRemoteControl, ScopePlaylistModifyPrivate, ScopePlaylistModifyPublic,
		ScopePlaylistReadCollaborative, ScopePlaylistReadPrivate, ScopeStreaming,
		ScopeUGCImageUpload, ScopeUserFollowModify, ScopeUserFollowRead,
		ScopeUserLibraryModify, ScopeUserLibraryRead, ScopeUserModifyPlaybackState,
		ScopeUserReadCurrentlyPlaying, ScopeUserReadEmail, ScopeUserReadPlaybackPosition,
		ScopeUserReadPlaybackState, ScopeUserReadPrivate, ScopeUserReadRecentlyPlayed,
		ScopeUserTopRead,
	}
}

// ParseScopes reads scopes separated by spaces (RFC 6749 section 3.3), commas
// or both, and returns them sorted and without duplicates.
func ParseScopes(s string) Scopes {
	fields := strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r'
	})
	scopes := make(Scopes, len(fields))
	for i, f := range fields {
		scopes[i] = Scope(f)
	}
	return scopes.Normalize()
}

// String returns the scopes as the scope parameter wants them: sorted, without
// duplicates, separated by single spaces.
func (s Scopes) String() string {
	var b strings.Builder
	for i, scope := range s.Normalize() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(scope))
	}
	return b.String()
}

// Normalize returns a sorted copy without duplicates and empty names.
func (s Scopes) Normalize() Scopes {
	if len(s) == 0 {
		return nil
	}
	c := slices.Clone(s)
	slices.Sort(c)
	c = slices.Compact(c)
	if c[0] == "" {
		c = c[1:]
	}
	return slices.Clip(c)
}

// Contains reports whether every scope of needed is in s.
func (s Scopes) Contains(needed Scopes) bool { return len(s.Missing(needed)) == 0 }

// Missing returns the scopes of needed that are not in s, sorted.
func (s Scopes) Missing(needed Scopes) Scopes {
	var missing Scopes
	for _, scope := range needed.Normalize() {
		if !slices.Contains(s, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// Unknown returns the scopes of s that this version of the package does not
// know, sorted. They may be misspelt or new. Spotify refuses a login with a
// scope that it does not know, so they are worth a warning.
func (s Scopes) Unknown() Scopes {
	return AllScopes().Missing(s)
}

// Equal reports whether s and other have the same scopes, in any order.
func (s Scopes) Equal(other Scopes) bool {
	return slices.Equal(s.Normalize(), other.Normalize())
}
