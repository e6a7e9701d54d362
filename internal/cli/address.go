package cli

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

var errAddress = errors.New("it is not HOST or HOST:PORT")

// SplitAddress splits an address to listen on: host, host:port, an IPv6 address
// with or without brackets, or nothing. It returns port 0 if the address has
// none.
func SplitAddress(address string) (host string, port int, err error) {
	if address == "" {
		return "", 0, nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	if net.ParseIP(bare) != nil || !strings.Contains(address, ":") {
		return bare, 0, nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, errAddress
	}
	if port, err = ParsePort(text); err != nil {
		return "", 0, errAddress
	}
	return host, port, nil
}

// ParsePort reads the number of a port.
func ParsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, errors.New("a port is a number from 1 to 65535")
	}
	return port, nil
}
