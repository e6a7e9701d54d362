package webapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// Filter is a jq expression (https://jqlang.org/manual/).
type Filter struct {
	code *gojq.Code
}

// CompileFilter reads a jq expression. It has no access to files, modules or
// the environment. Its errors say where the expression is wrong, and have an
// example of a right one.
func CompileFilter(expression string) (*Filter, error) {
	query, err := gojq.Parse(expression)
	if err != nil {
		return nil, wrongExpression(expression, mistake(expression, err))
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, wrongExpression(expression, ": "+err.Error())
	}
	return &Filter{code}, nil
}

// maxShownExpression is how much of an expression an error quotes, in characters.
const maxShownExpression = 60

func wrongExpression(expression, mistake string) error {
	shown := []rune(expression)
	if len(shown) > maxShownExpression {
		shown = append(shown[:maxShownExpression], '…')
	}
	return fmt.Errorf("the jq expression %q%s; a right one is '.items[].name'", string(shown), mistake)
}

// mistake says what is wrong with an expression that cannot be parsed.
func mistake(expression string, err error) string {
	var wrong *gojq.ParseError
	switch {
	case !errors.As(err, &wrong):
		return ": " + err.Error()
	case wrong.Token != "":
		before := expression[:max(wrong.Offset-len(wrong.Token), 0)]
		return fmt.Sprintf(" has an unexpected %q at character %d", wrong.Token, utf8.RuneCountInString(before)+1)
	case strings.Contains(err.Error(), "string"):
		return " has a string without its closing quote"
	}
	return fmt.Sprintf(" ends too early, after character %d", utf8.RuneCountInString(expression))
}

// Run applies the filter to a value that came from JSON, and writes each result
// on its own lines: strings unchanged, everything else as JSON, indented if
// pretty. Strings for a terminal go through [Printable] first.
func (f *Filter) Run(ctx context.Context, w io.Writer, value any, pretty bool) error {
	results := f.code.RunWithContext(ctx, value)
	for {
		result, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return nil
			}
			return filterFailed(ctx, err)
		}
		if err := writeResult(w, result, pretty); err != nil {
			return err
		}
	}
}

func filterFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("--jq: the expression failed on this answer: %w", err)
}

func writeResult(w io.Writer, result any, pretty bool) error {
	if text, ok := result.(string); ok {
		_, err := io.WriteString(w, text+"\n")
		return err
	}
	if tooDeep(result, maxResultDepth) {
		return errors.New("--jq: the result is nested too deeply to be written")
	}
	data, err := gojq.Marshal(result)
	if err != nil {
		return fmt.Errorf("--jq: %w", err)
	}
	return writeJSON(w, data, pretty)
}

// maxResultDepth is the maximum depth of encoding/json.
const maxResultDepth = 10_000

func tooDeep(value any, limit int) bool {
	if limit == 0 {
		return true
	}
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, func(v any) bool { return tooDeep(v, limit-1) })
	case map[string]any:
		for _, v := range value {
			if tooDeep(v, limit-1) {
				return true
			}
		}
	}
	return false
}

// writeJSON writes JSON with a newline at its end.
func writeJSON(w io.Writer, data []byte, pretty bool) error {
	if pretty {
		var indented bytes.Buffer
		if err := indent(&indented, data); err == nil {
			data = indented.Bytes()
		}
	}
	data = append(bytes.TrimRight(data, "\r\n"), '\n')
	if p, ok := w.(printer); ok {
		return p.writeJSON(data)
	}
	_, err := w.Write(data)
	return err
}
