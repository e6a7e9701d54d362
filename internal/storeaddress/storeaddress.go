// Package storeaddress reads the addresses of stores that the spotipie tool
// takes, such as file:DIR and postgres://USER:PASSWORD@HOST/DATABASE. Those of a
// server may have a password in them, before the host or among the parameters;
// they are shown and kept without.
package storeaddress

import (
	"errors"
	"net/url"
	"strings"
)

// The schemes of addresses without a server: what follows is a folder.
const (
	File    = "file"
	Keyring = "keyring"
)

// Parse refuses what would be taken apart at another place than it was meant,
// with a password in the host, the path or the fragment.
func Parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Fragment != "" || u.Opaque != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return nil, errors.New("not the URL of a store: if its password has special characters, " +
			"write them as %40 for @, %3A for :, %2F for /, %23 for # and %3F for ?")
	}
	return u, nil
}

// isSecret tells the parameters that are passwords, such as PostgreSQL's
// password and sslpassword.
func isSecret(parameter string) bool {
	name := strings.ToLower(parameter)
	return strings.Contains(name, "pass") && name != "passfile"
}

// Passwords returns the passwords of an address; an empty one is what [Kept]
// leaves.
func Passwords(address string) []string {
	u, err := url.Parse(address)
	if err != nil || !HasServer(address) {
		return nil
	}
	var found []string
	if password, has := u.User.Password(); has {
		found = append(found, password)
	}
	for name, values := range u.Query() {
		if isSecret(name) {
			found = append(found, values...)
		}
	}
	return found
}

// HasServer reports whether an address is not that of a folder.
func HasServer(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme != File && scheme != Keyring
}

// Redacted returns an address for people.
func Redacted(address string) string { return replacePasswords(address, "xxxxx") }

// Kept returns an address for the config file: each password is empty.
func Kept(address string) string { return replacePasswords(address, "") }

func replacePasswords(address, text string) string {
	if len(Passwords(address)) == 0 {
		return address
	}
	u, err := Parse(address)
	if err != nil {
		return ""
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), text)
	}
	query := u.Query()
	for name := range query {
		if isSecret(name) {
			query.Set(name, text)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}
