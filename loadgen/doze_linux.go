package loadgen

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm is a timer of the kernel's, for which the runtime waits as for a connection. That wakes some 50 µs late; the runtime's own
// timers are up to a millisecond late in a process that is idle, as its poller counts in milliseconds (epoll_wait).
type alarm struct {
	fd   int // of file, which must not be asked for it: it would make it blocking
	file *os.File
}

// alarms are as many as doze at once. One that is given up is closed when it is collected.
var alarms = sync.Pool{New: func() any {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return (*alarm)(nil)
	}
	return &alarm{fd, os.NewFile(uintptr(fd), "timer")}
}}

// doze waits for a short time that it cannot be woken from.
func doze(d time.Duration) {
	a, _ := alarms.Get().(*alarm)
	if a == nil || !a.wait(d) {
		time.Sleep(d)
		return
	}
	alarms.Put(a)
}

// wait tells whether it could wait.
func (a *alarm) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if unix.TimerfdSettime(a.fd, 0, &once, nil) != nil {
		return false
	}
	var fired [8]byte
	_, err := a.file.Read(fired[:])
	return err == nil
}
