package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"
)

// chromium is the browser that all tests share. Each test has its own profile.
var chromium context.Context

// absence is the reason why the tests cannot run.
var absence error

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	stop := func() {}
	if absence = missing(); absence == nil {
		var err error
		if chromium, stop, err = startChromium(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: starting Chromium:", err)
			return 1
		}
	}
	code := m.Run()
	stop()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return 0
}

// missing returns an error that lists what the tests need and is not installed.
func missing() error {
	var errs []error
	if _, err := exec.LookPath("chromium"); err != nil {
		errs = append(errs, errors.New("there is no chromium (apt-get install chromium)"))
	}
	if _, err := os.Stat(axePath()); err != nil {
		errs = append(errs, errors.New("there is no axe-core (npm ci in e2e/)"))
	}
	return errors.Join(errs...)
}

func axePath() string { return filepath.Join("node_modules", "axe-core", "axe.min.js") }

// startChromium starts Chromium without a screen and with an empty profile. The
// profile is deleted afterwards unless the options say otherwise.
func startChromium(more ...chromedp.ExecAllocatorOption) (ctx context.Context, stop func(), err error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"),
		chromedp.NoSandbox, // containers have none
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = func() { _ = chromedp.Cancel(ctx); cancel(); cancelAllocator() }
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	return ctx, stop, nil
}

// needChromium skips the test if Chromium is missing, or fails it if Chromium is
// required.
func needChromium(t *testing.T) {
	t.Helper()
	switch {
	case absence == nil:
	case os.Getenv("SPOTIPIE_TEST_SERVICES") == "1":
		t.Fatal(absence)
	default:
		t.Skip(absence)
	}
}
