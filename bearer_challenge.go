package spotipie

import "strings"

// bearerChallenge reads the challenges of WWW-Authenticate (RFC 9110 section
// 11.6.1). It reports whether one is for a bearer token, and returns its error
// code (RFC 6750 section 3): invalid_token if there are several.
func bearerChallenge(headers []string) (code string, found bool) {
	for _, header := range headers {
		scheme := ""
		for _, part := range splitUnquoted(header) {
			word, rest, _ := strings.Cut(part, " ")
			rest = strings.TrimSpace(rest)
			if word != "" && !strings.Contains(word, "=") && !strings.HasPrefix(rest, "=") {
				scheme, part = word, rest // a challenge begins
			}
			if !strings.EqualFold(scheme, tokenType) {
				continue
			}
			found = true
			name, value, _ := strings.Cut(part, "=")
			if strings.EqualFold(strings.TrimSpace(name), "error") && code != codeInvalidToken {
				code = strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
	}
	return code, found
}

// codeInvalidToken is the error code of a token that is expired, revoked or
// malformed (RFC 6750 section 3.1).
const codeInvalidToken = "invalid_token"

// splitUnquoted splits a header's value at the commas that are not inside of
// quotes, and trims the parts.
func splitUnquoted(header string) []string {
	var parts []string
	begin, quoted := 0, false
	for i := 0; i < len(header); i++ {
		switch {
		case quoted && header[i] == '\\':
			i++
		case header[i] == '"':
			quoted = !quoted
		case header[i] == ',' && !quoted:
			parts = append(parts, strings.TrimSpace(header[begin:i]))
			begin = i + 1
		}
	}
	return append(parts, strings.TrimSpace(header[begin:]))
}
