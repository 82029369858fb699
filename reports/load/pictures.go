package load

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sequitur-dev/sequitur/reports/terminal"
)

// Picture is one picture of a result: a file name and an SVG document.
type Picture struct {
	Name string
	SVG  []byte
}

// Pictures draws what the result has data for: latency.svg, series.svg, waterfall.svg, queue.svg, and search.svg or
// sweep.svg.
func Pictures(r *Result) (pictures []Picture, err error) {
	defer func() {
		// The library panics at values that it cannot place, such as 1e308 seconds.
		if p := recover(); p != nil {
			pictures, err = nil, fmt.Errorf("draw pictures: %v", p)
		}
	}()
	for _, d := range []struct {
		name string
		draw func(*Result) *sheet
	}{
		{"latency.svg", latencySheet}, {"series.svg", seriesSheet}, {"waterfall.svg", waterfallSheet}, {"queue.svg", queueSheet},
		{"search.svg", searchSheet}, {"sweep.svg", sweepSheet},
	} {
		s := d.draw(r)
		if s == nil {
			continue
		}
		svg, err := s.svg(r)
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", d.name, err)
		}
		pictures = append(pictures, Picture{d.name, svg})
	}
	return pictures, nil
}

// The palette of Okabe and Ito, which colour-blind people can tell apart, and greys.
var (
	ink    = color.RGBA{0x1f, 0x29, 0x33, 0xff}
	grey   = color.RGBA{0x6b, 0x72, 0x80, 0xff}
	pale   = color.RGBA{0xe5, 0xe7, 0xeb, 0xff}
	blue   = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	sky    = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	green  = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	orange = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	red    = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	silver = color.RGBA{0xc9, 0xce, 0xd6, 0xff}
)

// sheet is a title, a key and some panels, one above the other or side by side.
type sheet struct {
	title  string
	panels []*plot.Plot
	beside bool
	height vg.Length // of the panels in all; 0 for 300
	key    []entry
}

// entry explains a colour.
type entry struct {
	name  string
	color color.Color
}

func style(size vg.Length, c color.Color, weight xfont.Weight) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size, Weight: weight}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

const (
	sheetWidth = 720 * vg.Length(1)
	margin     = 16 * vg.Length(1)
	headHeight = 66 * vg.Length(1)
	keySide    = 8 * vg.Length(1)
	keyLine    = 15 * vg.Length(1)
)

// svg draws the sheet.
func (s *sheet) svg(r *Result) ([]byte, error) {
	label := style(9.5, ink, xfont.WeightNormal)
	// Other fonts than the one measured by may be wider.
	width := func(e entry) vg.Length { return keySide + 5 + label.Width(e.name)*1.2 + 14 }
	head, x := headHeight, margin
	for _, e := range s.key {
		if x += width(e); x > sheetWidth && x > margin+width(e) {
			head, x = head+keyLine, margin+width(e)
		}
	}
	height := cmp.Or(s.height, 300) + head + margin
	canvas := vgsvg.New(sheetWidth, height)
	c := draw.New(canvas)
	c.FillPolygon(color.White, []vg.Point{{X: 0, Y: 0}, {X: sheetWidth, Y: 0}, {X: sheetWidth, Y: height}, {X: 0, Y: height}})
	c.FillText(style(15, ink, xfont.WeightBold), vg.Point{X: margin, Y: height - 12}, s.title)
	about := slices.DeleteFunc([]string{
		terminal.OneLine(r.Scenario.Name), terminal.OneLine(r.Target.Name + " " + r.Target.Version), terminal.OneLine(r.Run.Driver),
		terminal.OneLine(r.Run.Schedule), string(r.Verdict),
	}, func(s string) bool { return s == "" })
	c.FillText(style(9.5, grey, xfont.WeightNormal), vg.Point{X: margin, Y: height - 32}, terminal.OneLine(strings.Join(about, " · ")))
	x = margin
	y := height - 48
	for _, e := range s.key {
		if x > margin && x+width(e) > sheetWidth {
			x, y = margin, y-keyLine
		}
		c.FillPolygon(e.color, []vg.Point{{X: x, Y: y - keySide - 1}, {X: x + keySide, Y: y - keySide - 1}, {X: x + keySide, Y: y - 1}, {X: x, Y: y - 1}})
		c.FillText(label, vg.Point{X: x + keySide + 5, Y: y}, e.name)
		x += width(e)
	}
	tiles := draw.Tiles{Rows: len(s.panels), Cols: 1, PadX: 14, PadY: 8, PadTop: head, PadBottom: 6, PadLeft: margin - 4, PadRight: margin}
	grid := make([][]*plot.Plot, len(s.panels))
	for i, p := range s.panels {
		grid[i] = []*plot.Plot{p}
	}
	if s.beside {
		tiles.Rows, tiles.Cols = 1, len(s.panels)
		grid = [][]*plot.Plot{s.panels}
	}
	for i, row := range plot.Align(grid, tiles, c) {
		for j, at := range row {
			grid[i][j].Draw(at)
		}
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write SVG: %w", err)
	}
	// Where there is no Liberation Sans, Arial is as wide.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}

// panel is an empty plot with a quiet frame.
func panel(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.Add(grid())
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Color, a.LineStyle.Width = grey, 0.7
		a.Tick.LineStyle.Color, a.Tick.LineStyle.Width, a.Tick.Length = grey, 0.7, 4
		a.Padding = 0
		align := a.Tick.Label
		a.Tick.Label = style(9, grey, xfont.WeightNormal)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = align.XAlign, align.YAlign
		align = a.Label.TextStyle
		a.Label.TextStyle = style(9.5, ink, xfont.WeightNormal)
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = align.XAlign, align.YAlign
		a.Label.Padding = 4
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width, p.Y.Tick.Length = 0, 0, 2
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Width = 0
	g.Horizontal.Color, g.Horizontal.Width = pale, 0.7
	return g
}

// ticks labels round values by tell.
type ticks struct{ tell func(float64) string }

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	const most = 7
	step := roundUp((hi - lo) / most)
	var all []plot.Tick
	for i := range most + 1 {
		v := (math.Ceil(lo/step) + float64(i)) * step
		if v > hi {
			break
		}
		all = append(all, plot.Tick{Value: v, Label: t.tell(v)})
	}
	return all
}

// logTicks labels 1, 2 and 5 of each power of ten, or the powers alone if there are many.
type logTicks struct{ tell func(float64) string }

func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	if math.Log10(hi/lo) > 3 {
		steps = steps[:1]
	}
	var all []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, step := range steps {
			if v := step * math.Pow(10, e); v >= lo*0.999 && v <= hi*1.001 {
				all = append(all, plot.Tick{Value: v, Label: t.tell(v)})
			}
		}
	}
	return all
}

// short tells a tick's duration: "20 ms" rather than "20.0 ms".
func short(s float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{" s", 1}, {" ms", 1e-3}, {" µs", 1e-6}} {
		if v := s / unit.size; math.Abs(v) >= 0.9995 || unit.size == 1e-6 {
			if v == 0 {
				break
			}
			return group(strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)) + unit.name
		}
	}
	return "0"
}

func plainNumber(v float64) string {
	return group(strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64))
}

// durations makes the Y axis one of durations, logarithmic if they differ much. All values are above 0.
func durations(p *plot.Plot, values []float64) {
	lo, hi := slices.Min(values), slices.Max(values)
	if hi/lo > 20 {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{short}
		p.Y.Min, p.Y.Max = roundDown(lo), roundUp(hi)
		return
	}
	p.Y.Tick.Marker = ticks{short}
	p.Y.Min, p.Y.Max = 0, hi*1.08
}

// roundDown and roundUp go to 1, 2 or 5 of a power of ten.
func roundDown(v float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{5, 2} {
		if step*base <= v {
			return step * base
		}
	}
	return base
}

func roundUp(v float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if step*base >= v {
			return step * base
		}
	}
	return 10 * base
}

func addLine(p *plot.Plot, points plotter.XYs, c color.Color, dashed bool) {
	line, err := plotter.NewLine(points)
	if err != nil {
		panic(err) // no points, or such as cannot be drawn
	}
	line.Color, line.Width = c, 1.6
	if dashed {
		line.Width, line.Dashes = 1.1, []vg.Length{4, 3}
	}
	p.Add(line)
}

// area fills between points and 0.
func area(p *plot.Plot, points plotter.XYs, c color.RGBA) {
	outline := append(plotter.XYs{{X: points[0].X, Y: 0}}, points...)
	outline = append(outline, plotter.XY{X: points[len(points)-1].X, Y: 0})
	fill, err := plotter.NewPolygon(outline)
	if err != nil {
		panic(err)
	}
	c.R, c.G, c.B, c.A = c.R/5, c.G/5, c.B/5, 0xff/5 // premultiplied: a fifth
	fill.Color, fill.LineStyle.Width = c, 0
	p.Add(fill)
}

// nines places a quantile on an axis on which each further nine takes as much room.
func nines(q float64) float64 { return -math.Log10(1 - q) }

// curve is a latency by quantile, in nines and seconds.
func (l Latency) curve() plotter.XYs {
	if l.Count == 0 || l.Max <= 0 {
		return nil
	}
	last := nines(1 - 1/math.Max(2, float64(l.Count))) // beyond it there is no value
	var points plotter.XYs
	add := func(x, seconds float64) {
		if seconds > 0 && x <= last {
			points = append(points, plotter.XY{X: x, Y: seconds})
		}
	}
	if h, err := l.histogram(); err == nil && h != nil {
		for _, b := range h.CumulativeDistributionWithTicks(20) {
			if b.Quantile < 100 {
				add(nines(b.Quantile/100), micros(float64(b.ValueAt)))
			}
		}
	} else {
		for _, q := range []struct{ q, seconds float64 }{
			{0, l.Min}, {0.5, l.P50}, {0.9, l.P90}, {0.95, l.P95}, {0.99, l.P99}, {0.999, l.P999}, {0.9999, l.P9999},
		} {
			add(nines(q.q), q.seconds)
		}
	}
	add(last, l.Max)
	return points
}

func latencySheet(r *Result) *sheet {
	p := panel("quantile", "latency")
	s := &sheet{title: "Latency from the intended send time", panels: []*plot.Plot{p}}
	var values []float64
	for _, l := range []struct {
		name  string
		of    Latency
		color color.Color
	}{{"to the last expected receipt", r.Delivery, blue}, {"to the 2xx", r.Ack, green}, {"to the beginning of the request", r.Generator.Lateness, grey}} {
		points := l.of.curve()
		if len(points) < 2 {
			continue
		}
		for _, xy := range points {
			values = append(values, xy.Y)
			p.X.Max = max(1, p.X.Max, xy.X)
		}
		addLine(p, points, l.color, l.color == grey)
		s.key = append(s.key, entry{fmt.Sprintf("%s: p50 %s, p99 %s, max %s", l.name, seconds(l.of.P50), seconds(l.of.P99), seconds(l.of.Max)), l.color})
	}
	if values == nil {
		return nil
	}
	durations(p, values)
	marks := plot.ConstantTicks{{Value: 0, Label: "0 %"}, {Value: nines(0.5), Label: "50 %"}}
	for n, label := range []string{"90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"} {
		marks = append(marks, plot.Tick{Value: float64(n + 1), Label: label})
	}
	p.X.Min, p.X.Tick.Marker = 0, marks
	return s
}

// overTime makes the X axis that of the run, with the warm-up shaded.
func overTime(p *plot.Plot, r *Result, top float64) {
	last := r.Series[len(r.Series)-1]
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, last.Start+last.Seconds, ticks{short}
	if w := min(r.Run.WarmUp, p.X.Max); w > 0 {
		shade, err := plotter.NewPolygon(plotter.XYs{{X: 0, Y: p.Y.Min}, {X: w, Y: p.Y.Min}, {X: w, Y: top}, {X: 0, Y: top}})
		if err != nil {
			panic(err)
		}
		shade.Color, shade.LineStyle.Width = color.RGBA{0xf3, 0xf4, 0xf6, 0xff}, 0
		p.Add(shade, grid()) // the shade lies on the first one
	}
}

func along(r *Result, value func(Interval) float64) plotter.XYs {
	points := make(plotter.XYs, len(r.Series))
	for i, x := range r.Series {
		points[i] = plotter.XY{X: x.Start + x.Seconds/2, Y: value(x)}
	}
	return points
}

func highest(points ...plotter.XYs) float64 {
	top := 0.0
	for _, xys := range points {
		for _, xy := range xys {
			top = max(top, xy.Y)
		}
	}
	return top
}

func seriesSheet(r *Result) *sheet {
	if len(r.Series) < 2 {
		return nil
	}
	rates := panel("", "events per second")
	offered := along(r, func(i Interval) float64 { return perSecond(i.Offered, i) })
	acked := along(r, func(i Interval) float64 { return perSecond(i.Acked, i) })
	delivered := along(r, func(i Interval) float64 { return perSecond(i.Delivered, i) })
	failed := along(r, func(i Interval) float64 { return perSecond(i.Errors, i) })
	top := max(1, highest(offered, acked, delivered, failed)) * 1.1
	rates.Y.Min, rates.Y.Max, rates.Y.Tick.Marker = 0, top, ticks{plainNumber}
	overTime(rates, r, top)
	area(rates, delivered, blue)
	addLine(rates, delivered, blue, false)
	addLine(rates, acked, green, false)
	addLine(rates, offered, grey, true)
	s := &sheet{
		title: "Throughput and latency over time", panels: []*plot.Plot{rates}, height: 400,
		key: []entry{{"offered", grey}, {"acknowledged", green}, {"delivered", blue}},
	}
	if highest(failed) > 0 {
		addLine(rates, failed, red, false)
		s.key = append(s.key, entry{"errors", red})
	}
	var p50, p99 plotter.XYs
	var values []float64
	for _, x := range r.Series {
		if x.P50 > 0 && x.P99 > 0 { // else nothing was delivered in it
			at := x.Start + x.Seconds/2
			p50, p99 = append(p50, plotter.XY{X: at, Y: x.P50}), append(p99, plotter.XY{X: at, Y: x.P99})
			values = append(values, x.P50, x.P99)
		}
	}
	if len(p50) > 1 {
		times := panel("since the run began; the warm-up is shaded", "latency")
		durations(times, values)
		overTime(times, r, times.Y.Max)
		addLine(times, p99, orange, false)
		addLine(times, p50, sky, false)
		s.panels = append(s.panels, times)
		s.key = append(s.key, entry{"p50", sky}, entry{"p99", orange})
	} else {
		rates.X.Label.Text = "since the run began; the warm-up is shaded"
		s.height = 0
	}
	return s
}

func queueSheet(r *Result) *sheet {
	if len(r.Series) < 2 {
		return nil
	}
	p := panel("since the run began; the warm-up is shaded", "events in flight")
	points := along(r, func(i Interval) float64 { return float64(i.InFlight) })
	for i := range points { // it is what was in flight at the end of the interval
		points[i].X += r.Series[i].Seconds / 2
	}
	top := max(1, highest(points)) * 1.1
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, top, ticks{plainNumber}
	overTime(p, r, top)
	area(p, points, blue)
	addLine(p, points, blue, false)
	return &sheet{title: "Queue depth: events in flight between sender and receivers", panels: []*plot.Plot{p}, key: []entry{
		{fmt.Sprintf("in flight at the end of each interval, growing by %s", signed(r.Rates.BacklogSlope)), blue},
	}}
}

func waterfallSheet(r *Result) *sheet {
	if len(r.Waterfall) == 0 {
		return nil
	}
	s := &sheet{title: "Where the time goes", beside: true, key: []entry{{"the target", blue}, {"the receivers", silver}, {"the one who measured", orange}}}
	most := 0
	for _, w := range r.Waterfall {
		most = max(most, len(w.Parts))
	}
	for _, w := range r.Waterfall {
		p := panel(fmt.Sprintf("%s: %s, mean of %s", terminal.OneLine(w.Name), seconds(w.Mean), events(w.Events)), "")
		// What stands beside others that have the same parts needs no names of its own.
		named := len(s.panels) == 0 || !slices.EqualFunc(w.Parts, r.Waterfall[0].Parts, func(a, b Part) bool { return a.Name == b.Name })
		names := make(plot.ConstantTicks, len(w.Parts))
		end := 0.0
		for k, part := range w.Parts {
			names[k] = plot.Tick{Value: float64(most - 1 - k), Label: " "}
			if named {
				names[k].Label = terminal.OneLine(part.Name)
			}
			end += max(0, part.Mean)
		}
		if end <= 0 {
			continue
		}
		p.Add(bars{w.Parts, most})
		p.X.Min, p.X.Max, p.X.Tick.Marker = 0, end*1.25, ticks{short} // room for the figures
		p.Y.Min, p.Y.Max, p.Y.Tick.Marker = -0.6, float64(most)-0.4, names
		p.Y.Tick.Label.Color, p.Y.Padding = ink, 9
		s.panels = append(s.panels, p)
	}
	if s.panels == nil {
		return nil
	}
	s.height = 60 + 24*vg.Length(most)
	return s
}

// bars draws parts one below the other from the highest of some rows on, each beginning where the one before ends.
type bars struct {
	parts []Part
	rows  int
}

func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	began := 0.0
	figure := style(8.5, ink, xfont.WeightNormal)
	figure.YAlign = draw.YCenter
	for i, part := range b.parts {
		row := float64(b.rows - 1 - i)
		mean := max(0, part.Mean)
		left, right, low, high := x(began), x(began+mean), y(row-0.32), y(row+0.32)
		fill := color.Color(blue)
		switch {
		case part.Service:
			fill = silver
		case part.Name == Lateness:
			fill = orange
		}
		right = max(right, left+0.75) // what takes any time at all is seen
		c.FillPolygon(fill, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
		c.FillText(figure, vg.Point{X: right + 4, Y: (low + high) / 2}, seconds(part.Mean))
		began += mean
	}
}

// measured is one rate or value and what was measured at it.
type measured struct {
	label string
	x     float64
	Trial
}

func searchSheet(r *Result) *sheet {
	if r.Search == nil {
		return nil
	}
	var all []measured
	for _, t := range r.Search.Trials {
		all = append(all, measured{"", t.Rate, t})
	}
	s := trialSheet(all, "rate asked, events per second", true)
	if s == nil {
		return nil
	}
	s.title = "Search for the highest rate that is sustained: none was"
	if r.Search.Rate > 0 {
		s.title = fmt.Sprintf("Highest rate that is sustained: %s (%s to %s)", rate(r.Search.Rate), rate(r.Search.Low), rate(r.Search.High))
		for _, p := range s.panels {
			addLine(p, plotter.XYs{{X: r.Search.Rate, Y: p.Y.Min}, {X: r.Search.Rate, Y: p.Y.Max}}, green, true)
		}
	}
	return s
}

func sweepSheet(r *Result) *sheet {
	if r.Sweep == nil {
		return nil
	}
	path := terminal.OneLine(r.Sweep.Path)
	var all []measured
	for i, point := range r.Sweep.Points {
		m := measured{terminal.OneLine(point.Value), float64(i), point.Trial}
		if path == "rate" {
			m.x = point.Rate
		}
		all = append(all, m)
	}
	s := trialSheet(all, path, path == "rate")
	if s == nil {
		return nil
	}
	s.title = "Latency and throughput by " + path
	return s
}

// trialSheet draws trials by their rate, or one beside the other if what was varied is something else.
func trialSheet(all []measured, axis string, byRate bool) *sheet {
	all = slices.DeleteFunc(all, func(m measured) bool { return m.P50 <= 0 || m.P99 <= 0 })
	if len(all) < 2 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b measured) int { return cmp.Compare(a.x, b.x) })
	var p50, p99, delivered plotter.XYs
	var values []float64
	var names plot.ConstantTicks
	for _, m := range all {
		p50, p99 = append(p50, plotter.XY{X: m.x, Y: m.P50}), append(p99, plotter.XY{X: m.x, Y: m.P99})
		delivered = append(delivered, plotter.XY{X: m.x, Y: m.Delivered})
		values, names = append(values, m.P50, m.P99), append(names, plot.Tick{Value: m.x, Label: m.label})
	}
	times, rates := panel("", "latency"), panel(axis, "delivered per second")
	durations(times, values)
	top := highest(delivered)
	lo, hi := all[0].x, all[len(all)-1].x
	for _, p := range []*plot.Plot{times, rates} {
		p.X.Tick.Marker = ticks{plainNumber}
		p.X.Min, p.X.Max = 0, hi*1.05
		if !byRate {
			p.X.Tick.Marker, p.X.Min, p.X.Max = names, lo-0.5, hi+0.5
		}
	}
	rates.Y.Min, rates.Y.Max, rates.Y.Tick.Marker = 0, max(1, top)*1.1, ticks{plainNumber}
	if byRate { // as much as asked
		end := min(hi*1.05, rates.Y.Max)
		addLine(rates, plotter.XYs{{X: 0, Y: 0}, {X: end, Y: end}}, grey, true)
	}
	addLine(times, p99, orange, false)
	addLine(times, p50, sky, false)
	addLine(rates, delivered, blue, false)
	marks := func(p *plot.Plot, points plotter.XYs, c color.Color) {
		for _, met := range []bool{true, false} {
			var some plotter.XYs
			for i, m := range all {
				if (m.Verdict == Met || m.Verdict == Measured) == met {
					some = append(some, points[i])
				}
			}
			if some == nil {
				continue
			}
			dots, err := plotter.NewScatter(some)
			if err != nil {
				panic(err)
			}
			dots.GlyphStyle = draw.GlyphStyle{Color: c, Radius: 3.2, Shape: draw.CircleGlyph{}}
			if !met {
				dots.GlyphStyle.Color = red
			}
			p.Add(dots)
		}
	}
	marks(times, p99, orange)
	marks(times, p50, sky)
	marks(rates, delivered, blue)
	s := &sheet{panels: []*plot.Plot{times, rates}, height: 400, key: []entry{{"p50", sky}, {"p99", orange}, {"delivered", blue}}}
	if byRate {
		s.key = append(s.key, entry{"as asked", grey})
	}
	if slices.ContainsFunc(all, func(m measured) bool { return m.Verdict != Met && m.Verdict != Measured }) {
		s.key = append(s.key, entry{"an objective was missed, or the trial is invalid", red})
	}
	return s
}
