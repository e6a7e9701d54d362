package accounts

import (
	"encoding/json"
	"net/http"
)

// player is the state of a user's only device. Service.mu guards it.
type player struct {
	track   fullTrack
	playing bool
	changed int64 // milliseconds since the epoch
}

type device struct {
	ID               string `json:"id"`
	IsActive         bool   `json:"is_active"`
	IsPrivateSession bool   `json:"is_private_session"`
	IsRestricted     bool   `json:"is_restricted"`
	Name             string `json:"name"`
	SupportsVolume   bool   `json:"supports_volume"`
	Type             string `json:"type"`
	VolumePercent    int    `json:"volume_percent"`
}

// actions returns what the player does not allow now
// (https://developer.spotify.com/documentation/web-api/reference/get-information-about-the-users-current-playback).
type actions struct {
	Disallows map[string]bool `json:"disallows"`
}

type playerState struct {
	Actions              actions   `json:"actions"`
	Device               device    `json:"device"`
	RepeatState          string    `json:"repeat_state"`
	ShuffleState         bool      `json:"shuffle_state"`
	Context              *struct{} `json:"context"`
	Timestamp            int64     `json:"timestamp"`
	ProgressMS           int       `json:"progress_ms"`
	IsPlaying            bool      `json:"is_playing"`
	Item                 fullTrack `json:"item"`
	CurrentlyPlayingType string    `json:"currently_playing_type"`
}

// playerOf returns the user's player. At first it is paused, on a track that
// differs from user to user. s.mu is held.
func (s *Service) playerOf(user *User) *player {
	p := s.players[user.ID]
	if p == nil {
		p = &player{track: s.songs.tracks[s.numberOf(user)*libraryStep%len(s.songs.tracks)], changed: s.Now().UnixMilli()}
		s.players[user.ID] = p
	}
	return p
}

// getPlayer is GET /v1/me/player.
func (s *Service) getPlayer(c *apiCall) {
	s.mu.Lock()
	p := *s.playerOf(c.token.user)
	s.mu.Unlock()
	disallowed := "pausing"
	if p.playing {
		disallowed = "resuming"
	}
	c.send(playerState{
		Actions: actions{Disallows: map[string]bool{disallowed: true}},
		Device: device{
			ID: catalogueID("device", c.token.user.ID), IsActive: true,
			Name: "Kitchen", SupportsVolume: true, Type: "Speaker", VolumePercent: 50,
		},
		RepeatState: "off", Timestamp: p.changed, IsPlaying: p.playing,
		Item: p.track, CurrentlyPlayingType: "track",
	})
}

// play is PUT /v1/me/player/play. It plays the first of uris if the catalogue
// has it; without a body the player resumes. It answers 204; a user without
// Premium gets 403.
func (s *Service) play(c *apiCall) {
	if c.token.user.Product != "premium" {
		writeAPIJSON(c.w, apiError{Status: http.StatusForbidden, Message: messagePremium, Reason: reasonPremium})
		return
	}
	var body struct {
		URIs []string `json:"uris"`
	}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &body); err != nil {
			c.fail(http.StatusBadRequest, "Malformed json")
			return
		}
	}
	s.mu.Lock()
	p := s.playerOf(c.token.user)
	track, ok := p.track, true
	if len(body.URIs) > 0 {
		track, ok = s.playable(body.URIs[0])
	}
	if ok {
		p.track, p.playing, p.changed = track, true, s.Now().UnixMilli()
	}
	s.mu.Unlock()
	if !ok {
		c.fail(http.StatusBadRequest, "Invalid track uri")
		return
	}
	c.w.WriteHeader(http.StatusNoContent)
}

func (s *Service) playable(uri string) (fullTrack, bool) {
	if kind, _ := s.kindOf(uri); kind != "track" {
		return fullTrack{}, false
	}
	return s.songs.track(idOf(uri))
}
