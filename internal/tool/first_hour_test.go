//go:build unix

package tool

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// updateScreens updates the files with the screens:
//
//	go test ./internal/tool -run TestFirstHour -args -update
var updateScreens = flag.Bool("update", false, "write the screens of the first hour in place of comparing them")

const (
	hourColumns, hourRows = 80, 24
	hourScreens           = "testdata/first_hour"
	// prompt is the shell's prompt. It begins with a control sequence that the terminal
	// does not show, which distinguishes it from the output of commands.
	prompt = "\x1b[m$ "
)

// TestFirstHour does what a user does who tries the tool for an hour, in a terminal
// of 80 columns and 24 rows. The commands are in first_hour.txt, and the screen
// after each command is in a separate file.
func TestFirstHour(t *testing.T) {
	need(t, "curl")
	home := fixedFolder(t)
	ada := &person{t: t, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm", "PS1=" + prompt, "BROWSER=visit", "DISPLAY=:9", "GORACE=atexit_sleep_ms=10",
		"container=podman", // so that the screens are the same inside and outside of a container
	}}
	hour := &firstHour{t: t, hide: strings.NewReplacer(home, "/home/ada")}
	service := ada.runs(hourColumns, exec.Command("spotipie", "serve", "--approve", "--addr", "127.0.0.1:0"))
	service.sees(`Ctrl-C ends it\.\S*\r\n`)
	hour.serve = service.seen.String()
	interactive := exec.Command("sh", "+o", "emacs", "+o", "vi", "-i") // only the terminal echoes what is typed
	interactive.Dir = home
	shell := ada.runs(hourColumns, interactive)
	shell.sees(regexp.QuoteMeta(prompt) + `$`)
	steps := stepsOf(t)
	for _, step := range steps {
		if step.command == "(the other terminal)" {
			hour.compare(step.name, hour.serve)
			continue
		}
		seen := ""
		for _, line := range hour.lines(step.command) {
			shell.seen.Reset()
			shell.types(line + "\n")
			shell.sees(regexp.QuoteMeta(prompt) + `$`)
			seen += prompt + strings.TrimSuffix(shell.seen.String(), prompt)
		}
		hour.compare(step.name, seen)
	}
	if kept, err := os.ReadDir(hourScreens); err != nil || len(kept) != len(steps) {
		t.Errorf("%d screens are kept of %d commands (%v)", len(kept), len(steps), err)
	}
	shell.types("exit 0\n")
	shell.ends(0)
	service.types(ctrlC)
	service.ends(0)
}

// fixedFolder returns a home folder whose path always has the same length, so that
// lines break at the same places.
func fixedFolder(t *testing.T) string {
	t.Helper()
	for n := range 1000 {
		dir := fmt.Sprintf("/tmp/a%03d", n)
		if err := os.Mkdir(dir, 0o700); err == nil {
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return dir
		}
	}
	t.Fatal("no folder can be made in /tmp")
	return ""
}

// step is a command of the first hour.
type step struct{ name, command string }

// stepsOf reads "NAME: COMMAND" from lines that are not comments.
func stepsOf(t *testing.T) (steps []step) {
	t.Helper()
	file, err := os.Open(hourScreens + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			name, command, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("%q is not NAME: COMMAND", line)
			}
			steps = append(steps, step{fmt.Sprintf("%02d-%s", len(steps)+1, name), command})
		}
	}
	if err := lines.Err(); err != nil || len(steps) < 10 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	return steps
}

// firstHour compares the screens with the files.
type firstHour struct {
	t     *testing.T
	serve string // what the terminal with 'spotipie serve' shows
	hide  *strings.Replacer
}

// lines returns the lines to type for a command. It copies the lines for the shell
// from the output of serve.
func (h *firstHour) lines(command string) []string {
	if command != "(copied from there)" {
		return []string{command}
	}
	var lines []string
	for _, found := range regexp.MustCompile(`(?m)^  (export \S+=\S+)\r$`).FindAllStringSubmatch(h.serve, -1) {
		lines = append(lines, found[1])
	}
	if len(lines) != 6 {
		h.t.Fatalf("there are %d lines for the shell in\n%s", len(lines), h.serve)
	}
	return lines
}

var (
	randomText = regexp.MustCompile(`\b[0-9a-f]{32}\b|[\w-]{40,}`)
	somePort   = regexp.MustCompile(`(\.1(?::|%3A))[1-6]\d{4}\b`)
	almostHour = regexp.MustCompile(`59m 5\ds`)
	someDate   = regexp.MustCompile(`\s+\d{1,2}\s+(January|February|March|April|May|June|July|August|September|October|November|December)\s+20\d\d\b`)
	halfAYear  = regexp.MustCompile(`in 1[78]\d days`)
)

// screenOf returns what the terminal shows after the output written, with the lines
// that have scrolled away above it. It replaces texts that differ in each run.
func (h *firstHour) screenOf(written string) string {
	same := func(found string) string { return strings.Repeat("x", len(found)) }
	written = randomText.ReplaceAllStringFunc(h.hide.Replace(written), same)
	text := shown(hourColumns, somePort.ReplaceAllString(written, "${1}50000"))
	text = almostHour.ReplaceAllString(text, "59m 58s")
	text = halfAYear.ReplaceAllString(someDate.ReplaceAllString(text, " DATE"), "in 180 days")
	lines := strings.Split(text, "\n")
	if gone := len(lines) - (hourRows - 1); gone > 0 { // the last row is for the next prompt
		lines = append(append(lines[:gone:gone], "~~~~ the lines above have left the screen ~~~~"), lines[gone:]...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (h *firstHour) compare(name, written string) {
	h.t.Helper()
	got, file := h.screenOf(written), filepath.Join(hourScreens, name+".txt")
	if *updateScreens {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			h.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		h.t.Error(err)
	} else if got != string(want) {
		h.t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
