package tool

import (
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"spotipie": spotipieMain, "visit": visitAddress})
}

// spotipieMain is what cmd/spotipie does.
func spotipieMain() { os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr)) }

// visitAddress is a browser for $BROWSER that follows redirects.
func visitAddress() {
	resp, err := http.Get(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// leakChecked runs the tests and then looks for goroutines they left behind.
// goleak.VerifyTestMain does the same, but leaves no room for testscript.Main.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return 0
}
