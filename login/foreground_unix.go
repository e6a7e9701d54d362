//go:build unix

package login

import (
	"os"

	"golang.org/x/sys/unix"
)

// isForeground reports whether this process gets what the user types at a
// terminal. The system stops a process in the background when it reads.
func isForeground(tty *os.File) bool {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp() // an error: it is not the one that controls us
}
