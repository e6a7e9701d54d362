package main

import (
	"errors"
	"net/url"
	"strings"
)

// The address of a store with a server may have a password in it, before the
// host or among the parameters. It is shown and kept without.

// parseAddress refuses what would be taken apart at another place than it was
// meant, with a password in the host, the path or the fragment.
func parseAddress(address string) (*url.URL, error) {
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

// passwordsOf returns the passwords of an address; an empty one is what
// keptAddress leaves.
func passwordsOf(address string) []string {
	u, err := url.Parse(address)
	if err != nil || !hasServer(address) {
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

func hasServer(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme != storeFile && scheme != storeKeyring
}

// redactedAddress is an address for people.
func redactedAddress(address string) string { return replacePasswords(address, "xxxxx") }

// keptAddress is an address for the config file: each password is empty.
func keptAddress(address string) string { return replacePasswords(address, "") }

func replacePasswords(address, text string) string {
	if len(passwordsOf(address)) == 0 {
		return address
	}
	u, err := parseAddress(address)
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
