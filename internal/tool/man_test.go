package tool

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// manDir is the folder for the pages of `make man`. A test makes them, so that the
// tool does not contain the generator.
var manDir = flag.String("man", "", "`DIR` to write the man pages to (default: they are only checked)")

const (
	manSection = "1"
	// exitStatus is part of every page. It has the same facts as printHelp.
	exitStatus = `.SH EXIT STATUS
.TP
0
it worked
.TP
1
it did not work
.TP
2
wrong flags or settings
.TP
3
sign in, or sign in again
.TP
4
access was denied
.TP
130
interrupted
`
)

// writeManPages writes a page for cmd and each of its commands.
func writeManPages(cmd *cobra.Command, dir string, date *time.Time) error {
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writeManPages(sub, dir, date); err != nil {
			return err
		}
	}
	page, err := manPage(cmd, date)
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + "." + manSection
	return os.WriteFile(filepath.Join(dir, name), page, 0o644)
}

func manPage(cmd *cobra.Command, date *time.Time) ([]byte, error) {
	cmd.DisableAutoGenTag = true
	cmd.Long = asMarkdown(cmd.Long)
	var page bytes.Buffer
	header := &doc.GenManHeader{Section: manSection, Date: date, Source: "spotipie", Manual: "spotipie manual"}
	if err := doc.GenMan(cmd, header, &page); err != nil {
		return nil, err
	}
	page.WriteString(exitStatus)
	return page.Bytes(), nil
}

// indented is a line of a table or list in a help text.
var indented = regexp.MustCompile(`(?m)^  `)

// asMarkdown turns a help text into Markdown for the generator. Indented lines stay
// unchanged, and everything else is escaped.
func asMarkdown(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "  ") {
			line = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`, "`", "\\`").Replace(line)
		}
		out = append(out, line)
	}
	return indented.ReplaceAllString(strings.Join(out, ""), "      ")
}

// manDate is when the pages were made, or what a reproducible build says it was
// (https://reproducible-builds.org/specs/source-date-epoch/).
func manDate(t *testing.T) *time.Time {
	date := time.Now().UTC()
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := time.ParseDuration(epoch + "s")
		if err != nil {
			t.Fatalf("SOURCE_DATE_EPOCH: %v", err)
		}
		date = time.Unix(0, 0).Add(seconds).UTC()
	}
	return &date
}

func TestManPages(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeManPages(newRoot(nil), dir, manDate(t)); err != nil {
		t.Fatal(err)
	}
	checkManPages(t, newRoot(nil), dir)
}

// checkManPages checks that every command has a page with all of its flags.
func checkManPages(t *testing.T, cmd *cobra.Command, dir string) {
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + "." + manSection
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Errorf("%s: %v", cmd.CommandPath(), err)
		return
	}
	page := strings.ReplaceAll(string(data), `\-`, "-")
	for _, want := range []string{".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH EXIT STATUS"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !strings.Contains(page, "--"+f.Name) {
			t.Errorf("%s does not tell of --%s", name, f.Name)
		}
	})
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			checkManPages(t, sub, dir)
		}
	}
}
