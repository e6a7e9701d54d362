package cli

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ReadInput reads a FILE of the command line, or in if name is -, and refuses
// more than limit bytes. When ctx ends (Ctrl-C) it returns ctx's error at once,
// and a goroutine stays behind until it has read the rest, so that further
// input from a pipe or a terminal is lost.
func ReadInput(ctx context.Context, in io.Reader, name string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	results := make(chan result, 1)
	go func() {
		data, err := readInput(in, name, limit)
		results <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("reading %s: %w", name, ctx.Err())
	case r := <-results:
		return r.data, r.err
	}
}

func readInput(in io.Reader, name string, limit int64) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %s", name, size(limit))
	}
	return data, nil
}

func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
