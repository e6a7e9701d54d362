//go:build unix

package tool

import (
	"os"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// examples FOLDER runs every example of the help, each with a copy of FOLDER as its
// config folder. The service at $URL stands for Spotify.
func examples(ts *testscript.TestScript, _ bool, args []string) {
	count := 0
	commandline.Each(newRoot(nil), func(cmd *cobra.Command) {
		switch cmd.Name() {
		case "serve": // runs until it is ended; the scripts test it
			return
		case "completion": // its examples are in the languages of several shells
			return
		}
		for line := range strings.Lines(cmd.Example) {
			runExample(ts, args[0], strings.TrimSpace(line))
			count++
		}
	})
	if count < 25 {
		ts.Fatalf("there are only %d examples", count)
	}
}

func runExample(ts *testscript.TestScript, config, line string) {
	ts.Check(os.RemoveAll(ts.MkAbs("used")))
	ts.Check(os.CopyFS(ts.MkAbs("used"), os.DirFS(ts.MkAbs(config))))
	ts.Check(exec.Command("chmod", "-R", "go-rwx", ts.MkAbs("used")).Run())
	switch { // things that the reader has done before
	case strings.Contains(line, "delete office"):
		line = "spotipie profiles rename work office && " + line
	case strings.Contains(line, "import "):
		line = "spotipie logout && " + line
	}
	line = strings.ReplaceAll(line, spotipie.DefaultAPIURL, ts.Getenv("URL"))
	line = strings.ReplaceAll(line, "spotify:track:11dFghVXANMlKmJXsNCbNl", ts.Getenv("TRACK")) // the service has other music
	cmd := exec.Command("bash", "-c", "set -o pipefail; "+line)
	cmd.Dir = ts.MkAbs(".")
	for _, variable := range environment(ts) {
		if !strings.HasPrefix(variable, "XDG_CONFIG_HOME=") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+ts.MkAbs("used"), "DISPLAY=:9", "BROWSER=visit",
		"SPOTIPY_CLIENT_ID="+ts.Getenv("SPOTIPIE_CLIENT_ID"), "SPOTIPY_CLIENT_SECRET="+ts.Getenv("SPOTIPIE_CLIENT_SECRET"))
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("%s: %v\n%s", line, err, out)
	}
}
