package accounts

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"time"
)

//go:embed consent.html
var consentHTML string

//go:embed consent.css
var consentCSS string

// formLifetime is how long the user can answer a consent page.
const formLifetime = 10 * time.Minute

// loginCookie names the browser's last user, so that with show_dialog=false a
// user who has agreed before is redirected at once.
const loginCookie = "spotipie_login"

// pendingForm is a consent page that waits for its answer. The form contains
// only a token that works once. The request itself stays here, where the
// browser cannot change it.
type pendingForm struct {
	request *authorizationRequest
	expires time.Time
}

type consentView struct {
	Style  template.CSS
	App    string
	Scopes []string
	Users  []userView
	Token  string
	Host   string
}

type userView struct {
	ID, Name, Detail string
	Checked          bool
}

func (s *Service) showConsent(w http.ResponseWriter, req *authorizationRequest, current *User) {
	if current == nil {
		current = &s.opts.Users[0]
	}
	view := consentView{
		Style: s.page.style,
		App:   req.app.Name,
		Token: randomToken(""),
		Host:  redirectHost(req.redirectURI),
	}
	for _, scope := range req.scopes {
		view.Scopes = append(view.Scopes, scope.Description())
	}
	for _, user := range s.opts.Users {
		detail := user.Product
		if user.Email != "" {
			detail = user.Email + " · " + user.Product
		}
		view.Users = append(view.Users, userView{user.ID, user.DisplayName, detail, user.ID == current.ID})
	}
	s.mu.Lock()
	s.forms.put(view.Token, &pendingForm{request: req, expires: s.Now().Add(formLifetime)})
	s.mu.Unlock()

	s.page.write(w, view)
}

// decide is the answer to the consent page.
func (s *Service) decide(w http.ResponseWriter, r *http.Request, form url.Values) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		writePage(w, http.StatusForbidden, "This form was sent from another site.")
		return
	}
	s.mu.Lock()
	pending, ok := s.forms.take(form.Get("form_token"))
	s.mu.Unlock()
	if !ok || s.past(pending.expires) {
		writePage(w, http.StatusForbidden, "This page has expired or was already answered. Start again from the app.")
		return
	}
	noteClient(r, pending.request.app)
	user := s.users[form.Get("user")]
	switch decision := form.Get("decision"); {
	case decision == "cancel":
		note(r, "consent", "denied")
		redirect(w, http.StatusSeeOther, pending.request.denial())
	case decision == "agree" && user != nil:
		noteUser(r, user)
		s.logIn(w, r, user)
		redirect(w, http.StatusSeeOther, s.approve(pending.request, user))
	default:
		writePage(w, http.StatusBadRequest, "The answer names no user or no decision. Start again from the app.")
	}
}

func (s *Service) logIn(w http.ResponseWriter, r *http.Request, user *User) {
	session := randomToken("")
	s.mu.Lock()
	s.logins.put(session, user)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: session, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

func (s *Service) loggedIn(r *http.Request) *User {
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	user, _ := s.logins.get(cookie.Value)
	return user
}

// redirectHost returns the host to which the user goes next, for the page.
func redirectHost(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Host == "" {
		return redirectURI
	}
	return u.Host
}
