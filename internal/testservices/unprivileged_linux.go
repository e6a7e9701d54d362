package testservices

import (
	"os/exec"
	"syscall"
)

// unprivileged returns a command that does not run as root, and that ends when the
// test binary ends for any reason.
func unprivileged(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if uid, gid, needed := servant(); needed {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return c
}
