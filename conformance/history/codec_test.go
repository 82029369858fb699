package history_test

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
	"github.com/sequitur-dev/sequitur/conformance/history/historytest"
	"github.com/sequitur-dev/sequitur/fixtures/event"
)

func ops() []history.Op {
	return []history.Op{
		{N: 1, T: 1, Scenario: "a/b", Kind: history.Begin, Note: "ns"},
		{N: 2, T: time.Millisecond, Scenario: "a/b", Kind: history.Sent, Who: "Sequence/s", X: -1, Method: "POST",
			Header: http.Header{"Ce-Id": {"1"}}, Event: history.Of(event.New("1", "/s", "t").WithData("text/plain", []byte("<&>\x00")), event.Binary)},
		{N: 3, T: 2 * time.Millisecond, Scenario: "a/b", Kind: history.Acked, Who: "Sequence/s", X: -1, Code: 202},
		{N: 4, T: 3 * time.Millisecond, Scenario: "a/b", Kind: history.Applied, Who: "Sequence/s", Refused: true, Note: "no \"steps\""},
	}
}

func write(t *testing.T, list []history.Op) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := history.NewWriter(&b, history.Header{Target: "x", Claims: []string{"core"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if err := w.Write(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(data []byte) (history.Header, []history.Op, error) {
	h, seq, err := history.Read("file", bytes.NewReader(data))
	if err != nil {
		return h, nil, err
	}
	var out []history.Op
	for op, err := range seq {
		if err != nil {
			return h, out, err
		}
		out = append(out, *op)
	}
	return h, out, nil
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	h, got, err := read(write(t, ops()))
	if err != nil {
		t.Fatal(err)
	}
	if h.Target != "x" || h.Version != history.Version {
		t.Errorf("header: %+v", h)
	}
	if !reflect.DeepEqual(got, ops()) {
		t.Errorf("ops: %+v\nwant %+v", got, ops())
	}
}

func TestCutOffFileKeepsWhatIsWhole(t *testing.T) {
	data := write(t, ops())
	_, got, err := read(data[:len(data)-5])
	if !errors.Is(err, history.ErrTruncated) || len(got) != 3 {
		t.Errorf("%d ops and %v, want 3 and ErrTruncated", len(got), err)
	}
}

func TestBadFilesAreNamedByLine(t *testing.T) {
	good := string(write(t, ops()))
	for name, c := range map[string]struct{ data, want string }{
		"empty":           {"", "file: the file is empty"},
		"no header":       {"{}\n", "file:1: this is no history file"},
		"no JSON":         {"hello\n", "file:1: this is no history file"},
		"another version": {`{"format":"sequitur-history","version":99}` + "\n", "file:1: history version 99 is not supported"},
		"broken line":     {good + "{\"n\":\n" + "{}\n", "file:6: the file is damaged: expected an operation in JSON"},
		"no scenario":     {good + `{"n":1,"k":"sent"}` + "\n", "file:6: the file is damaged: an operation needs a scenario"},
		"unknown kind":    {good + `{"n":1,"s":"a/c","k":"sentt"}` + "\n", `file:6: the file is damaged: there is no kind of operations "sentt"`},
		"one missing":     {good + `{"n":6,"s":"a/b","k":"sent"}` + "\n", "file:6: the file is damaged: operation 6 of a/b where 5 was expected"},
		"twice":           {good + `{"n":4,"s":"a/b","k":"sent"}` + "\n", "file:6: the file is damaged: operation 4 of a/b where 5 was expected"},
		"long line":       {good + strings.Repeat("x", history.MaxLine+10) + "\n", "file:6: line is longer"},
		"not UTF-8":       {good + "\xff\xfe\n", "file:6:"},
	} {
		_, _, err := read([]byte(c.data))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to begin with %q", name, err, c.want)
		}
	}
}

// FuzzRead: no file makes the reader panic, and what it accepts can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":"sequitur-history","version":1}` + "\n" + `{"n":1,"t":5,"s":"a/b","k":"received","x":3,"e":{"mode":"binary","at":{"id":"1"}}}` + "\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, first, err := read(data)
		if err != nil && len(first) == 0 {
			return
		}
		_, second, err := read(write(t, first))
		if err != nil || len(first) != len(second) {
			t.Fatalf("%d ops became %d: %v", len(first), len(second), err)
		}
		history.NewView("a/b", nil, first).Arrivals()
	})
}

func TestPhasesAndLineages(t *testing.T) {
	v := historytest.View(t, `
		1ms send s e1 -> 202
		2ms recv a e1 -> 200 e1.a
		5ms mark later
		6ms send s e2 -> 202
		7ms recv b e1.a
		8ms recv a e2 -> fault=reset
		9ms recv a e2 -> 200 e2.a
		10ms recv b barrier1 role=barrier`)
	if got := len(v.Arrivals()); got != 4 {
		t.Errorf("%d arrivals, want 4 without the barrier", got)
	}
	if got := len(v.Phase("later").Posts()); got != 1 {
		t.Errorf("%d posts in the phase, want 1", got)
	}
	if got := len(v.Phase("").Arrivals("b")); got != 0 {
		t.Errorf("%d arrivals at b in the first phase, want none", got)
	}
	if got := len(v.Of("").Arrivals("b")); got != 1 {
		t.Errorf("%d arrivals at b of the first phase's events, want 1", got)
	}
	second := v.Attempts("a", "e2")
	if len(second) != 2 || second[0].Code() != 0 || second[1].Code() != 200 || second[1].Ask.Attempt != 2 {
		t.Errorf("attempts of e2: %+v", second)
	}
}
