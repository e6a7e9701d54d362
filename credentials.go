package spotipie

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode/utf8"
)

// Credentials identify an app to Spotify. They are shown in the app's settings
// at https://developer.spotify.com/dashboard.
//
// Printing credentials with fmt or slog does not show the secret, except in an
// unexported field of a struct of yours: do not print such a struct.
type Credentials struct {
	// ClientID is the app's public identifier.
	ClientID string
	// ClientSecret may be empty for an app that cannot keep one (desktop,
	// mobile, command line); PKCE protects its logins. The client credentials
	// flow needs it.
	ClientSecret string
	// RedirectURI is where Spotify sends the user back to, exactly as
	// registered. The client credentials flow needs none.
	RedirectURI string
}

// DefaultEnvPrefix is the prefix of the environment variables that
// [CredentialsFromEnv], [ClientCredentialsFromEnv] and [OptionsFromEnv] read when
// they are given none.
const DefaultEnvPrefix = "SPOTIPIE"

// CredentialsFromEnv reads {prefix}_CLIENT_ID, {prefix}_CLIENT_SECRET and
// {prefix}_REDIRECT_URI from the environment; an empty prefix means
// [DefaultEnvPrefix]. The secret may be absent. It may also be in a file, as the
// secrets of Docker and Kubernetes are: {prefix}_CLIENT_SECRET_FILE is the path
// of a file with the secret in one line, of at most 4096 bytes. White space
// around a value does not count: files with variables may bring line ends along.
//
// A client id or redirect URI that is absent or empty is a
// [*MissingVariableError]; it is also an error if the secret is set in both ways,
// or cannot be read. An app that acts for itself needs no redirect URI: see
// [ClientCredentialsFromEnv].
func CredentialsFromEnv(prefix string) (Credentials, error) {
	c, err := credentialsFromEnv(prefix, "_CLIENT_ID", "_REDIRECT_URI")
	if err != nil {
		return Credentials{}, err
	}
	c.RedirectURI = variable(envPrefix(prefix) + "_REDIRECT_URI")
	return c, nil
}

// ClientCredentialsFromEnv reads {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET
// from the environment, for [NewClientCredentialsSession], which needs no
// redirect URI; an empty prefix means [DefaultEnvPrefix]. The secret may be in a
// file, as for [CredentialsFromEnv]. If one of them is absent or empty, the error
// is a [*MissingVariableError].
func ClientCredentialsFromEnv(prefix string) (Credentials, error) {
	return credentialsFromEnv(prefix, "_CLIENT_ID", "_CLIENT_SECRET")
}

// credentialsFromEnv reads the client id and secret. The variables whose names
// end with required must not be empty.
func credentialsFromEnv(prefix string, required ...string) (Credentials, error) {
	prefix = envPrefix(prefix)
	secret, err := secretFromEnv(prefix + "_CLIENT_SECRET")
	if err != nil {
		return Credentials{}, err
	}
	for _, name := range required {
		if variable(prefix+name) == "" && (name != "_CLIENT_SECRET" || secret == "") {
			return Credentials{}, &MissingVariableError{Name: prefix + name}
		}
	}
	return Credentials{ClientID: variable(prefix + "_CLIENT_ID"), ClientSecret: secret}, nil
}

// maxSecretFile is more bytes than any client secret has.
const maxSecretFile = 4096

// secretFromEnv returns the value of an environment variable, or the only line of
// the file that the variable with _FILE at its end names.
func secretFromEnv(name string) (string, error) {
	value, fileName := variable(name), name+"_FILE"
	path := variable(fileName)
	switch {
	case path == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("spotipie: environment variables %s and %s are both set: unset one of them", name, fileName)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("spotipie: environment variable %s: %w", fileName, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("spotipie: environment variable %s: %w", fileName, err)
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(data), byteOrderMark))
	if text == "" || len(data) > maxSecretFile || strings.ContainsAny(text, "\r\n\x00") || !utf8.ValidString(text) {
		return "", fmt.Errorf("spotipie: environment variable %s: %s must have the secret in one line of at most %d bytes of UTF-8, and nothing else",
			fileName, path, maxSecretFile)
	}
	return text, nil
}

// variable returns the value of an environment variable, without white space
// around it.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }

func envPrefix(prefix string) string { return cmp.Or(prefix, DefaultEnvPrefix) }

// String describes the credentials without the secret.
func (c Credentials) String() string {
	return fmt.Sprintf("Credentials(client_id %s, client_secret %s, redirect_uri %s)",
		c.ClientID, redacted(c.ClientSecret), c.RedirectURI)
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer] without the secret.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client_id", c.ClientID),
		slog.String("client_secret", redacted(c.ClientSecret)),
		slog.String("redirect_uri", c.RedirectURI),
	)
}
