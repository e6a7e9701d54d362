package spotipie

import "fmt"

// Flow names the way a token is obtained (RFC 6749 section 1.3). Its values
// are those of the Flow enumeration in the Python package.
type Flow string

// The three flows.
const (
	FlowAuthorizationCode Flow = "authorization_code" // RFC 6749 section 4.1, always with PKCE (RFC 7636)
	FlowClientCredentials Flow = "client_credentials" // RFC 6749 section 4.4
	FlowImplicitGrant     Flow = "implicit_grant"     // RFC 6749 section 4.2; Spotify ended it on 2025-11-27
)

// ParseFlow returns the flow with the given name, or an error that lists the
// names of all flows.
func ParseFlow(name string) (Flow, error) {
	switch f := Flow(name); f {
	case FlowAuthorizationCode, FlowClientCredentials, FlowImplicitGrant:
		return f, nil
	}
	return "", fmt.Errorf("spotipie: no flow is called %q: it is %s, %s or %s",
		name, FlowAuthorizationCode, FlowClientCredentials, FlowImplicitGrant)
}
