package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sequitur-dev/sequitur/conformance"
)

func TestKnownFailuresAreRead(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	for name, test := range map[string]struct {
		value string
		want  []conformance.Known
		says  string
	}{
		"one":         {value: "DLV-043 only the answer", want: []conformance.Known{{Pattern: "DLV-043", Reason: "only the answer"}}},
		"sometimes":   {value: "SUB-010? a race", want: []conformance.Known{{Pattern: "SUB-010", Reason: "a race", Sometimes: true}}},
		"lines":       {value: file("k.txt", "# words\n\nDLV-* all of them\n"), want: []conformance.Known{{Pattern: "DLV-*", Reason: "all of them"}}},
		"table":       {value: file("k.md", "# Words | of all kinds\n| id | why |\n|---|---|\n| CE-018, CE-019? | no encoding | scenario |\n"), want: []conformance.Known{{Pattern: "CE-018", Reason: "no encoding"}, {Pattern: "CE-019", Reason: "no encoding", Sometimes: true}}},
		"no reason":   {value: "DLV-043", says: "the reason why it fails"},
		"line":        {value: file("k.txt", "DLV-043 yes\nDLV-044\n"), says: "k.txt:2"},
		"empty cell":  {value: file("k.md", "| DLV-043 | | x |\n"), says: "k.md:1"},
		"no such one": {value: "@nowhere.md", says: "nowhere.md"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readKnown([]string{test.value})
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Fatalf("got %v and error %v, want one that says %q", got, err, test.says)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v and error %v, want %+v", got, err, test.want)
			}
		})
	}
}
