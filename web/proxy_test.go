package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// TestBehindAProxy uses a proxy at which TLS ends. It speaks http to the app, sends
// another Host, and accepts header lines of 8 KiB, like nginx.
func TestBehindAProxy(t *testing.T) {
	var inside *url.URL
	refused := 0
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(inside) // with its Host
	}}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Get("Cookie"))+len("Cookie: ") > 8<<10 {
			refused++
			http.Error(w, "Request Header Or Cookie Too Large", http.StatusBadRequest)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	a := newApp(t, appOptions{origin: front.URL, change: func(_ *web.Options, p *spotipie.PoolOptions) { p.Scope = spotipie.AllScopes() }})
	var err error
	if inside, err = url.Parse(a.inside); err != nil {
		t.Fatal(err)
	}
	ada := a.browser("ada")
	ada.signIn()
	for range 20 { // fills the cookies as far as possible
		ada.begin("/auth/login?return_to=" + url.QueryEscape("/me?q="+strings.Repeat("x", 370)))
	}
	ada.expectUser("ada")
	if c := ada.cookies("-session"); len(c) != 1 || !strings.HasPrefix(c[0].Name, "__Host-") {
		t.Errorf("cookies %v", c)
	}
	ada.isSilly = true // its Origin differs from the Host that the app sees
	ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
	if refused > 0 {
		t.Errorf("the proxy has refused %d requests", refused)
	}
}
