package accounts

import "net/http"

// The headers that let a page of any origin use the Web API, as answers of
// api.spotify.com have them, also errors. accounts.spotify.com must allow the
// same for /api/token, since Spotify's single-page tutorial calls it from a
// page
// (https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow);
// its exact headers are not known, so they are assumed to be the same.
const (
	corsAllowHeaders = "Accept, App-Platform, Authorization, Content-Type, Origin, Retry-After, " +
		"Spotify-App-Version, X-Cloud-Trace-Context, client-token, content-access-token"
	corsAllowMethods = "GET, POST, OPTIONS, PUT, DELETE, PATCH"
	corsMaxAge       = "604800"
)

// allowAnyOrigin lets a page of any origin read the answer. Spotify also sends
// Access-Control-Allow-Credentials, which browsers do not accept together with
// "*". Retry-After is not exposed, since it is unknown what Spotify exposes
// today.
func allowAnyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Headers", corsAllowHeaders)
	h.Set("Access-Control-Allow-Methods", corsAllowMethods)
	h.Set("Access-Control-Max-Age", corsMaxAge)
}

// isPreflight reports whether a request is the one that a browser sends before
// a page's own request (https://fetch.spec.whatwg.org/#cors-preflight-request).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

// answerPreflight needs no token, is not counted, and is not affected by
// faults. It is assumed that a gateway in front of Spotify's service answers.
func answerPreflight(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }
