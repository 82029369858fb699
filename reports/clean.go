package reports

import (
	"strings"
	"unicode"
)

// clean makes text from a target safe to print: control characters (which could drive a terminal, and which XML forbids)
// and marks that reorder text are left out, line ends become "\n", and what is no UTF-8 becomes U+FFFD.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t':
			return c
		case c == '\r':
			return '\n'
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c), c == '\uFFFE', c == '\uFFFF':
			return -1
		}
		return c
	}, s)
}

// oneLine is clean text with all white space made single blanks.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }
