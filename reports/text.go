package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sequitur-dev/sequitur/conformance/verdict"
	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// TextOptions say for what kind of terminal to write.
type TextOptions struct {
	Color bool // ANSI colours; leave it off if the output is no terminal
	Width int  // columns to wrap at; 0 means 100, and less than 60 is taken as 60
}

// maxTimeline is the number of lines of a timeline shown on a terminal; report.json has all.
const maxTimeline = 24

// WriteText writes a finished report for people: a table by profile, the coverage, each problem with its evidence, the
// readings, and the verdict in the last line. What a target said is stripped of control characters.
func WriteText(w io.Writer, r *Report, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	p := &printer{color: o.Color, width: max(o.Width, 60)}
	p.head(r)
	p.table(r)
	p.scope(r)
	for results := range byRequirement(bySeverity(r.Results)) {
		p.block(results)
	}
	p.uncounted(r)
	p.readings(r)
	p.last(r)
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// Describe writes one result as WriteText shows a problem, without colour.
func Describe(r Result) string {
	p := &printer{width: 100}
	p.block([]Result{r})
	return strings.Trim(p.b.String(), "\n")
}

type printer struct {
	b     strings.Builder
	color bool
	width int
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

// look is the mark and the colour of a verdict.
func look(v verdict.Verdict) (mark, color string) {
	switch v {
	case verdict.Passed:
		return "✓", terminal.Green
	case verdict.NotSupported, verdict.Untested:
		return "-", terminal.Dim
	case verdict.Flaky, verdict.Inconclusive:
		return "?", terminal.Yellow
	case verdict.Failed:
		return "✗", terminal.Red
	}
	return "!", terminal.Magenta
}

func (p *printer) head(r *Report) {
	var parts []string
	for _, s := range []string{
		strings.TrimSpace(cmp.Or(r.Tool.Name, "sequitur") + " " + r.Tool.Version),
		strings.TrimSpace(r.Target.Name + " " + r.Target.Version),
		fmt.Sprintf("%.1f s", r.Run.Seconds),
		fmt.Sprintf("seed %d", r.Run.Seed),
	} {
		if s != "" {
			parts = append(parts, terminal.OneLine(s))
		}
	}
	p.line(p.style(strings.Join(parts, " · "), terminal.Dim))
	p.line()
}

// A row of the table counts each requirement once, under what it did to the verdict. That differs from Summary.Counts for
// what is not counted, and for unexpected passes, which count as failed.
const notCounted = "not-counted"

func tableRows(r *Report) map[string]map[string]int {
	rows := map[string]map[string]int{}
	for results := range byRequirement(r.Results) {
		o := judge(results)
		column := o.verdict.String()
		worst := verdict.Passed
		for _, v := range o.counted {
			worst = max(worst, v)
		}
		switch {
		case isProblem(worst):
			column = worst.String()
		case o.uncounted:
			column = notCounted
		}
		for _, row := range append(slices.Clone(results[0].Profiles), "") { // "" for all
			if rows[row] == nil {
				rows[row] = map[string]int{}
			}
			rows[row][column]++
		}
	}
	return rows
}

func (p *printer) table(r *Report) {
	counts := tableRows(r)
	type row struct {
		name, key string
		verdict   verdict.Verdict
	}
	var rows []row
	width := len("profile")
	for _, s := range r.Summary.Profiles {
		rows = append(rows, row{terminal.OneLine(s.Name), s.Name, s.Verdict})
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return r.name == "full" }) {
		rows = append(rows, row{"all", "", r.Summary.Verdict})
	}
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(row.name))
	}

	type column struct{ name, color string }
	var columns []column
	for _, v := range []verdict.Verdict{
		verdict.Passed, verdict.Failed, verdict.HarnessError, verdict.Inconclusive, verdict.Flaky, verdict.NotSupported, verdict.Untested,
	} {
		// These two are too rare to take room when there are none.
		if (v == verdict.Flaky || v == verdict.HarnessError) && counts[""][v.String()] == 0 {
			continue
		}
		_, color := look(v)
		columns = append(columns, column{v.String(), color})
	}
	if counts[""][notCounted] > 0 {
		columns = append(columns, column{notCounted, terminal.Yellow})
	}

	head := "  " + terminal.Fit("profile", width)
	for _, c := range columns {
		head += "  " + c.name
	}
	p.line(p.style(head, terminal.Dim))
	for _, row := range rows {
		mark, color := look(row.verdict)
		if row.verdict == verdict.Untested && counts[row.key][verdict.Passed.String()] > 0 {
			mark, color = "~", terminal.Yellow // all well so far, but not complete
		}
		line := p.style(mark, color) + " " + terminal.Fit(row.name, width)
		for _, c := range columns {
			cell, color := "·", terminal.Dim
			if n := counts[row.key][c.name]; n > 0 {
				cell, color = fmt.Sprint(n), c.color
			}
			line += "  " + strings.Repeat(" ", len(c.name)-utf8.RuneCountInString(cell)) + p.style(cell, color)
		}
		p.line(line)
	}
	p.line()
}

func (p *printer) scope(r *Report) {
	c := r.Summary.Coverage
	text := fmt.Sprintf("%d of %d requirements judged (%.1f %%)", c.Judged, c.Requirements, 100*c.Ratio)
	unsupported, untested := r.Summary.Counts[verdict.NotSupported.String()], r.Summary.Counts[verdict.Untested.String()]
	for _, more := range []struct { // by the names that the columns of the table have
		n    int
		what string
	}{{c.Unclear, "unclear"}, {unsupported, verdict.NotSupported.String()}, {untested, verdict.Untested.String()}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if excused := untested - c.Untested; excused > 0 {
		text += fmt.Sprintf(" (%d excused)", excused)
	}
	p.row("coverage", text)
	disclaimed := map[string]int{}
	var foreign []string // claimed, and yet no concern of a target like this one
	for results := range byRequirement(r.Results) {
		switch first := results[0]; {
		case judge(results).verdict != verdict.NotSupported:
		case slices.Contains(r.Target.Claims, first.Feature):
			foreign = append(foreign, terminal.OneLine(first.Requirement))
		default:
			disclaimed[first.Feature]++
		}
	}
	var features []string
	for feature, n := range disclaimed {
		features = append(features, fmt.Sprintf("%s (%d)", terminal.OneLine(feature), n))
	}
	slices.Sort(features)
	p.row("unclaimed", strings.Join(features, ", "))
	p.row("n/a", strings.Join(foreign, ", "))
}

// bySeverity returns the counted problems, requirements with the gravest verdict first.
func bySeverity(results []Result) []Result {
	worst := map[string]verdict.Verdict{}
	var problems []Result
	for _, r := range results {
		if counts(r) && isProblem(r.Verdict) {
			problems = append(problems, r)
			worst[r.Requirement] = max(worst[r.Requirement], r.Verdict)
		}
	}
	slices.SortStableFunc(problems, func(a, b Result) int {
		return cmp.Or(
			-cmp.Compare(worst[a.Requirement], worst[b.Requirement]),
			cmp.Compare(a.Requirement, b.Requirement),
			-cmp.Compare(a.Verdict, b.Verdict),
		)
	})
	return problems
}

// block shows the problems of one requirement.
func (p *printer) block(results []Result) {
	first := results[0]
	mark, color := look(first.Verdict)
	p.line()
	p.line(p.style(mark+" "+terminal.OneLine(first.Requirement), terminal.Bold, color), " ", p.style(first.Verdict.String(), color),
		p.style(" · "+terminal.OneLine(strings.Trim(first.Level+" · "+first.Feature, " ·")), terminal.Dim))
	if first.Statement != "" {
		for _, line := range terminal.Wrap(terminal.Clean(first.Statement), p.width-2) {
			p.line("  ", line)
		}
	}
	for i, r := range results {
		if i > 0 {
			p.line()
		}
		for _, row := range rows(r) {
			if row.label == "statement" || row.label == "source" && i > 0 {
				continue
			}
			p.row(row.label, row.text)
		}
		for j, line := range timeline(r.Timeline, maxTimeline) {
			p.line(p.label(onFirst(j, "timeline")), p.style(line, terminal.Dim))
		}
		if r.Repro != "" { // never wrapped, so that it can be copied
			p.line(p.label("rerun"), p.style(terminal.OneLine(r.Repro), terminal.Bold))
		}
	}
}

// labelled is a paragraph with a name.
type labelled struct{ label, text string }

// rows are the paragraphs of a result that have text.
func rows(r Result) []labelled {
	scenario := ""
	if r.Scenario != "" {
		scenario = fmt.Sprintf("%s (%.2f s)", r.Scenario, r.Seconds)
	}
	found := r.Message
	if r.Expected != "" && r.Seen != "" {
		found = "" // it says the same in one sentence
	}
	all := []labelled{
		{"statement", r.Statement}, {"source", r.Source}, {"scenario", scenario},
		{"found", found}, {"expected", r.Expected}, {"seen", r.Seen}, {"reason", r.Reason},
	}
	var some []labelled
	for _, row := range all {
		if row.text = strings.TrimSpace(terminal.Clean(row.text)); row.text != "" {
			some = append(some, row)
		}
	}
	return some
}

const labelWidth = 10

func (p *printer) label(s string) string {
	return "  " + p.style(s, terminal.Dim) + strings.Repeat(" ", labelWidth-len(s))
}

func (p *printer) row(label, text string) {
	if text == "" {
		return
	}
	for i, line := range terminal.Wrap(text, p.width-2-labelWidth) {
		p.line(p.label(onFirst(i, label)), line)
	}
}

func (p *printer) uncounted(r *Report) {
	if len(r.Summary.Uncounted) > 0 {
		p.line()
		p.line(p.style("not counted", terminal.Dim))
	}
	for _, result := range r.Results {
		if !counts(result) && isProblem(result.Verdict) {
			mark, color := look(result.Verdict)
			text := fmt.Sprintf("%s (%s)", result.Verdict, uncountedBecause(result))
			if found := cmp.Or(terminal.OneLine(result.Message), terminal.OneLine(result.Seen)); found != "" {
				text += ": " + found
			}
			p.item(mark, color, result.Requirement, text)
		}
	}
	if len(r.Summary.UnexpectedPasses) > 0 {
		p.line()
		p.line(p.style("passed, but listed as failing: take them off the list", terminal.Red))
		for _, id := range r.Summary.UnexpectedPasses {
			p.item("✗", terminal.Red, id, "")
		}
	}
}

func (p *printer) item(mark, color, id, text string) {
	lines := terminal.Wrap(text, p.width-2-labelWidth)
	for i, line := range lines {
		if i == 0 {
			p.line(p.style(mark, color), " ", terminal.Fit(id, labelWidth), line)
		} else {
			p.line("  ", strings.Repeat(" ", labelWidth), line)
		}
	}
}

// readings tells the answers that were seen, and of which questions none was.
func (p *printer) readings(r *Report) {
	if len(r.Readings) == 0 {
		return
	}
	p.line()
	p.line(p.style("readings: what it does where texts differ or are silent; not judged", terminal.Dim))
	var unseen []string
	for _, x := range r.Readings {
		if x.Answer == "" {
			unseen = append(unseen, x.Requirement)
			continue
		}
		p.item("·", terminal.Dim, terminal.OneLine(x.Requirement), terminal.OneLine(x.Question)+" → "+terminal.OneLine(x.Answer))
	}
	p.row("not seen", terminal.OneLine(strings.Join(slices.Compact(unseen), ", ")))
}

// last is the verdict in one line.
func (p *printer) last(r *Report) {
	var ids []string // of the requirements that made the verdict
	for results := range byRequirement(r.Results) {
		if slices.ContainsFunc(results, func(x Result) bool { return counts(x) && x.Verdict == r.Summary.Verdict }) {
			ids = append(ids, results[0].Requirement)
		}
	}
	n, judged := len(ids), r.Summary.Coverage.Judged
	var word, text string
	switch r.Summary.Verdict {
	case verdict.Passed:
		word, text = "conforms", plural(tableRows(r)[""][verdict.Passed.String()], "requirement")+" passed, none deviates"
		if u := len(r.Summary.Uncounted); u > 0 {
			text += fmt.Sprintf(", %d not counted", u)
		}
	case verdict.Failed:
		word = "does not conform"
		var parts []string
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s failed (%s)", plural(n, "requirement"), some(ids)))
		}
		if u := r.Summary.UnexpectedPasses; len(u) > 0 {
			parts = append(parts, fmt.Sprintf("%s passed unexpectedly (%s)", plural(len(u), "requirement"), some(u)))
		}
		text = strings.Join(parts, ", ")
	case verdict.HarnessError:
		word, text = "harness error", fmt.Sprintf("%s could not be observed reliably (%s)", plural(n, "requirement"), some(ids))
	default:
		word = r.Summary.Verdict.String()
		switch {
		case n > 0:
			text = fmt.Sprintf("%s without a clear result (%s)", plural(n, "requirement"), some(ids))
		case judged == 0:
			text = "nothing was judged"
		default:
			text = "the run is not complete"
		}
	}
	if r.Run.Interrupted {
		text += "; interrupted"
	}
	mark, color := look(r.Summary.Verdict)
	p.line()
	p.line(p.style(mark+" "+word, terminal.Bold, color), ": ", text, p.style(fmt.Sprintf(" · exit %d", r.Summary.ExitCode), terminal.Dim))
}

// some is the beginning of a list of ids.
func some(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// timeline aligns moments in columns. With a limit, the middle of a longer timeline is left out: the beginning says how
// the event came in, the end how it went wrong.
func timeline(moments []Moment, limit int) []string {
	cut, skipped := 0, 0
	if limit > 0 && len(moments) > limit {
		cut, skipped = limit/3, len(moments)-limit
		moments = slices.Concat(moments[:cut], moments[cut+skipped:])
	}
	grid := make([][]string, len(moments))
	var widths [6]int
	for i, m := range moments {
		attempt := terminal.OneLine(m.Attempt)
		if attempt != "" {
			attempt = "#" + attempt
		}
		grid[i] = []string{
			fmt.Sprintf("%.3f s", m.At), terminal.OneLine(m.Who), terminal.OneLine(m.What), terminal.OneLine(m.Event), attempt, terminal.OneLine(m.Status), // the status last: it may be long
		}
		for c, cell := range grid[i] {
			widths[c] = max(widths[c], utf8.RuneCountInString(cell))
		}
	}
	var lines []string
	for i, cells := range grid {
		if skipped > 0 && i == cut {
			lines = append(lines, fmt.Sprintf("… %d more in report.json", skipped))
		}
		var b strings.Builder
		for c, cell := range cells {
			if widths[c] == 0 {
				continue
			}
			if c == 0 { // numbers to the right
				b.WriteString(strings.Repeat(" ", widths[c]-utf8.RuneCountInString(cell)) + cell)
				continue
			}
			b.WriteString("  " + terminal.Fit(cell, widths[c]))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func onFirst(i int, s string) string {
	if i == 0 {
		return s
	}
	return ""
}
