package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/webapi"
)

// call makes the request from arguments and flags.
func (f *flags) call(cmd *cobra.Command, args []string) (*webapi.Call, error) {
	method, path, methodGiven, err := methodAndPath(args)
	if err != nil {
		return nil, err
	}
	if f.method != "" {
		if methodGiven || !isMethod(f.method) {
			return nil, fmt.Errorf("-X %s: use one of %s, and give no METHOD before the path", f.method, strings.Join(methods(), ", "))
		}
		method, methodGiven = strings.ToUpper(f.method), true
	}
	if err := f.check(method, methodGiven); err != nil {
		return nil, err
	}
	call := &webapi.Call{
		Method: method, Include: f.include, Paginate: f.paginate, Slurp: f.slurp,
		Terminal: cli.IsTerminal(cmd.OutOrStdout()), Coloured: cli.StyleFor(cmd.OutOrStdout()).Coloured(),
	}
	if call.Target, err = webapi.Target(path); err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	if f.jq != "" {
		if call.Filter, err = webapi.CompileFilter(f.jq); err != nil {
			return nil, fmt.Errorf("--jq: %w", err)
		}
	}
	if call.Header, err = parseHeaders(f.headers); err != nil {
		return nil, err
	}
	return call, f.fill(cmd, call)
}

func methodAndPath(args []string) (method, path string, methodGiven bool, err error) {
	switch {
	case len(args) == 1 && !isMethod(args[0]):
		return http.MethodGet, args[0], false, nil
	case len(args) == 2 && isMethod(args[0]):
		return strings.ToUpper(args[0]), args[1], true, nil
	case len(args) == 2:
		return "", "", false, fmt.Errorf("%q is not a method; use one of %s", args[0], strings.Join(methods(), ", "))
	}
	return "", "", false, errors.New("takes a PATH, such as me, and optionally a METHOD before it")
}

// methods are those of the Web API, and two others that change nothing.
func methods() []string {
	return []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions,
	}
}

func isMethod(text string) bool {
	for _, method := range methods() {
		if strings.EqualFold(text, method) {
			return true
		}
	}
	return false
}

func completeMethods(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return methods(), cobra.ShellCompDirectiveNoFileComp
}

// check finds flags that do not go together.
func (f *flags) check(method string, methodGiven bool) error {
	switch {
	case f.input != "" && !methodGiven:
		return errors.New("--input sends a body: give the METHOD too, such as PUT")
	case f.input != "" && isSafe(method):
		return fmt.Errorf("--input: %s has no body", method)
	case f.paginate && method != http.MethodGet:
		return errors.New("--paginate works only with GET")
	case f.slurp && !f.paginate:
		return errors.New("--slurp works only with --paginate")
	case f.maxWait < 0:
		return fmt.Errorf("--max-wait %s: it cannot be negative", f.maxWait)
	}
	return nil
}

// isSafe reports whether a method has no body (RFC 9110 section 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// isFieldName reports whether text can be the name of a header (RFC 9110
// section 5.1).
func isFieldName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

func parseHeaders(texts []string) (http.Header, error) {
	header := http.Header{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok, !isFieldName(name), strings.ContainsFunc(value, unicode.IsControl):
			return nil, errors.New("--header: one of them is not NAME:VALUE") // the value may be secret
		case name == "Authorization":
			return nil, errors.New("--header Authorization: leave it out, the tool adds the token")
		}
		header.Add(name, value)
	}
	return header, nil
}

// maxInput is how many bytes a body may have.
const maxInput = 64 << 20

// fill adds query and body to the call.
func (f *flags) fill(cmd *cobra.Command, call *webapi.Call) error {
	var fields webapi.Fields
	for _, field := range f.fields {
		if err := fields.Add(field); err != nil {
			return fmt.Errorf("-f %w", err)
		}
	}
	for _, field := range f.typed {
		read := func(name string) ([]byte, error) { return commandline.ReadInput(cmd, "-F "+field, name, maxInput) }
		if err := fields.AddTyped(field, read); err != nil {
			return fmt.Errorf("-F %w", err)
		}
	}
	var err error
	contentType := ""
	switch {
	case f.input != "":
		if call.Body, err = commandline.ReadInput(cmd, "--input -", f.input, maxInput); err != nil {
			return fmt.Errorf("--input: %w", err)
		}
		call.Query, err = fields.Query()
		contentType = "application/json"
	case isSafe(call.Method):
		call.Query, err = fields.Query()
	case !fields.Empty():
		call.Body, err = fields.JSON()
		contentType = "application/json"
	}
	if contentType != "" && call.Header.Get("Content-Type") == "" {
		call.Header.Set("Content-Type", contentType)
	}
	return err
}
