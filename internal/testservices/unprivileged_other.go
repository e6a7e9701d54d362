//go:build !linux

package testservices

import "os/exec"

// unprivileged returns a command. Do not run the tests as root here.
func unprivileged(program string, args ...string) *exec.Cmd { return exec.Command(program, args...) }
