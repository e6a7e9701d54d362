package accounts

import (
	"fmt"
	"math"
	"mime"
	"net/http"
	"time"
)

// Limits for the numbers in control requests, so that they cannot overflow.
const (
	maxAdvance = 100 * 365 * 24 * time.Hour // in all
	maxDenials = 1_000
	maxDelay   = 10 * time.Minute
	maxPause   = 365 * 24 * time.Hour
)

func isJSON(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "application/json"
}

// seconds reads a number of seconds from 0 to most.
func seconds(name string, n float64, most time.Duration) (time.Duration, error) {
	if math.IsNaN(n) || n < 0 || n > most.Seconds() {
		return 0, fmt.Errorf("%s is %v, not a number from 0 to %.0f", name, n, most.Seconds())
	}
	return time.Duration(n * float64(time.Second)), nil
}

func (s *Service) controlAdvance(body []byte) (any, error) {
	var request struct {
		Seconds *float64 `json:"seconds"`
	}
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	if request.Seconds == nil {
		return nil, missing("seconds")
	}
	d, err := seconds("seconds", *request.Seconds, maxAdvance)
	if err != nil {
		return nil, err
	}
	if !s.advanceWithin(d, maxAdvance) {
		return nil, fmt.Errorf("the clock would be more than %v seconds ahead", maxAdvance.Seconds())
	}
	return map[string]string{"now": s.Now().UTC().Format(time.RFC3339)}, nil
}

// advanceWithin is Advance, but fails if the clock would then be ahead by more
// than most.
func (s *Service) advanceWithin(d, most time.Duration) bool {
	for {
		before := s.offset.Load()
		if before+int64(d) > int64(most) {
			return false
		}
		if s.offset.CompareAndSwap(before, before+int64(d)) {
			return true
		}
	}
}

func missing(field string) error { return fmt.Errorf("the body has no %q", field) }

// ofUser is the body of requests about one user.
type ofUser struct {
	User *string `json:"user"`
}

// decodeUser reads a body that must name a user.
func (s *Service) decodeUser(body []byte) (string, error) {
	var request ofUser
	if err := decodeControl(body, &request); err != nil {
		return "", err
	}
	return s.knownUser(request.User)
}

func (s *Service) knownUser(id *string) (string, error) {
	switch {
	case id == nil:
		return "", missing("user")
	case s.users[*id] == nil:
		return "", s.noUser(*id)
	}
	return *id, nil
}

func (s *Service) controlConsent(body []byte) (any, error) {
	var request struct {
		AuthorizationURL string `json:"authorization_url"`
		ofUser
	}
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	userID, err := s.knownUser(request.User)
	if err != nil {
		return nil, err
	}
	callbackURL, err := s.ConsentAs(request.AuthorizationURL, userID)
	if err != nil {
		return nil, err
	}
	return map[string]string{"callback_url": callbackURL}, nil
}

func (s *Service) controlApprove(body []byte) (any, error) {
	var request ofUser
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	if request.User == nil {
		return nil, missing("user")
	}
	if err := s.AutoApproveAs(*request.User); err != nil {
		return nil, err
	}
	return map[string]string{"user": *request.User}, nil
}

func (s *Service) controlDeny(body []byte) (any, error) {
	var request struct {
		Times *int `json:"times"`
	}
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	times := 1
	if request.Times != nil {
		times = *request.Times
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if times < 1 || s.denials+times > maxDenials {
		return nil, fmt.Errorf("times is %d; %d denials are prepared already, and at most %d are possible", times, s.denials, maxDenials)
	}
	s.denials += times
	return map[string]int{"denials": s.denials}, nil
}

func (s *Service) controlExpire(body []byte) (any, error) {
	var request ofUser
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	if request.User == nil {
		return expired(s.expireAccessTokens(func(*User) bool { return true })), nil
	}
	userID, err := s.knownUser(request.User)
	if err != nil {
		return nil, err
	}
	return expired(s.ExpireAccessTokensOf(userID)), nil
}

func (s *Service) controlExpireRefreshTokens(body []byte) (any, error) {
	userID, err := s.decodeUser(body)
	if err != nil {
		return nil, err
	}
	return expired(s.ExpireRefreshTokensOf(userID)), nil
}

func expired(count int) map[string]int { return map[string]int{"expired": count} }

func (s *Service) controlRevoke(body []byte) (any, error) {
	var request struct {
		ClientID *string `json:"client_id"`
		ofUser
	}
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	userID, err := s.knownUser(request.User)
	if err != nil {
		return nil, err
	}
	if request.ClientID != nil && s.apps[*request.ClientID] == nil {
		return nil, fmt.Errorf("there is no app with the client id %q", *request.ClientID)
	}
	revoked := 0
	for clientID := range s.apps {
		if (request.ClientID == nil || *request.ClientID == clientID) && s.RevokeUser(clientID, userID) {
			revoked++
		}
	}
	return map[string]int{"revoked": revoked}, nil
}

func (s *Service) controlFault(body []byte) (any, error) {
	var request struct {
		Kind       FaultKind         `json:"kind"`
		Target     Target            `json:"target"`
		Path       string            `json:"path"`
		Times      int               `json:"times"`
		Every      int               `json:"every"`
		Delay      float64           `json:"delay_seconds"`
		RetryAfter float64           `json:"retry_after_seconds"`
		Status     int               `json:"status"`
		Header     map[string]string `json:"header"`
		Body       string            `json:"body"`
	}
	if err := decodeControl(body, &request); err != nil {
		return nil, err
	}
	delay, err := seconds("delay_seconds", request.Delay, maxDelay)
	if err != nil {
		return nil, err
	}
	retryAfter, err := seconds("retry_after_seconds", request.RetryAfter, maxPause)
	if err != nil {
		return nil, err
	}
	header := make(http.Header)
	for name, value := range request.Header {
		header.Set(name, value)
	}
	err = s.QueueFault(Fault{
		Kind: request.Kind, Target: request.Target, Path: request.Path, Times: request.Times, Every: request.Every,
		Delay: delay, RetryAfter: retryAfter, Status: request.Status, Header: header, Body: request.Body,
	})
	if err != nil {
		return nil, err
	}
	return map[string]int{"faults": s.faultCount()}, nil
}

func (s *Service) faultCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults.queue) + len(s.faults.rates)
}

func (s *Service) controlClearFaults([]byte) (any, error) {
	s.ClearFaults()
	return map[string]int{"faults": 0}, nil
}

func (s *Service) controlReset(body []byte) (any, error) {
	if err := decodeControl(body, &struct{}{}); err != nil {
		return nil, err
	}
	s.Reset()
	return struct{}{}, nil
}
