package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blocksOfTheREADME returns its code blocks in a language.
func blocksOfTheREADME(t *testing.T, language string, least int) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) < least {
		t.Fatalf("the README has %d blocks in %s, want %d at least", len(blocks), language, least)
	}
	return blocks
}

// TestCodeOfTheREADME compiles its code blocks, runs the program among them and
// passes the test among them.
func TestCodeOfTheREADME(t *testing.T) {
	var programs, tests int
	for _, block := range blocksOfTheREADME(t, "go", 9) {
		name, _, _ := strings.Cut(block, "\n")
		if strings.HasPrefix(block, "package main\n") {
			programs++
			t.Run("the first program", func(t *testing.T) { firstProgram(t, block) })
			continue
		}
		file, command := "block.go", "vet"
		if strings.HasPrefix(block, "func Test") {
			tests++
			file, command = "block_test.go", "test"
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), file)
			if err := os.WriteFile(path, []byte(readmeProgram(block)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "go", command, path)
			if strings.Contains(block, "zmb3/spotify") {
				cmd.Dir = "../interop" // the module that requires it
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("go %s: %v\n%s", command, err, out)
			}
		})
	}
	if programs != 1 || tests != 1 {
		t.Errorf("%d programs and %d tests were run, want one of each", programs, tests)
	}
}

// readmeProgram makes a file of a code block: of declarations as they are, of
// statements as the body of a function that has what they take for granted.
func readmeProgram(block string) string {
	body := block
	if !strings.HasPrefix(block, "func ") {
		var used strings.Builder
		for _, name := range []string{"auth", "authorizationURL", "client", "err", "resp", "session", "signIn"} {
			if regexp.MustCompile(`(?m)^([\w, ]+, )?` + name + `\b.* :=`).MatchString(block) {
				used.WriteString("\t_ = " + name + "\n")
			}
		}
		body = "func block(ctx context.Context, creds spotipie.Credentials, store spotipie.Store, pool *spotipie.Pool, session spotipie.Session,\n" +
			"\tid, callbackURL string, r *http.Request, mux *http.ServeMux, home, library http.Handler) error {\n{\n" +
			block + used.String() + "}\nreturn nil\n}\n"
	}
	all := webImports()
	maps.Copy(all, map[string]string{
		"adapter": "github.com/spotipie/spotipie/adapter", "login": "github.com/spotipie/spotipie/login",
		"profile": "github.com/spotipie/spotipie/profile", "spotify": "github.com/zmb3/spotify/v2",
	})
	return withImports(body, all)
}

// firstProgram builds the program in a module of its own, as the README says,
// and runs it.
func firstProgram(t *testing.T, program string) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := blocksOfTheREADME(t, "sh", 4)
	create, _, _ := strings.Cut(shell[2], "go get ")
	commands := create + strings.Replace(shell[3], "../spotipie", root, 1)
	server := spotifytest.New(t)
	creds := server.Credentials()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", commands+"exec go run .")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SPOTIPIE_CLIENT_ID="+creds.ClientID, "SPOTIPIE_CLIENT_SECRET="+creds.ClientSecret,
		"SPOTIPIE_ACCOUNTS_URL="+server.URL, "SPOTIPIE_API_URL="+server.URL)
	var problems strings.Builder
	cmd.Stderr = &problems
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), `{"tracks":`) {
		t.Errorf("%v: %s\n%s", err, out, problems.String())
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
}

// TestShellOfTheREADME types what the README shows of the tool, and compares what
// it prints.
func TestShellOfTheREADME(t *testing.T) {
	block := blocksOfTheREADME(t, "console", 1)[0]
	id := regexp.MustCompile(`CLIENT_ID=(\w+)`).FindStringSubmatch(block)
	if id == nil {
		t.Fatal("no client id is set")
	}
	server := spotifytest.NewWith(t, &accounts.Options{
		AutoApprove: true, Apps: []accounts.App{{ClientID: id[1], RedirectURIs: []string{login.DefaultRedirectURI}}},
	})
	home := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", home, "../cmd/spotipie").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	visit := filepath.Join(home, "visit")
	if err := os.WriteFile(visit, []byte("#!/bin/sh\nexec curl --silent --location --output /dev/null \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"PATH=" + home + ":" + os.Getenv("PATH"), "HOME=" + home, "BROWSER=" + visit, "DISPLAY=:9",
		"SPOTIPIE_ACCOUNTS_URL=" + server.URL, "SPOTIPIE_API_URL=" + server.URL,
	}
	for _, step := range strings.Split(block, "$ ")[1:] {
		step = strings.ReplaceAll(step, "https://api.spotify.com", server.URL)
		command, want, _ := strings.Cut(step, "\n")
		if variable, ok := strings.CutPrefix(command, "export "); ok {
			environment = append(environment, variable)
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		got := strings.ReplaceAll(string(out), home, "/home/ada")
		if !asShown(want).MatchString(settled(got)) {
			t.Errorf("%s prints\n%s\nthe README shows\n%s", command, got, want)
		}
	}
}

// settled returns what the tool prints with times that are the same on each day,
// and without what it says only of a service that is not Spotify.
func settled(text string) string {
	text = regexp.MustCompile(`(?m)^(Signing in at|  Service ) .*\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\d+m \d+s`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`\d+ (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w* \d{4}`).ReplaceAllString(text, "DATE")
	return strings.TrimSpace(regexp.MustCompile(`in \d+ days`).ReplaceAllString(text, "in DAYS"))
}

// asShown matches a text in which "…" matches anything.
func asShown(text string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(settled(text)), "…", ".*") + `$`)
}

// TestCommandsOfTheREADME: the two commands are those that the Makefile runs, and
// the tool is where go install is told it is.
func TestCommandsOfTheREADME(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	blocks := blocksOfTheREADME(t, "sh", 2)
	for _, line := range strings.Split(strings.TrimSpace(blocks[0]), "\n") {
		command, _, _ := strings.Cut(line, "#")
		command = strings.TrimSpace(command)
		target, isTarget := strings.CutPrefix(command, "make ")
		if isTarget && !strings.Contains(string(makefile), "\n"+target+":") || !isTarget && !strings.Contains(string(makefile), "\t"+command+"\n") {
			t.Errorf("the Makefile does not have %q", command)
		}
	}
	for _, name := range regexp.MustCompile(`go install (\S+)`).FindAllStringSubmatch(blocks[1], -1) {
		path, _, _ := strings.Cut(name[1], "@")
		path = strings.TrimPrefix(strings.TrimPrefix(path, "github.com/spotipie/spotipie"), ".")
		if _, err := os.Stat(filepath.Join("..", path, "main.go")); err != nil {
			t.Error(err)
		}
	}
}
