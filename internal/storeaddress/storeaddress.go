// Package storeaddress reads the addresses of stores for the spotipie tool,
// such as file:DIR and postgres://USER:PASSWORD@HOST/DATABASE. An address with
// a server may contain a password, before the host or in the parameters. It is
// shown and saved without it.
package storeaddress

import (
	"errors"
	"net/url"
	"strings"
)

// The schemes of addresses without a server: a folder follows them.
const (
	File    = "file"
	Keyring = "keyring"
)

// Parse refuses addresses that would be split in the wrong place, with a part
// of the password in the host, the path or the fragment.
func Parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil && lacksPort(address) {
		return nil, errors.New("not the URL of a store: in a list of hosts with ports the last needs one too, as in HOST1:5432,HOST2:5432")
	}
	if err == nil {
		_, err = url.ParseQuery(u.RawQuery)
	}
	if err != nil || u.Fragment != "" || u.Opaque != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return nil, errors.New("not the URL of a store: if its password has special characters, " +
			"write them as %40 for @, %3A for :, %2F for /, %23 for #, %3F for ? and %25 for %")
	}
	return u, nil
}

// lacksPort reports whether an address has a list of hosts, of which the last
// has no port, but one before it has.
func lacksPort(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	hosts := strings.Split(rest[strings.LastIndex(rest, "@")+1:], ",")
	last := hosts[len(hosts)-1]
	return len(hosts) > 1 && !strings.Contains(last, ":") && strings.Contains(strings.Join(hosts, ""), ":")
}

// HasServer reports whether an address names a server and not a folder.
func HasServer(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme != File && scheme != Keyring
}

// HasPassword reports whether an address contains a password, or cannot be read
// and so may contain one.
func HasPassword(address string) bool { return Kept(address) != address }

// Redacted returns an address to show, with its passwords hidden.
func Redacted(address string) string { return replacePasswords(address, "xxxxx") }

// Kept returns an address for the config file, without its passwords.
func Kept(address string) string { return replacePasswords(address, "") }

// replacePasswords replaces each password by hidden, or leaves it out if hidden
// is empty. For an address that cannot be read it returns only the scheme.
func replacePasswords(address, hidden string) string {
	if address == "" || !HasServer(address) {
		return address
	}
	u, err := Parse(address)
	if err != nil {
		scheme, _, _ := strings.Cut(address, ":")
		return scheme + "://…"
	}
	found, query := false, u.Query()
	if password, _ := u.User.Password(); password != "" {
		found, u.User = true, withPassword(u.User.Username(), hidden)
	}
	for name, values := range query {
		switch {
		case !isSecret(name) || strings.Join(values, "") == "":
			continue
		case hidden == "":
			query.Del(name)
		default:
			query.Set(name, hidden)
		}
		found = true
	}
	if !found {
		return address
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func withPassword(user, password string) *url.Userinfo {
	switch {
	case password != "":
		return url.UserPassword(user, password)
	case user != "":
		return url.User(user)
	}
	return nil
}

// isSecret reports whether a parameter is a password, such as PostgreSQL's
// password and sslpassword. One that names a file with a password is not.
func isSecret(parameter string) bool {
	name := strings.ToLower(parameter)
	return strings.Contains(name, "pass") && !strings.HasSuffix(name, "file")
}
