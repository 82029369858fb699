//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart keeps the terminal's Ctrl-C from a child, which is to hear of it from its parent.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
