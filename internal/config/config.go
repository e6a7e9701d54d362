// Package config reads and writes the config file of the spotipie tool:
// settings for every command, and the settings with which each profile was
// signed in.
//
//	{
//	  "profile": "work",
//	  "client_id": "0123456789abcdef0123456789abcdef",
//	  "profiles": {
//	    "work": {"flow": "client_credentials", "store": "keyring:"}
//	  }
//	}
//
// Every key is optional. The keys of a profile are those of [Settings] and take
// precedence over those at the top. The tool writes the settings of a login
// into the profile, but never a secret. Only the user puts a client_secret, or
// the password of a store's address, into the file, and then other users must
// not be able to read it.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spotipie/spotipie/internal/storeaddress"
)

// Settings are the settings at the top or of a profile. An empty string means
// not set.
type Settings struct {
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	RedirectURI  string `json:"redirect_uri,omitempty"`
	Flow         string `json:"flow,omitempty"`
	Store        string `json:"store,omitempty"`
	AccountsURL  string `json:"accounts_url,omitempty"`
	APIURL       string `json:"api_url,omitempty"`
	// AllowExposedStore means that other users may have access to the store's
	// files.
	AllowExposedStore bool `json:"allow_exposed_store,omitempty"`
	// AllowPlainHTTP means that the two addresses may be http URLs of other
	// machines.
	AllowPlainHTTP bool `json:"allow_plain_http,omitempty"`
	// User is the signed-in user, by the name that Spotify shows.
	User string `json:"user,omitempty"`
	// Confidential means that the login was made with the app's client secret,
	// and Spotify renews it only with that (RFC 6749 section 2.1).
	Confidential bool `json:"confidential,omitempty"`
	// StorePassword means that the store's address has a password, which is not
	// saved.
	StorePassword bool `json:"store_password,omitempty"`
}

// File is the contents of the config file.
type File struct {
	Profile string `json:"profile,omitempty"` // the default profile
	Settings
	Profiles map[string]Settings `json:"profiles,omitempty"`
}

// maxSize is far more than any number of profiles needs.
const maxSize = 1 << 20

// DefaultPath returns where the config file is: spotipie/config.json in the
// user's config folder.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("looking for the user's config folder: %w", err)
	}
	return filepath.Join(dir, "spotipie", "config.json"), nil
}

// Read returns the contents of the file at path; a missing file counts as
// empty. It refuses a file that is not regular, and a file with a secret that
// other users can read. Errors name the file and never quote it.
func Read(path string) (File, error) {
	info, err := os.Stat(path) // before opening it, since opening a pipe waits
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("reading the config file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("reading the config file: %s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("reading the config file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return File{}, fmt.Errorf("reading the config file: %w", err)
	}
	if len(data) > maxSize {
		return File{}, fmt.Errorf("the config file %s is larger than %d bytes", path, maxSize)
	}
	f, err := parse(data)
	if err != nil {
		return File{}, fmt.Errorf("the config file %s: %w", path, err)
	}
	if secret := f.secret(); secret != "" {
		if err := checkMode(file, secret); err != nil {
			return File{}, err
		}
	}
	return f, nil
}

func parse(data []byte) (File, error) {
	var f File
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return File{}, explain(data, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return File{}, errors.New("there is data after the JSON object: remove it")
	}
	return f, nil
}

// explain says what is wrong with a config file, without quoting values.
func explain(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is not valid JSON", 1+bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")))
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s has the wrong type of value", strings.TrimPrefix(kind.Field, "Settings."))
	case errors.As(err, &kind):
		return errors.New("it is not a JSON object")
	case errors.Is(err, io.EOF):
		return errors.New("it is empty: delete it, or write {} into it")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("unknown key %s; known are profile, profiles, client_id, client_secret, redirect_uri, "+
			"flow, store, accounts_url, api_url, allow_exposed_store, allow_plain_http, user, confidential and store_password", key)
	}
	return errors.New("it is not valid JSON")
}

// secret describes the secret in the file, if there is one.
func (f File) secret() string {
	for _, of := range append(slices.Collect(maps.Values(f.Profiles)), f.Settings) {
		if of.ClientSecret != "" {
			return "a client secret"
		}
		if storeaddress.HasPassword(of.Store) {
			return "a store's password"
		}
	}
	return ""
}

// checkMode refuses a file with a secret that other users can read.
func checkMode(file *os.File, secret string) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("reading the config file: %w", err)
	}
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("the config file %s has %s in it, and other users can read it: run chmod 600 %s",
		file.Name(), secret, file.Name())
}
