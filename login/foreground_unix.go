//go:build unix

package login

import (
	"os"

	"golang.org/x/sys/unix"
)

// isForeground reports whether what is typed at a terminal is meant for this
// process. One in the background is stopped when it reads.
func isForeground(tty *os.File) bool {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp() // an error: it is not the one that controls us
}
