package redistest

import "syscall"

// dieWithParent ends the child when the test binary dies without cleaning up.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
