// Package envsecret reads secrets from environment variables, or from files that
// variables name: NAME has the secret itself, and NAME_FILE the path of a file
// with it, as containers get the secrets of Docker and Kubernetes.
package envsecret

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spotipie/spotipie/internal/cli"
)

// maxSize is more than any client secret or address of a store has.
const maxSize = 4096

// Value returns an environment variable without white space around it, such as the line
// ends of a file of variables.
func Value(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// Lookup returns the secret of the variable NAME, or of the file that NAME_FILE
// names, and the variable that it comes from. Both are "" if neither is set; an
// empty or blank variable counts as not set. It is an error if both are set, and if
// the file cannot be read, is larger than 4096 bytes, is empty, or is one that Line
// refuses. When ctx ends, Lookup stops waiting for the file.
func Lookup(ctx context.Context, name string) (secret, from string, err error) {
	fileName := name + "_FILE"
	secret, path := Value(name), Value(fileName)
	switch {
	case path == "" && secret == "":
		return "", "", nil
	case path == "":
		return secret, name, nil
	case secret != "":
		return "", "", fmt.Errorf("%s and %s are both set: unset one of them", name, fileName)
	}
	if secret, err = read(ctx, path); err != nil {
		return "", "", fmt.Errorf("%s: %w", fileName, err)
	}
	return secret, fileName, nil
}

func read(ctx context.Context, path string) (string, error) {
	if path == "-" { // not stdin, which nobody expects a variable to read
		path = "./-"
	}
	data, err := cli.ReadInput(ctx, nil, path, maxSize)
	if err != nil {
		return "", err
	}
	text, err := Line(path, data)
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	return text, err
}

// Line returns the line that a file has, or "" if it is empty. White space around
// the line is removed, and so is a byte order mark, which editors on Windows write.
// Anything but one line of text in UTF-8 is an error, which names the file and does
// not quote it.
func Line(path string, data []byte) (string, error) {
	text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	switch {
	case !utf8.ValidString(text), strings.Contains(text, "\x00"):
		return "", fmt.Errorf("%s is not text in UTF-8: save it as UTF-8", path)
	case strings.ContainsAny(text, "\r\n"):
		return "", fmt.Errorf("%s has more than one line; it must have only the value", path)
	}
	return text, nil
}
