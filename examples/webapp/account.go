package main

import (
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// accountPage is the data of the account page.
type accountPage struct {
	profile
	Agreed      time.Time
	AskAgain    time.Time // when Spotify asks the user to agree again
	Permissions []string  // in plain words
}

// account shows the user's profile, and what they have agreed to.
func (a *app) account(w http.ResponseWriter, r *http.Request) {
	session := web.SessionFrom(r.Context())
	user, err := currentUser(r, session)
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	data := accountPage{profile: user, Agreed: session.AuthorizedAt(), AskAgain: session.ReauthorizeBy()}
	for _, scope := range session.Scope() {
		data.Permissions = append(data.Permissions, describe(scope))
	}
	a.show(w, r, "account", "Profile", data)
}

func describe(scope spotipie.Scope) string {
	if description := scope.Description(); description != "" {
		return description
	}
	return string(scope)
}

// confirmDeletion asks the user to confirm the deletion.
func (a *app) confirmDeletion(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, "delete", "Delete my data", nil)
}

// deleteAccount deletes everything that the app has of the user: the sessions in all
// browsers, and the authorization. In your app, also delete the rows of
// web.UserFrom(r.Context()) in your own tables here.
func (a *app) deleteAccount(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := a.sessions.signOutEverywhere(ctx, web.UserFrom(ctx)); err != nil {
		a.unavailable(w, r, err)
		return
	}
	if err := web.SessionFrom(ctx).Logout(ctx); err != nil {
		a.auth.Error(w, r, err)
		return
	}
	if err := a.sessions.Destroy(ctx); err != nil { // deletes the browser's cookie
		a.unavailable(w, r, err)
		return
	}
	http.Redirect(w, r, "/deleted", http.StatusSeeOther)
}

// deleted shows that the data was deleted.
func (a *app) deleted(w http.ResponseWriter, _ *http.Request) {
	a.pages.show(w, http.StatusOK, "deleted", page{Title: "Your data is deleted", LoginURL: a.auth.LoginURL("/")})
}
