package webapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/itchyny/gojq"
)

// Filter is a jq expression (https://jqlang.org/manual/).
type Filter struct {
	code *gojq.Code
}

// CompileFilter reads a jq expression. It has no access to files, modules or
// the environment.
func CompileFilter(expression string) (*Filter, error) {
	query, err := gojq.Parse(expression)
	if err != nil {
		var wrong *gojq.ParseError
		if errors.As(err, &wrong) && wrong.Token != "" {
			return nil, fmt.Errorf("unexpected %q at character %d", wrong.Token, wrong.Offset)
		}
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err
	}
	return &Filter{code}, nil
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
	return fmt.Errorf("--jq: %w", err)
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
