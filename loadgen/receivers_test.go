package loadgen

import (
	"net"
	"testing"

	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// TestReceiversEndAtOnce ends servers at whatever point of their beginning they are.
func TestReceiversEndAtOnce(t *testing.T) {
	s, err := scenario.Load("sequence-3")
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := newReceivers(l, "http://"+l.Addr().String(), s).close(); err != nil {
			t.Fatal(err)
		}
	}
}
