package web_test

import (
	"net/http"
	"testing"

	"github.com/alexedwards/scs/v2"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// newSCSApp starts an app whose sessions are those of scs.
func newSCSApp(t *testing.T) *app {
	t.Helper()
	manager := scs.New()
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) {
		o.Sessions = scsSessions{manager}
	}})
	for _, r := range a.replicas {
		inner := r.handler
		mux := http.NewServeMux()
		mux.Handle("/", inner)
		mux.HandleFunc("/put", func(_ http.ResponseWriter, r *http.Request) { manager.Put(r.Context(), "cart", r.FormValue("cart")) })
		mux.HandleFunc("/cart", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("cart " + manager.GetString(r.Context(), "cart")))
		})
		r.handler = manager.LoadAndSave(mux)
	}
	return a
}

func TestSCS(t *testing.T) {
	a := newSCSApp(t)
	ada := a.browser("ada")
	ada.expectNobody()
	ada.visit("/put?cart=apples")
	before := ada.cookies("session")[0].Value
	ada.signIn()
	after := ada.cookies("session")
	if len(after) != 1 || after[0].Value == before {
		t.Error("the session has the same token after the sign-in (session fixation)")
	}
	ada.expect(ada.visit("/cart"), http.StatusOK, "cart apples") // the cart from before the sign-in is the user's now
	thief := a.browser("grace")
	thief.setCookie("session", before)
	thief.expectNobody()

	ada.expect(ada.click("/library"), http.StatusOK, "ada has user-library-read")
	ada.expect(ada.visit("/cart"), http.StatusOK, "cart apples")

	stolen := ada.cookies("session")[0].Value
	ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
	thief.setCookie("session", stolen)
	thief.expectNobody() // signed out on the server
}

// TestSCSOfAnotherUser checks that no data of the first user stays.
func TestSCSOfAnotherUser(t *testing.T) {
	a := newSCSApp(t)
	b := a.browser("ada")
	b.signIn()
	b.visit("/put?cart=apples")
	first := b.cookies("session")[0].Value
	b.account = "grace"
	b.click("/auth/login?show_dialog=true")
	b.expectUser("grace")
	if p := b.visit("/cart"); p.body != "cart " {
		t.Errorf("Grace has Ada's %s", p.body)
	}
	thief := a.browser("ada")
	thief.setCookie("session", first)
	thief.expectNobody()
}
