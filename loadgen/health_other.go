//go:build !unix

package loadgen

import "time"

func ownCPU() time.Duration { return -1 }

func peakMemory() int64 { return 0 }
