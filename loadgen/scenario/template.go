package scenario

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

func itoa(n int) string { return strconv.Itoa(n) }

// placeholder is $name, or $name%N for the remainder. $$ is a dollar sign.
var placeholder = regexp.MustCompile(`\$(?:\$|([a-z][a-z0-9]*)(?:%([0-9]+))?)`)

// Template is a text with the placeholders $seq, the number of the event, and $key, the number of its partition key.
type Template struct {
	text   string
	pieces []piece
}

type piece struct {
	text string // before the number
	name string // empty: no number follows
	mod  uint64 // 0: none
}

// String is the template as it was written.
func (t Template) String() string { return t.text }

// Varies tells whether the text is not the same for all events.
func (t Template) Varies() bool {
	for _, p := range t.pieces {
		if p.name != "" {
			return true
		}
	}
	return false
}

// Append appends the text for an event.
func (t Template) Append(b []byte, seq uint64, key int) []byte {
	for i := range t.pieces {
		p := &t.pieces[i]
		b = append(b, p.text...)
		n := seq
		switch p.name {
		case "":
			continue
		case "key":
			n = uint64(key)
		}
		if p.mod > 0 {
			n %= p.mod
		}
		b = strconv.AppendUint(b, n, 10)
	}
	return b
}

func (t *Template) parse(d *decoder, n *yaml.Node, path string) {
	text, ok := d.scalar(n, path, "a text")
	if !ok {
		return
	}
	t.text = text
	at, before := 0, ""
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		before += text[at:m[0]]
		at = m[1]
		if m[2] < 0 {
			before += "$"
			continue
		}
		name := text[m[2]:m[3]]
		if name != "seq" && name != "key" {
			d.fail(n, path, "unknown placeholder $%s: expected $seq, $key, or one of them with a remainder, as $seq%%100 ($$ is a dollar sign)", name)
			return
		}
		p := piece{text: before, name: name}
		if m[4] >= 0 {
			var err error
			if p.mod, err = strconv.ParseUint(text[m[4]:m[5]], 10, 64); err != nil || p.mod == 0 {
				d.fail(n, path, "%s: expected a remainder by a positive number", text[m[0]:m[1]])
				return
			}
		}
		t.pieces, before = append(t.pieces, p), ""
	}
	if rest := before + text[at:]; rest != "" {
		t.pieces = append(t.pieces, piece{text: rest})
	}
}
