package cli_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestReadInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		name    string
		limit   int64
		want    string
		problem string
	}{
		"stdin":          {"-", 8, "of stdin", ""},
		"file":           {file, 9, "of a file", ""},
		"too much":       {"-", 7, "", "- has more than 7 bytes"},
		"file too large": {file, 8, "", file + " has more than 8 bytes"},
		"missing":        {file + "s", 8, "", "no such file"},
		"folder":         {filepath.Dir(file), 8, "", "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cli.ReadInput(t.Context(), strings.NewReader("of stdin"), test.name, test.limit)
			if test.problem == "" && (err != nil || string(got) != test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			if test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("got %q, %v, want %q", got, err, test.problem)
			}
		})
	}
	if _, err := cli.ReadInput(t.Context(), strings.NewReader(strings.Repeat("x", 2<<20+1)), "-", 2<<20); err == nil || !strings.Contains(err.Error(), "- has more than 2 MiB") {
		t.Errorf("got %v", err)
	}
}

// waiting is a reader that reports when it is read.
type waiting struct {
	io.Reader
	read chan struct{}
}

func (w waiting) Read(p []byte) (int, error) {
	close(w.read)
	return w.Reader.Read(p)
}

func TestReadInputIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pipe, keepOpen := io.Pipe()
	defer keepOpen.Close()
	in := waiting{pipe, make(chan struct{})}
	go func() {
		<-in.read
		cancel()
	}()
	if got, err := cli.ReadInput(ctx, in, "-", 8); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", got, err)
	}
}
