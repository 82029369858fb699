package load

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func drawn(t *testing.T, r *Result) map[string]string {
	t.Helper()
	pictures, err := Pictures(r)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range pictures {
		for d := xml.NewDecoder(bytes.NewReader(p.SVG)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", p.Name, err)
			}
		}
		if svg := string(p.SVG); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s has a coordinate that is no number", p.Name)
		}
		all[p.Name] = string(p.SVG)
	}
	return all
}

func TestPictures(t *testing.T) {
	for _, c := range []struct {
		name   string
		result *Result
		says   map[string][]string
	}{
		{"missed", sample(), map[string][]string{
			"latency.svg": {"99.99 %", "to the 2xx: p50 677 µs"}, "series.svg": {"offered", "p99"}, "queue.svg": {"in flight"},
			"waterfall.svg": {"to step-2", "15.6 ms", "slowest 1 %"},
		}},
		{"search", searched(), map[string][]string{
			"latency.svg": nil, "series.svg": nil, "queue.svg": nil, "waterfall.svg": nil, "search.svg": {"2,250/s", "objective was missed"},
		}},
		{"sweep", swept(), map[string][]string{"latency.svg": nil, "waterfall.svg": nil, "sweep.svg": {"by rate", "4,000"}}},
		{"nothing", &Result{}, map[string][]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := drawn(t, c.result)
			for name, texts := range c.says {
				for _, text := range texts {
					if !strings.Contains(got[name], text) {
						t.Errorf("%s does not say %q", name, text)
					}
				}
			}
			var names []string
			for name := range got {
				if _, ok := c.says[name]; !ok {
					names = append(names, name)
				}
			}
			if slices.Sort(names); names != nil || len(got) != len(c.says) {
				t.Errorf("%d pictures, expected %d; not expected: %v", len(got), len(c.says), names)
			}
		})
	}
}

// The slowest events may go another way than the typical ones: each bar has its name.
func TestWaterfallsOfOtherParts(t *testing.T) {
	r := sample()
	r.Waterfall = []Waterfall{
		{Name: "typical", Mean: 0.003, Events: 9, Parts: []Part{{Name: Lateness, Mean: 0.001}, {Name: "to sink-1", Mean: 0.001}, {Name: "to sink-2", Mean: 0.001}}},
		{Name: "slowest 1 %", Mean: 0.004, Events: 1, Parts: []Part{{Name: Lateness, Mean: 0.001}, {Name: "to sink-99", Mean: 0.003}}},
	}
	got := drawn(t, r)["waterfall.svg"]
	for _, want := range []string{"to sink-2", "to sink-99", "mean of 1 event<"} {
		if !strings.Contains(got, want) {
			t.Errorf("waterfall.svg does not say %q", want)
		}
	}
}

// A result without histograms, such as one that was merged by hand, is drawn from its quantiles.
func TestPicturesWithoutHistogram(t *testing.T) {
	r := sample()
	r.Delivery.HDR = ""
	if got := drawn(t, r); !strings.Contains(got["latency.svg"], "last expected receipt") {
		t.Error("no delivery latency")
	}
}

func TestHostilePictures(t *testing.T) {
	r := swept()
	r.Scenario.Name, r.Target.Name, r.Run.Schedule, r.Sweep.Path, r.Verdict = hostile, hostile, hostile, hostile, hostile
	for i := range r.Sweep.Points {
		r.Sweep.Points[i].Value = hostile
	}
	for i := range r.Waterfall {
		r.Waterfall[i].Name = hostile
		r.Waterfall[i].Parts[0].Name = hostile
	}
	drawn(t, r)
	r = sample()
	r.Series[3].P99, r.Series[4].Seconds, r.Run.WarmUp = 1e300, 1e300, 1e300
	r.Delivery.HDR, r.Delivery.Max, r.Waterfall[0].Parts[0].Mean = "", 1e308, 1e308
	// Such may be drawn or refused, but must not panic.
	if pictures, err := Pictures(r); (err == nil) != (len(pictures) > 0) {
		t.Errorf("%d pictures and the error %v", len(pictures), err)
	}
}
