// Package historytest reads histories written by hand, one exchange a line, for tests of judges.
//
//	2ms send s e1 type=t                 -> 202
//	3ms recv a e1                        -> 200 e1.a type=u
//	4ms..9ms recv b e1.a                 -> 503
//	10ms recv sink e1.a.b h:Prefer=reply
//	11ms recv dls e1 knativeerrorcode=503
//	12ms recv a e1                       -> fault=reset
//	13ms send s e9                       -> err="connection refused"
//	14ms apply Sequence/s                -> refused "spec.steps: required"
//	14ms apply Sequence/s                -> refused 422 "spec.steps: required"
//	15ms status Sequence/s Ready=True gen=2 obs=2 url=http://x/ sub=http://a/
//	15ms status Trigger/t Ready=False:NoBroker:"it is gone" Note=False Note.severity=Info Ready.since=2026-01-01T00:00:00Z label.a=b
//	16ms gone Sequence/s
//	17ms delete Sequence/s
//	18ms mark updated
//	19ms settle "2 at sink"              -> timeout
//	20ms stop target "Sequence/s never became Ready"
//
// A time or a span of times begins each line; words may be quoted as in Go. What follows the id of an event are its
// attributes; `data=`, `mode=`, `bad=` and `h:Header=` set the rest, `m=` and `path=` the request, `role=` the role, and
// `-name` takes an attribute away. The id `none` stands for a message that is no event. Attempt and Number are counted.
package historytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// View parses the text and gives the view of it; every feature named is claimed. A mistake in the text fails the test.
func View(t testing.TB, text string, claims ...string) *history.View {
	t.Helper()
	p := parser{attempts: map[string]int{}, numbers: map[string]int{}}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		if err := p.line(line); err != nil {
			t.Fatalf("history line %d: %q: %v", i+1, line, err)
		}
	}
	set := map[string]bool{"core": true}
	for _, c := range claims {
		set[c] = true
	}
	p.order()
	v := history.NewView("test/hand-written", set, p.ops)
	v.Quiet = 50 * time.Millisecond
	return v
}

type parser struct {
	ops      []history.Op
	x        int64
	attempts map[string]int
	numbers  map[string]int
}

// order sorts by time, stably, as answers are written beside their requests, and numbers the ops.
func (p *parser) order() {
	for i := 1; i < len(p.ops); i++ {
		for j := i; j > 0 && p.ops[j].T < p.ops[j-1].T; j-- {
			p.ops[j], p.ops[j-1] = p.ops[j-1], p.ops[j]
		}
	}
	for i := range p.ops {
		p.ops[i].N = i + 1
		p.ops[i].Scenario = "test/hand-written"
	}
}

func (p *parser) line(line string) error {
	words, err := split(line)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return fmt.Errorf("expected a time and a verb")
	}
	from, to, spanned := strings.Cut(words[0], "..")
	begin, err := time.ParseDuration(from)
	if err != nil {
		return err
	}
	end := begin
	if spanned {
		if end, err = time.ParseDuration(to); err != nil {
			return err
		}
	}
	verb, rest := words[1], words[2:]
	var answer []string
	answered := false
	for i, w := range rest {
		if w == "->" {
			rest, answer, answered = rest[:i], rest[i+1:], true
			break
		}
	}
	switch verb {
	case "send":
		return p.exchange(history.Sent, history.Acked, begin, end, rest, answer, answered)
	case "recv":
		return p.exchange(history.Received, history.Answered, begin, end, rest, answer, answered)
	case "status":
		return p.status(begin, rest)
	}
	op := history.Op{T: begin}
	if len(rest) > 0 {
		op.Who = rest[0]
	}
	switch verb {
	case "apply":
		op.Kind = history.Applied
		if len(answer) > 0 && answer[0] == "refused" {
			op.Refused, answer = true, answer[1:]
			if len(answer) > 0 {
				if code, err := strconv.Atoi(answer[0]); err == nil {
					op.Code, answer = code, answer[1:]
				}
			}
			op.Note = strings.Join(answer, " ")
		}
	case "delete":
		op.Kind = history.Deleted
	case "gone":
		op.Kind, op.Gone = history.Status, true
	case "mark":
		op.Kind, op.Note, op.Who = history.Mark, op.Who, ""
	case "settle":
		op.Kind, op.Note, op.Who = history.Settled, op.Who, ""
		op.OK = len(answer) == 0 || answer[0] != "timeout"
	case "stop":
		op.Kind, op.Error, op.Note, op.Who = history.Stopped, op.Who, strings.Join(rest[1:], " "), ""
	default:
		return fmt.Errorf("unknown verb %q", verb)
	}
	p.ops = append(p.ops, op)
	return nil
}

func (p *parser) exchange(ask, ans history.Kind, begin, end time.Duration, rest, answer []string, answered bool) error {
	if len(rest) < 2 {
		return fmt.Errorf("expected who and an event id")
	}
	p.x++
	op := history.Op{Kind: ask, T: begin, X: p.x, Who: rest[0], Method: http.MethodPost, Header: http.Header{}}
	if err := message(&op, rest[1], rest[2:]); err != nil {
		return err
	}
	if ask == history.Received {
		key := op.Who + " " + op.Event.Key()
		p.attempts[key]++
		p.numbers[op.Who]++
		op.Attempt, op.Number = p.attempts[key], p.numbers[op.Who]
	}
	p.ops = append(p.ops, op)
	if ask == history.Received && !answered {
		answer, answered = []string{"202"}, true
	}
	if !answered {
		return nil
	}
	a := history.Op{Kind: ans, T: end, X: p.x, Who: op.Who, Role: op.Role, Header: http.Header{}}
	if len(answer) == 0 {
		return fmt.Errorf("expected an answer after ->")
	}
	if v, ok := strings.CutPrefix(answer[0], "err="); ok {
		a.Error = v
	} else if v, ok := strings.CutPrefix(answer[0], "fault="); ok {
		a.Fault = v
	} else {
		code, err := strconv.Atoi(answer[0])
		if err != nil {
			return fmt.Errorf("answer %q: expected a status code, err= or fault=", answer[0])
		}
		a.Code = code
		if len(answer) > 1 {
			if err := message(&a, answer[1], answer[2:]); err != nil {
				return err
			}
		}
	}
	p.ops = append(p.ops, a)
	return nil
}

func message(op *history.Op, id string, words []string) error {
	if id != "none" {
		op.Event = &history.Event{Mode: "binary", Size: -1, Attrs: map[string]string{
			"specversion": "1.0", "id": id, "source": "/sequitur", "type": "t",
		}}
	}
	for _, w := range words {
		if n, ok := strings.CutPrefix(w, "-"); ok && op.Event != nil {
			delete(op.Event.Attrs, n)
			continue
		}
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("word %q: expected name=value", w)
		}
		header, isHeader := strings.CutPrefix(k, "h:")
		switch {
		case isHeader:
			op.Header.Add(header, v)
		case k == "m":
			op.Method = v
		case k == "path":
			op.Path = v
		case k == "role":
			op.Role = history.Role(v)
		case op.Event == nil:
			if k != "data" {
				return fmt.Errorf("word %q: a message that is no event has no attributes", w)
			}
			op.Body = []byte(v)
		case k == "mode":
			op.Event.Mode = v
		case k == "bad":
			op.Event.Bad = v
		case k == "data":
			op.Event.Data, op.Event.Size, op.Event.Sum = []byte(v), len(v), history.Sum([]byte(v))
		default:
			op.Event.Attrs[k] = v
		}
	}
	return nil
}

func (p *parser) status(at time.Duration, words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("expected an object")
	}
	kind, name, ok := strings.Cut(words[0], "/")
	if !ok {
		return fmt.Errorf("object %q: expected Kind/name", words[0])
	}
	meta := map[string]any{"name": name, "generation": 1, "uid": "uid-" + kind + "-" + name}
	status := map[string]any{"observedGeneration": 1}
	physical := map[string]any{}
	spec := map[string]any{}
	var conditions []map[string]any
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("word %q: expected name=value", w)
		}
		switch {
		case k == "gen" || k == "obs":
			n, err := strconv.Atoi(v)
			if err != nil {
				return err
			}
			if k == "gen" {
				meta["generation"] = n
			} else {
				status["observedGeneration"] = n
			}
		case k == "url":
			status["address"] = map[string]any{"url": v}
		case k == "sub":
			physical["subscriberUri"] = v
			status["subscriberUri"] = v
		case k == "reply":
			physical["replyUri"] = v
		case k == "dls":
			physical["deadLetterSinkUri"] = v
			status["deadLetterSinkUri"] = v
		case k == "uid":
			meta["uid"] = v
		case strings.HasPrefix(k, "label."):
			labels, _ := meta["labels"].(map[string]any)
			if labels == nil {
				labels = map[string]any{}
				meta["labels"] = labels
			}
			labels[strings.TrimPrefix(k, "label.")] = v
		case k == "owner":
			ok, on, _ := strings.Cut(v, "/")
			meta["ownerReferences"] = []any{map[string]any{"kind": ok, "name": on, "uid": "uid-" + ok + "-" + on, "controller": true}}
		case k == "backing":
			bk, bn, _ := strings.Cut(v, "/")
			status["channel"] = map[string]any{"kind": bk, "name": bn}
		case strings.HasPrefix(k, "metadata."):
			meta[strings.TrimPrefix(k, "metadata.")] = value(v)
		case strings.HasPrefix(k, "spec."):
			spec[strings.TrimPrefix(k, "spec.")] = value(v)
		case strings.HasPrefix(k, "status."):
			status[strings.TrimPrefix(k, "status.")] = value(v)
		case strings.HasSuffix(k, ".severity") || strings.HasSuffix(k, ".since"):
			typ, detail, _ := strings.Cut(k, ".")
			i := slices.IndexFunc(conditions, func(c map[string]any) bool { return c["type"] == typ })
			if i < 0 {
				return fmt.Errorf("word %q: the condition %s must come first", w, typ)
			}
			conditions[i][map[string]string{"severity": "severity", "since": "lastTransitionTime"}[detail]] = v
		default: // a condition: Type=Status or Type=Status:Reason:Message
			parts := strings.SplitN(v, ":", 3)
			c := map[string]any{"type": k, "status": parts[0]}
			if len(parts) > 1 {
				c["reason"] = parts[1]
			}
			if len(parts) > 2 {
				c["message"] = parts[2]
			}
			conditions = append(conditions, c)
		}
	}
	status["conditions"] = conditions
	status["physicalSubscription"] = physical
	body, err := json.Marshal(map[string]any{"kind": kind, "metadata": meta, "spec": spec, "status": status})
	if err != nil {
		return err
	}
	p.ops = append(p.ops, history.Op{Kind: history.Status, T: at, Who: words[0], Shown: body})
	return nil
}

// value reads JSON; what is none is a text.
func value(text string) any {
	var x any
	if json.Unmarshal([]byte(text), &x) != nil {
		return text
	}
	return x
}

// split cuts a line at blanks; a part in double quotes may hold blanks and Go escapes.
func split(line string) ([]string, error) {
	var words []string
	var cur strings.Builder
	in := false
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == '"':
			q, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return nil, fmt.Errorf("quote at %d: %w", i, err)
			}
			s, err := strconv.Unquote(q)
			if err != nil {
				return nil, err
			}
			cur.WriteString(s)
			in = true
			i += len(q)
		case c == ' ' || c == '\t':
			if in {
				words = append(words, cur.String())
				cur.Reset()
				in = false
			}
			i++
		default:
			cur.WriteByte(c)
			in = true
			i++
		}
	}
	if in {
		words = append(words, cur.String())
	}
	return words, nil
}
