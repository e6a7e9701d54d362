package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sealer seals what browsers keep for an app. What it seals is bound to the app
// and to its purpose, and ends by itself.
type sealer struct {
	keys     Keys
	clientID string
	tag      string // tells the cookies of apps on one host apart
	isSecure bool   // https
	now      func() time.Time
}

const (
	hostPrefix = "__Host-" // Secure, for this host alone, Path=/ (RFC 6265bis section 4.1.3.2)
	// maxSealed is how long a cookie's value is at most, so that those of all
	// attempts fit into the 8 KiB that servers and proxies take. Longer ones are
	// not looked at.
	maxSealed = 1536
	// maxSameName is how many cookies of one name are looked at: without the
	// prefix __Host- there can be others beside ours.
	maxSameName = 3
)

func newSealer(keys Keys, clientID, origin string, now func() time.Time) *sealer {
	sum := sha256.Sum256([]byte(clientID + "\x00" + origin))
	return &sealer{
		keys: keys, clientID: clientID, now: now,
		tag:      strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5])),
		isSecure: strings.HasPrefix(origin, "https://"),
	}
}

// cookieName names the cookie of a purpose.
func (s *sealer) cookieName(purpose string) string {
	name := "spotipie-" + s.tag + "-" + purpose
	if s.isSecure {
		name = hostPrefix + name
	}
	return name
}

// bound is what the sealed is bound to.
func (s *sealer) bound(purpose string) []byte {
	return []byte("spotipie web 1\x00" + s.clientID + "\x00" + s.tag + "\x00" + purpose)
}

// seal seals value until it expires.
func (s *sealer) seal(purpose string, value any, expires time.Time) string {
	plain := bytes.NewBuffer(binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())))
	e := json.NewEncoder(plain)
	e.SetEscapeHTML(false) // it makes each & of a query six bytes
	_ = e.Encode(value)    // strings and numbers always can be
	return base64.RawURLEncoding.EncodeToString(s.keys.seal(plain.Bytes(), s.bound(purpose)))
}

// open reads into value what was sealed for the same purpose and has not
// expired.
func (s *sealer) open(purpose, sealed string, value any) (expires time.Time, ok bool) {
	if sealed == "" || len(sealed) > maxSealed {
		return time.Time{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return time.Time{}, false
	}
	plain, ok := s.keys.open(raw, s.bound(purpose))
	if !ok || len(plain) < 8 {
		return time.Time{}, false
	}
	expires = time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	if !s.now().Before(expires) || json.Unmarshal(plain[8:], value) != nil {
		return time.Time{}, false
	}
	return expires, true
}

// setCookie gives the browser a sealed cookie.
func (s *sealer) setCookie(w http.ResponseWriter, purpose string, value any, lifetime time.Duration) error {
	sealed := s.seal(purpose, value, s.now().Add(lifetime))
	if len(sealed) > maxSealed {
		return fmt.Errorf("web: a cookie of %d bytes would be too large", len(sealed))
	}
	s.writeCookie(w, purpose, sealed, int(lifetime/time.Second))
	return nil
}

// removeCookie has the browser forget a cookie.
func (s *sealer) removeCookie(w http.ResponseWriter, purpose string) {
	s.writeCookie(w, purpose, "", -1)
}

func (s *sealer) writeCookie(w http.ResponseWriter, purpose, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(purpose), Value: value, MaxAge: maxAge,
		Path: "/", HttpOnly: true, Secure: s.isSecure, SameSite: http.SameSiteLaxMode,
	})
}

// cookie reads a cookie that was set with setCookie.
func (s *sealer) cookie(r *http.Request, purpose string, value any) (expires time.Time, ok bool) {
	cookies := r.CookiesNamed(s.cookieName(purpose))
	for _, c := range cookies[:min(len(cookies), maxSameName)] {
		if expires, ok = s.open(purpose, c.Value, value); ok {
			return expires, true
		}
	}
	return time.Time{}, false
}
