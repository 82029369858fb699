package load

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// TextOptions says how WriteText looks.
type TextOptions struct {
	Color bool
	Width int // columns, 0 for 100, at least 60
}

// WriteText writes the summary that a person reads at a terminal; the verdict is its last line.
func WriteText(w io.Writer, r *Result, o TextOptions) error {
	p := newPrinter(o.Color, o.Width)
	p.head(r)
	p.trials(r)
	p.flow(r)
	p.latencies(r)
	p.receivers(r)
	p.waterfalls(r)
	p.series(r)
	p.generator(r)
	p.objectives(r)
	p.verdict(r)
	return p.flush(w, "write summary")
}

type printer struct {
	b     strings.Builder
	color bool
	width int
}

func newPrinter(color bool, width int) *printer {
	return &printer{color: color, width: max(cmp.Or(width, 100), 60)}
}

func (p *printer) flush(w io.Writer, doing string) error {
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (p *printer) style(text string, codes ...string) string {
	if !p.color {
		return text
	}
	return terminal.Style(text, codes...)
}

func (p *printer) line(parts ...string) {
	p.b.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	p.b.WriteByte('\n')
}

const labelWidth = 14

// row is a paragraph with a name.
func (p *printer) row(label, text string) {
	if text == "" {
		return
	}
	for _, line := range terminal.Wrap(text, p.width-2-labelWidth) {
		p.line("  ", p.style(label, terminal.Dim), terminal.Fit("", labelWidth-utf8.RuneCountInString(label)), line)
		label = ""
	}
}

// list is a paragraph with a name that breaks between its items alone. Those that tell of trouble have a colour.
func (p *printer) list(label string, items ...cell) {
	begin := func(label string) {
		p.b.WriteString("  " + p.style(label, terminal.Dim) + terminal.Fit("", labelWidth-utf8.RuneCountInString(label)))
	}
	used, first := 0, true
	for _, item := range items {
		n := utf8.RuneCountInString(item.text)
		switch {
		case n == 0:
			continue
		case first:
			begin(label)
		case used+3+n > p.width-2-labelWidth:
			p.b.WriteByte('\n')
			begin("")
			used = 0
		default:
			p.b.WriteString(" · ")
			used += 3
		}
		text := item.text
		if item.color != "" {
			text = p.style(text, item.color)
		}
		p.b.WriteString(text)
		used, first = used+n, false
	}
	if !first {
		p.b.WriteByte('\n')
	}
}

func (p *printer) title(text string) {
	p.line()
	p.line(p.style(text, terminal.Dim))
}

// cell is one field of a table.
type cell struct {
	text  string
	color string
}

// table aligns columns: those of text to the left, those of numbers to the right. Columns that do not fit are left out.
func (p *printer) table(head []string, rows [][]cell, left int) {
	widths := make([]int, len(head))
	for i, h := range head {
		widths[i] = utf8.RuneCountInString(h)
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i].text))
		}
	}
	columns, used := 0, 0
	for _, w := range widths {
		if used += w + 2; used > p.width && columns > 1 {
			break
		}
		columns++
	}
	line := func(each func(i int) cell) string {
		var b strings.Builder
		for i := range columns {
			c := each(i)
			b.WriteString("  ")
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			text := c.text
			if c.color != "" {
				text = p.style(text, c.color)
			}
			if i < left {
				b.WriteString(text + pad)
			} else {
				b.WriteString(pad + text)
			}
		}
		return b.String()
	}
	p.line(line(func(i int) cell { return cell{head[i], terminal.Dim} }))
	for _, r := range rows {
		p.line(line(func(i int) cell { return r[i] }))
	}
}

// look is the mark and the colour of a verdict.
func look(v Verdict) (mark, color string) {
	switch v {
	case Met:
		return "✓", terminal.Green
	case Missed:
		return "✗", terminal.Red
	case Measured:
		return "·", terminal.Bold
	case Interrupted:
		return "?", terminal.Yellow
	}
	return "!", terminal.Magenta
}

func (p *printer) head(r *Result) {
	p.parts(strings.TrimSpace(cmp.Or(r.Tool.Name, "sequitur")+" "+r.Tool.Version), "load "+r.Scenario.Name,
		strings.TrimSpace(r.Target.Name+" "+r.Target.Version), r.Target.Driver)
	workers := ""
	if r.Run.Workers > 1 {
		workers = fmt.Sprintf("%d workers", r.Run.Workers)
	}
	p.parts(r.Run.Driver, r.Run.Schedule, seconds(r.Run.Duration)+" after "+seconds(r.Run.WarmUp)+" of warm-up", "drained in "+seconds(r.Run.Drain),
		workers, fmt.Sprintf("seed %d", r.Run.Seed))
	var set []string
	for path, value := range r.Scenario.Set {
		set = append(set, terminal.OneLine(path)+"="+terminal.OneLine(value))
	}
	slices.Sort(set)
	p.parts(set...)
}

func (p *printer) parts(all ...string) {
	var some []string
	for _, s := range all {
		if s = terminal.OneLine(s); s != "" {
			some = append(some, s)
		}
	}
	for _, line := range terminal.Wrap(strings.Join(some, " · "), p.width) {
		if line != "" {
			p.line(p.style(line, terminal.Dim))
		}
	}
}

func (p *printer) trials(r *Result) {
	if s := r.Search; s != nil {
		p.title("search for the highest rate that is sustained")
		p.trialTable("", nil, s.Trials)
		found := "none was sustained"
		if s.Rate > 0 {
			found = fmt.Sprintf("%s, 95 %% interval %s to %s", rate(s.Rate), rate(s.Low), rate(s.High))
		}
		p.row("found", found)
		p.row("limit", terminal.OneLine(s.Reason))
	}
	if s := r.Sweep; s != nil {
		p.title("sweep of " + terminal.OneLine(s.Path) + "; what follows is about the last value")
		var values []string
		var trials []Trial
		for _, point := range s.Points {
			values, trials = append(values, terminal.OneLine(point.Value)), append(trials, point.Trial)
		}
		p.trialTable(terminal.OneLine(s.Path), values, trials)
	}
	if len(r.Repeats) > 0 {
		p.title(fmt.Sprintf("%d repeats; what follows is about the last one", len(r.Repeats)))
		p.trialTable("", nil, r.Repeats)
	}
}

func (p *printer) trialTable(path string, values []string, trials []Trial) {
	head := []string{"", "asked", "acked", "delivered", "p50", "p99", "p99.9", "backlog", "errors", "lost"}
	if values != nil {
		head[0] = path
	}
	var rows [][]cell
	for i, t := range trials {
		mark, color := look(t.Verdict)
		first := mark
		if values != nil {
			first += " " + values[i]
		}
		rows = append(rows, []cell{
			{first, color}, {text: rate(t.Rate)}, {text: rate(t.Acked)}, {text: rate(t.Delivered)}, {text: seconds(t.P50)}, {text: seconds(t.P99)},
			{text: seconds(t.P999)}, {text: signed(t.BacklogSlope)}, bad(t.Errors), bad(t.Lost),
		})
	}
	p.table(head, rows, 1)
	for i, t := range trials {
		if t.Reason != "" {
			name := rate(t.Rate)
			if values != nil {
				name = values[i]
			}
			p.row("", name+": "+terminal.OneLine(t.Reason))
		}
	}
}

// bad is a count that should be 0.
func bad(n uint64) cell {
	if n == 0 {
		return cell{"0", terminal.Dim}
	}
	return cell{count(n), terminal.Red}
}

func (p *printer) flow(r *Result) {
	p.title("events")
	p.list("rates", cell{text: rate(r.Rates.Offered) + " offered"}, cell{text: rate(r.Rates.Acked) + " acknowledged"},
		cell{text: rate(r.Rates.Delivered) + " delivered"}, cell{text: "backlog " + signed(r.Rates.BacklogSlope)})
	e := r.Events
	p.fates("sent", e.Sent, []fate{
		{e.Acked, "acknowledged", ""}, {e.Refused, "refused", terminal.Yellow}, {e.Throttled, "throttled (429)", terminal.Yellow},
		{e.ServerErrors, "server errors", terminal.Red}, {e.Unknown, "without an answer", terminal.Yellow},
		{e.Unanswered, "unanswered at the end", terminal.Yellow},
	})
	p.fates("acknowledged", e.Acked, []fate{
		{e.Delivered, "delivered", ""}, {e.DeadLettered, "dead-lettered", terminal.Yellow}, {e.Lost, "lost", terminal.Red},
		{e.UnderWay, "under way", terminal.Yellow}, {e.Undirected, "for nobody", ""},
	})
	p.fates("no 2xx", e.Unknown+e.Unanswered, []fate{{e.Recovered, "received", ""}, {e.Vanished, "not received", ""}})
	var wrong []cell
	for _, f := range []fate{
		{e.Duplicated, "duplicated", terminal.Red}, {e.Reordered, "reordered", terminal.Yellow}, {e.WrongFanOut, "to the wrong receivers", terminal.Red},
		{e.NeverSent, "that nobody sent", terminal.Red}, {e.RefusedDelivered, "refused and yet delivered", terminal.Red},
	} {
		if f.n > 0 {
			wrong = append(wrong, cell{count(f.n) + " " + f.what, f.color})
		}
	}
	if wrong == nil {
		wrong = []cell{{"nothing duplicated, reordered, misdirected or invented", terminal.Dim}}
	}
	p.list("also", wrong...)
}

// fate is how many events came to what.
type fate struct {
	n     uint64
	what  string
	color string // of a fate that nobody wishes
}

// fates shows what becomes of all, the first fate always, the others if there are any.
func (p *printer) fates(label string, all uint64, fates []fate) {
	if all == 0 {
		return
	}
	var parts []cell
	for i, f := range fates {
		if f.n == 0 && i > 0 {
			continue
		}
		text := fmt.Sprintf("%s %s", count(f.n), f.what)
		if f.n != all {
			text += fmt.Sprintf(" (%s)", percent(float64(f.n)/float64(all)))
		}
		if i == 0 {
			text = count(all) + " → " + text
		}
		parts = append(parts, cell{text, f.color})
	}
	p.list(label, parts...)
}

func (p *printer) latencies(r *Result) {
	p.title("latency from the intended send time")
	row := func(name string, l Latency) []cell {
		return []cell{
			{text: name}, {text: count(l.Count)}, {text: quantile(l, l.P50)}, {text: quantile(l, l.P90)}, {text: quantile(l, l.P99)},
			{text: quantile(l, l.P999)}, {text: quantile(l, l.Max)}, {text: quantile(l, l.Mean)}, {text: quantile(l, l.P95)}, {text: quantile(l, l.P9999)},
		}
	}
	p.table([]string{terminal.Fit("to", 12), "events", "p50", "p90", "p99", "p99.9", "max", "mean", "p95", "p99.99"},
		[][]cell{row("receipt", r.Delivery), row("2xx", r.Ack)}, 1)
	if b := r.Run.ClockBound; b > 0 {
		p.row("", fmt.Sprintf("clocks of senders and receivers may be %s apart", seconds(b)))
	}
}

func quantile(l Latency, value float64) string {
	if l.Count == 0 {
		return "–"
	}
	return seconds(value)
}

// receivers are told one by one when there are few, and else those at which something went wrong.
func (p *printer) receivers(r *Result) {
	const few = 12
	shown := r.Receivers
	if len(shown) > few {
		shown = slices.DeleteFunc(slices.Clone(shown), func(x Receiver) bool {
			return x.Lost == nil && x.Duplicated == nil && x.Unexpected == nil && x.NeverSent == nil && x.Strays == 0 && len(x.Failed) == 0
		})
		shown = shown[:min(few, len(shown))]
	}
	if len(r.Receivers) == 0 {
		return
	}
	title := "receivers"
	if len(shown) < len(r.Receivers) {
		title = fmt.Sprintf("receivers: %d of %d, those at which something went wrong", len(shown), len(r.Receivers))
		if len(shown) == 0 {
			title = fmt.Sprintf("receivers: all of %d got what they should", len(r.Receivers))
		}
	}
	p.title(title)
	var rows [][]cell
	for _, x := range shown {
		rows = append(rows, []cell{
			{text: terminal.OneLine(x.Name)}, {terminal.OneLine(x.Kind), terminal.Dim}, {text: count(x.Receipts)}, {text: count(x.Delivered)},
			bad(of(x.Lost)), bad(x.Duplicates), bad(of(x.Unexpected) + of(x.NeverSent)),
			{text: quantile(x.Delivery, x.Delivery.P50)}, {text: quantile(x.Delivery, x.Delivery.P99)},
			{text: quantile(x.Service, x.Service.P50)}, {text: quantile(x.Transit, x.Transit.P50)}, {text: count(x.Order.Reordered)},
		})
	}
	if rows == nil {
		return
	}
	p.table([]string{"", "", "receipts", "events", "lost", "dup.", "wrong", "p50", "p99", "service", "transit", "reordered"}, rows, 2)
	for _, x := range shown {
		p.row("", attempts(x))
		for _, l := range []struct {
			what string
			*Listing
		}{{"lost", x.Lost}, {"duplicated", x.Duplicated}, {"not for it", x.Unexpected}, {"never sent", x.NeverSent}} {
			if l.Listing != nil {
				p.row("", fmt.Sprintf("%s: %s: %s", terminal.OneLine(x.Name), l.what, ranges(*l.Listing)))
			}
		}
	}
}

// attempts says how many tries deliveries to a receiver took, empty if one was enough.
func attempts(x Receiver) string {
	if len(x.Attempts) < 2 && len(x.Failed) == 0 {
		return ""
	}
	var parts []string
	for i, n := range x.Attempts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s at attempt %d", count(n), i+1))
		}
	}
	for i, n := range x.Failed {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s never, after %d", count(n), i+1))
		}
	}
	return terminal.OneLine(x.Name) + ": accepted " + strings.Join(parts, ", ")
}

func of(l *Listing) uint64 {
	if l == nil {
		return 0
	}
	return l.Count
}

// ranges is the beginning of a listing: "3 (source 0: 12, 40–41)".
func ranges(l Listing) string {
	const most = 5
	var parts []string
	source := -1
	for i, r := range l.Ranges {
		if i == most {
			break
		}
		text := strconv.FormatUint(r.First, 10)
		if r.Last != r.First {
			text += "–" + strconv.FormatUint(r.Last, 10)
		}
		if r.Source != source {
			text, source = fmt.Sprintf("source %d: %s", r.Source, text), r.Source
		}
		parts = append(parts, text)
	}
	if len(l.Ranges) > most || l.More > 0 {
		parts = append(parts, "… more in load.json")
	}
	return fmt.Sprintf("%s (%s)", count(l.Count), strings.Join(parts, ", "))
}

// waterfalls shows where the time goes, a bar for each part on one scale; the target's own share is full.
func (p *printer) waterfalls(r *Result) {
	for _, w := range r.Waterfall {
		p.title(fmt.Sprintf("where the time goes: %s, %s of %s", terminal.OneLine(w.Name), seconds(w.Mean), events(w.Events)))
		name, figure := 0, 6
		for _, part := range w.Parts {
			name = max(name, utf8.RuneCountInString(terminal.OneLine(part.Name)))
			figure = max(figure, utf8.RuneCountInString(percent(share(part.Mean, w.Mean))))
		}
		name = min(name, p.width/2)
		figures := 2 + 9 + 1 + figure
		room := max(8, min(60, p.width-2-name-figures-2))
		began := 0.0
		for _, part := range w.Parts {
			bar, color := "█", terminal.Cyan
			switch {
			case part.Service:
				bar, color = "░", terminal.Dim
			case part.Name == Lateness:
				bar, color = "▒", terminal.Yellow
			}
			from := int(math.Round(share(began, w.Mean) * float64(room)))
			began += part.Mean
			to := int(math.Round(share(began, w.Mean) * float64(room)))
			if to == from && part.Mean > 0 {
				bar, to = "▏", from+1
			}
			p.line("  ", terminal.Fit(terminal.OneLine(part.Name), name), terminal.Right(seconds(part.Mean), 9),
				" ", terminal.Right(percent(share(part.Mean, w.Mean)), figure), "  ", strings.Repeat(" ", from), p.style(strings.Repeat(bar, to-from), color))
		}
	}
	if len(r.Waterfall) > 0 {
		p.line("  ", p.style("█ the target  ░ the receivers  ▒ the one who measured", terminal.Dim))
	}
}

func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return min(1, max(0, part/whole))
}

func (p *printer) series(r *Result) {
	if len(r.Series) < 2 {
		return
	}
	p.title("over time")
	width := min(p.width-2-labelWidth-30, 60)
	for _, line := range []struct {
		name  string
		value func(Interval) float64
		tell  func(float64) string
	}{
		{"delivered", func(i Interval) float64 { return perSecond(i.Delivered, i) }, rate},
		{"in flight", func(i Interval) float64 { return float64(i.InFlight) }, func(x float64) string { return count(uint64(x)) }},
		{"p99", func(i Interval) float64 { return i.P99 }, seconds},
	} {
		values := make([]float64, len(r.Series))
		for i, x := range r.Series {
			values[i] = line.value(x)
		}
		p.line("  ", p.style(terminal.Fit(line.name, labelWidth), terminal.Dim), spark(values, width), "  ",
			p.style("at most "+line.tell(slices.Max(values)), terminal.Dim))
	}
}

func perSecond(n uint64, i Interval) float64 {
	if i.Seconds <= 0 {
		return 0
	}
	return float64(n) / i.Seconds
}

// spark draws values as bars from 0 to the highest; neighbours share a column, by their highest, if there are too many.
func spark(values []float64, width int) string {
	const bars = "▁▂▃▄▅▆▇█"
	top := slices.Max(values)
	columns := min(width, len(values))
	var b strings.Builder
	for c := range columns {
		v := slices.Max(values[c*len(values)/columns : (c+1)*len(values)/columns])
		level := int(math.Round(share(v, top) * 7))
		b.WriteString(string([]rune(bars)[level]))
	}
	return b.String()
}

func (p *printer) generator(r *Result) {
	p.title("the one who measured")
	g := r.Generator
	parts := []cell{{text: fmt.Sprintf("began %s of %s asked (%s)", rate(g.Achieved), rate(g.Asked), percent(ratio(g.Achieved, g.Asked)))}}
	if g.Lateness.Count > 0 {
		parts = append(parts, cell{text: fmt.Sprintf("late by %s (p50), %s (p99)", seconds(g.Lateness.P50), seconds(g.Lateness.P99))})
	}
	if g.CPU >= 0 {
		parts = append(parts, cell{text: percent(g.CPU) + " of the machine's CPU"})
	}
	if g.Peak > 0 {
		parts = append(parts, cell{text: size(g.Peak) + " of memory at most"})
	}
	p.list("generator", parts...)
	m := r.Machine
	parts = []cell{{text: strings.Trim(terminal.OneLine(m.OS)+"/"+terminal.OneLine(m.Arch), "/")}, {text: terminal.OneLine(m.CPU)},
		{text: fmt.Sprintf("%d cores", m.Cores)}, {text: fmt.Sprintf("load %.2f", m.LoadAverage)}}
	if m.GOMAXPROCS != m.Cores {
		parts = append(parts, cell{text: fmt.Sprintf("GOMAXPROCS %d", m.GOMAXPROCS)})
	}
	if m.OtherCPU >= 0 {
		parts = append(parts, cell{text: "others took " + percent(m.OtherCPU)})
	}
	p.list("machine", parts...)
	for _, note := range r.Notes {
		p.row("note", terminal.OneLine(note))
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

func (p *printer) objectives(r *Result) {
	if len(r.Objectives) == 0 {
		return
	}
	p.title("objectives")
	width := 0
	for _, o := range r.Objectives {
		width = max(width, utf8.RuneCountInString(terminal.OneLine(o.Text)))
	}
	for _, o := range r.Objectives {
		v := Missed
		if o.Met {
			v = Met
		}
		mark, color := look(v)
		p.line("  ", p.style(mark, color), " ", terminal.Fit(terminal.OneLine(o.Text), width), "  ", p.style(terminal.OneLine(o.Value), color))
	}
}

func (p *printer) verdict(r *Result) {
	mark, color := look(r.Verdict)
	word, why := terminal.OneLine(string(r.Verdict)), terminal.OneLine(r.Reason)
	if why != "" {
		why = ": " + why
	}
	lines := terminal.Wrap(word+why, p.width-2)
	p.line()
	p.line(p.style(mark+" "+word, terminal.Bold, color), strings.TrimPrefix(lines[0], word))
	for _, line := range lines[1:] {
		p.line("  ", line)
	}
}

// seconds tells a duration with three digits: "850 µs", "12.3 ms", "4.5 s".
func seconds(s float64) string {
	abs := math.Abs(s)
	switch {
	case abs == 0:
		return "0 s"
	case abs < 0.9995e-3:
		return digits(s*1e6) + " µs"
	case abs < 0.9995:
		return digits(s*1e3) + " ms"
	case abs < 999.5:
		return digits(s) + " s"
	}
	return number(s, 0) + " s"
}

// digits writes a number below 1000 with three digits.
func digits(x float64) string {
	switch abs := math.Abs(x); {
	case abs < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case abs < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

func rate(perSecond float64) string {
	if math.Abs(perSecond) < 100 {
		return number(perSecond, 1) + "/s"
	}
	return number(perSecond, 0) + "/s"
}

func signed(perSecond float64) string {
	text := rate(perSecond)
	if strings.Trim(text, "-0./s") == "" {
		return "steady"
	}
	if perSecond > 0 {
		return "+" + text
	}
	return text
}

// percent never rounds to 100 % or 0 % what is not.
func percent(share float64) string {
	text := strconv.FormatFloat(100*share, 'f', 1, 64)
	for prec := 2; prec < 6 && (share < 1 && text == "100."+strings.Repeat("0", prec-1) || share > 0 && strings.Trim(text, "0.") == ""); prec++ {
		text = strconv.FormatFloat(100*share, 'f', prec, 64)
	}
	return strings.TrimSuffix(text, ".0") + " %"
}

func events(n uint64) string {
	if n == 1 {
		return "1 event"
	}
	return count(n) + " events"
}

func count(n uint64) string { return group(strconv.FormatUint(n, 10)) }

func number(x float64, decimals int) string { return group(strconv.FormatFloat(x, 'f', decimals, 64)) }

// group sets a comma between thousands.
func group(text string) string {
	sign, rest := "", text
	if strings.HasPrefix(text, "-") {
		sign, rest = "-", text[1:]
	}
	whole, fraction, found := strings.Cut(rest, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}

func size(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(bytes)/(1<<30))
}
