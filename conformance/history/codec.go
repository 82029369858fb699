package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// Version is the format version of a history file. A reader refuses files of another version.
const Version = 1

// Header is the first line of a history file.
type Header struct {
	Format  string            `json:"format"` // always "sequitur-history"
	Version int               `json:"version"`
	Tool    string            `json:"tool,omitempty"` // version of the harness that drove
	Started string            `json:"started,omitempty"`
	Seed    int64             `json:"seed,omitempty"`
	Target  string            `json:"target,omitempty"`
	Release string            `json:"targetVersion,omitempty"` // of the target, if known
	Driver  string            `json:"driver,omitempty"`
	Claims  []string          `json:"claims,omitempty"` // features that the target claims
	Limits  map[string]string `json:"patience,omitempty"`
}

const format = "sequitur-history"

// Writer writes a history as JSON lines: the header, then one op a line. Flush makes what was written visible.
type Writer struct {
	b   *bufio.Writer
	enc *json.Encoder
}

// NewWriter writes the header; Format and Version are filled in.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format, h.Version = format, Version
	b := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(h); err != nil {
		return nil, err
	}
	return &Writer{b: b, enc: enc}, nil
}

// Write appends one op.
func (w *Writer) Write(op *Op) error { return w.enc.Encode(op) }

// Flush hands everything to the underlying writer.
func (w *Writer) Flush() error { return w.b.Flush() }

// MaxLine bounds one line of a history file, in bytes.
const MaxLine = 4 << 20

// ErrTruncated says that the last line of a file is cut off: the run was ended hard. All ops before it are good.
var ErrTruncated = errors.New("the last line is cut off")

// Read reads the header and gives the ops one by one. A broken line ends the sequence with an error that names the file
// and the line, and so does an op of no known kind or out of its place, as what is missing would be judged as not seen; a last
// line without newline that does not parse gives ErrTruncated.
func Read(name string, r io.Reader) (Header, iter.Seq2[*Op, error], error) {
	b := bufio.NewReaderSize(r, 64<<10)
	var h Header
	line, _, err := readLine(b)
	if errors.Is(err, io.EOF) {
		return h, nil, fmt.Errorf("%s: the file is empty: expected a history, such as the history.jsonl of a run", name)
	}
	if err != nil {
		return h, nil, fmt.Errorf("%s:1: no history header: %w", name, err)
	}
	if err := json.Unmarshal(line, &h); err != nil || h.Format != format {
		return h, nil, fmt.Errorf("%s:1: this is no history file: expected {\"format\":%q,…}", name, format)
	}
	if h.Version != Version {
		return h, nil, fmt.Errorf("%s:1: history version %d is not supported: this build reads version %d", name, h.Version, Version)
	}
	ops := func(yield func(*Op, error) bool) {
		at := map[string]int{} // how far each scenario is
		for n := 2; ; n++ {
			line, whole, err := readLine(b)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s:%d: %w", name, n, err))
				return
			}
			op := new(Op)
			if err := json.Unmarshal(line, op); err != nil {
				if !whole {
					err = ErrTruncated
				} else {
					err = fmt.Errorf("the file is damaged: expected an operation in JSON: %w", err)
				}
				yield(nil, fmt.Errorf("%s:%d: %w", name, n, err))
				return
			}
			if err := op.follows(at); err != nil {
				yield(nil, fmt.Errorf("%s:%d: the file is damaged: %w", name, n, err))
				return
			}
			if !yield(op, nil) {
				return
			}
		}
	}
	return h, ops, nil
}

// follows tells what is wrong with an op that comes after those of its scenario that were read, and counts it.
func (op *Op) follows(at map[string]int) error {
	if op.Scenario == "" || op.Kind == "" {
		return errors.New("an operation needs a scenario (s) and a kind (k)")
	}
	if !slices.Contains(kinds, op.Kind) {
		return fmt.Errorf("there is no kind of operations %q", op.Kind)
	}
	next := at[op.Scenario] + 1
	if op.Kind == Begin {
		next = 1 // the first, or once more, alone
	}
	if op.N != next {
		return fmt.Errorf("operation %d of %s where %d was expected: some are missing, or in another order", op.N, op.Scenario, next)
	}
	at[op.Scenario] = next
	return nil
}

// readLine returns the next line without its newline, and whether it had one.
func readLine(b *bufio.Reader) (line []byte, whole bool, err error) {
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxLine {
			return nil, false, fmt.Errorf("line is longer than %d bytes", MaxLine)
		}
		switch {
		case err == nil:
			return line[:len(line)-1], true, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, false, nil
		default:
			return nil, false, err
		}
	}
}
