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

// sealer encrypts what browsers keep for an app. The result is bound to the app
// and to its purpose, and expires.
type sealer struct {
	keys     Keys
	clientID string
	tag      string // distinguishes the cookies of apps on the same host
	isSecure bool   // https
	now      func() time.Time
}

const (
	hostPrefix = "__Host-" // Secure, only for this host, Path=/ (RFC 6265bis section 4.1.3.2)
	// maxSealed is the maximum length of a cookie's value, so that the cookies
	// of all attempts fit into the 8 KiB that servers and proxies accept.
	// Longer values are ignored.
	maxSealed = 1536
	// maxSameName is how many cookies of one name are tried: without the prefix
	// __Host- other sites can set cookies of the same name.
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

// bound returns what a sealed value is bound to.
func (s *sealer) bound(purpose string) []byte {
	return []byte("spotipie web 1\x00" + s.clientID + "\x00" + s.tag + "\x00" + purpose)
}

// seal encrypts value, with the time when it expires.
func (s *sealer) seal(purpose string, value any, expires time.Time) string {
	plain := bytes.NewBuffer(binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())))
	e := json.NewEncoder(plain)
	e.SetEscapeHTML(false) // it would turn each & of a query into six bytes
	_ = e.Encode(value)    // encoding strings and numbers cannot fail
	return base64.RawURLEncoding.EncodeToString(s.keys.seal(plain.Bytes(), s.bound(purpose)))
}

// open decrypts into value what was sealed for the same purpose and has not
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

// setCookie sets a sealed cookie.
func (s *sealer) setCookie(w http.ResponseWriter, purpose string, value any, lifetime time.Duration) error {
	sealed := s.seal(purpose, value, s.now().Add(lifetime))
	if len(sealed) > maxSealed {
		return fmt.Errorf("web: a cookie of %d bytes would be too large", len(sealed))
	}
	s.writeCookie(w, purpose, sealed, int(lifetime/time.Second))
	return nil
}

// removeCookie makes the browser delete a cookie.
func (s *sealer) removeCookie(w http.ResponseWriter, purpose string) {
	s.writeCookie(w, purpose, "", -1)
}

func (s *sealer) writeCookie(w http.ResponseWriter, purpose, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(purpose), Value: value, MaxAge: maxAge,
		Path: "/", HttpOnly: true, Secure: s.isSecure, SameSite: http.SameSiteLaxMode,
	})
}

// cookie reads a cookie that setCookie has set.
func (s *sealer) cookie(r *http.Request, purpose string, value any) (expires time.Time, ok bool) {
	cookies := r.CookiesNamed(s.cookieName(purpose))
	for _, c := range cookies[:min(len(cookies), maxSameName)] {
		if expires, ok = s.open(purpose, c.Value, value); ok {
			return expires, true
		}
	}
	return time.Time{}, false
}
