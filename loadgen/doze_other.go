//go:build !linux

package loadgen

import "time"

// doze waits for a short time that it cannot be woken from.
func doze(d time.Duration) { time.Sleep(d) }
