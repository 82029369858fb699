package loadgen

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sequitur-dev/sequitur/reports/load"
)

// usage is what was used up to a moment. Values are negative if they are not known.
type usage struct {
	at      time.Time
	own     time.Duration // CPU of this process
	machine time.Duration // CPU of the machine that was not idle
}

func measureUsage() usage {
	return usage{at: time.Now(), own: ownCPU(), machine: machineCPU()}
}

// machineCPU reads /proc/stat; -1 where there is none.
func machineCPU() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return -1
	}
	busy := int64(0)
	for i, f := range fields[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return -1
		}
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return time.Duration(busy) * time.Second / 100 // USER_HZ
}

// machine says where this runs. other is the share of CPU time that went elsewhere, -1 if it is not known.
func machine(other float64) load.Machine {
	m := load.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), OtherCPU: other}
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		for lines := bufio.NewScanner(f); m.CPU == "" && lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
			}
		}
		f.Close()
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(data), " ")
		m.LoadAverage, _ = strconv.ParseFloat(first, 64)
	}
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Versions = map[string]string{"kernel": strings.TrimSpace(string(data))}
	}
	return m
}
