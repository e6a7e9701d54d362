package login

import (
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/cli/browser"
)

// quietBrowser keeps a browser's own messages out of the program's output,
// which may be piped somewhere.
var quietBrowser = sync.OnceFunc(func() { browser.Stdout, browser.Stderr = io.Discard, io.Discard })

// openBrowser opens the user's browser: $BROWSER, which remote development
// environments set to a program that opens a browser on the user's machine, or
// the desktop's.
func openBrowser(url string) error {
	if name := os.Getenv("BROWSER"); name != "" {
		if path, err := exec.LookPath(name); err == nil {
			return exec.Command(path, url).Run()
		}
	}
	quietBrowser()
	return browser.OpenURL(url)
}
