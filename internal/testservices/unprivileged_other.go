//go:build !linux

package testservices

import "os/exec"

// unprivileged returns a command. On this system, do not run the tests as root.
func unprivileged(program string, args ...string) *exec.Cmd { return exec.Command(program, args...) }
