package cli_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestTable(t *testing.T) {
	columns := []cli.Column{
		{Title: "NAME", Min: 4},
		{Title: "KIND", Drop: 1},
		{Title: "WHERE", Min: 5, Drop: 2},
		{Title: "STATE"},
	}
	rows := [][]string{
		{"ada", "pianist", "file:/home/ada/music", "in"},
		{"gracé", "", "file:", ""},
	}
	for name, test := range map[string]struct {
		width int
		want  string
	}{
		"all of it": {
			80,
			"NAME   KIND     WHERE                 STATE\n" +
				"ada    pianist  file:/home/ada/music  in\n" +
				"gracé           file:\n",
		},
		"just so": {
			43,
			"NAME   KIND     WHERE                 STATE\n" +
				"ada    pianist  file:/home/ada/music  in\n" +
				"gracé           file:\n",
		},
		"the widest gives way": {
			36,
			"NAME   KIND     WHERE          STATE\n" +
				"ada    pianist  file:/…/music  in\n" +
				"gracé           file:\n",
		},
		"as far as it goes": {
			27,
			"NAME  KIND     WHERE  STATE\n" +
				"ada   pianist  fi…ic  in\n" +
				"gr…é           file:\n",
		},
		"one column less": {
			26,
			"NAME   KIND     STATE\n" +
				"ada    pianist  in\n" +
				"gracé\n",
		},
		"two": {
			14,
			"NAME   STATE\n" +
				"ada    in\n" +
				"gracé\n",
		},
		"no more": {
			1,
			"NAME  STATE\n" +
				"ada   in\n" +
				"gr…é\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cli.Table(columns, rows, test.width); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}
