package cli_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestProgressElsewhereThanOnATerminal(t *testing.T) {
	var text strings.Builder
	progress := cli.NewProgress(&text)
	progress.Show("1 of 2")
	progress.Clear()
	if _, err := progress.Before(&text).Write([]byte("a result")); err != nil || text.String() != "a result" {
		t.Errorf("got %q, %v", text.String(), err)
	}
}
