// Package terminal lays out text for people: what came from others made safe to print, paragraphs wrapped, columns filled.
package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The few styles in use, as ANSI codes.
const (
	Bold    = "1"
	Dim     = "2"
	Red     = "31"
	Green   = "32"
	Yellow  = "33"
	Magenta = "35"
	Cyan    = "36"
)

// Style wraps text in ANSI codes.
func Style(text string, codes ...string) string {
	if text == "" {
		return text
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + text + "\x1b[0m"
}

// Clean makes text from a target safe to print: control characters (which could drive a terminal, and which XML forbids)
// and marks that reorder text are left out, line ends become "\n", and what is no UTF-8 becomes U+FFFD.
func Clean(s string) string {
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

// OneLine is clean text with all white space made single blanks.
func OneLine(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// Fit pads with blanks on the right.
func Fit(s string, width int) string { return s + blanks(s, width) }

// Right pads with blanks on the left.
func Right(s string, width int) string { return blanks(s, width) + s }

func blanks(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// Wrap breaks text between words. Line ends in the text stay; a word that is longer than a line is not broken.
func Wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}
