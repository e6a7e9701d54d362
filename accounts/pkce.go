package accounts

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// challengeMethodS256 is the only accepted transformation. RFC 7636 also has
// "plain"; Spotify documents only S256, and it is unknown whether it accepts
// plain. The service refuses it, as RFC 9700 section 2.1.1 and OAuth 2.1
// recommend.
const challengeMethodS256 = "S256"

// validChallenge accepts what RFC 7636 section 4.2 allows, and also trailing
// '=': Spotify lets a padded challenge through and fails the exchange.
func validChallenge(challenge string) bool {
	return validVerifier(strings.TrimRight(challenge, "="))
}

// validVerifier checks for RFC 7636 section 4.1: 43 to 128 unreserved
// characters.
func validVerifier(verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	for _, c := range []byte(verifier) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

func verifierMatches(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}
