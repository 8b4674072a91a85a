package screens

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// points is a series; nil where nothing is known.
type points []*float64

// UnmarshalJSON reads numbers, decimals that are texts, and null.
func (p *points) UnmarshalJSON(data []byte) error {
	var raw []any
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*p = make(points, len(raw))
	for i, v := range raw {
		switch v := v.(type) {
		case float64:
			(*p)[i] = &v
		case string:
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				(*p)[i] = &f
			}
		}
	}
	return nil
}

// line is a series as a small line, its last point marked. Where nothing is known
// it goes straight on.
func line(p points) template.HTML {
	var high, low float64
	known := 0
	for _, v := range p {
		if v == nil {
			continue
		}
		if known == 0 {
			high, low = *v, *v
		}
		high, low = max(high, *v), min(low, *v)
		known++
	}
	if known < 2 || high == 0 && low == 0 {
		return ""
	}
	var at []string
	last := ""
	for i, v := range p {
		if v == nil {
			continue
		}
		x, y := 100*float64(i)/float64(len(p)-1), 18.0
		if high > low {
			y = 18 - 16*(*v-low)/(high-low)
		}
		at = append(at, fmt.Sprintf("%.1f,%.1f", x, y))
		last = fmt.Sprintf("%.1f %.1f", x, y)
	}
	return template.HTML(`<svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true"><polyline points="` +
		strings.Join(at, " ") + `"/><path class="end" d="M` + last + `h.01"/></svg>`)
}

// stretch is a part of a span, stage by stage.
type stretch struct {
	At        time.Time
	Clicks    int
	Postbacks int
	Credited  int
	Delivered int
	Waiting   int
	Held      int
}

// strip is one stage over the whole span.
type strip struct {
	Name  string
	Total int
	Most  string // of a part: 1,372/h
	Bars  template.HTML
}

// strips are the stages on one axis of time: what came, what was credited, and
// what was told.
func strips(all []stretch, zone *time.Location) []strip {
	if len(all) == 0 {
		return nil
	}
	layout, a := partNames(all)
	stages := []struct {
		name, of, class string
		n               func(stretch) int
		late            func(stretch) int
		lateName        string
	}{
		{"Clicks", "clicks", "", func(s stretch) int { return s.Clicks }, nil, ""},
		{"Postbacks", "postbacks", "", func(s stretch) int { return s.Postbacks }, nil, ""},
		{"Credited", "conversions", "main", func(s stretch) int { return s.Credited }, nil, ""},
		{"Delivered", "deliveries", "main", func(s stretch) int { return s.Delivered }, func(s stretch) int { return s.Held }, "held"},
	}
	var rows []strip
	for _, stage := range stages {
		high, total, highest := 0, 0, 0
		for _, s := range all {
			n, late := stage.n(s), 0
			if stage.late != nil {
				late = stage.late(s)
			}
			total += n
			high, highest = max(high, n+late), max(highest, n)
		}
		var b strings.Builder
		fmt.Fprintf(&b, `<svg class="%s" viewBox="0 0 %d 40" preserveAspectRatio="none" role="img" aria-label="%s by %s, most %s">`,
			stage.class, 10*len(all), stage.of, a.long, number(highest))
		for i, s := range all {
			at := s.At.In(zone).Format(layout)
			n := stage.n(s)
			b.WriteString(bar(i, 0, n, high, "", at, stage.of))
			if stage.late != nil {
				b.WriteString(bar(i, n, stage.late(s), high, "late", at, stage.lateName))
			}
		}
		b.WriteString("</svg>")
		rows = append(rows, strip{stage.name, total, number(highest) + "/" + a.short, template.HTML(b.String())})
	}
	return rows
}

// bar is one part's bar, on top of another.
func bar(i, below, n, high int, class, at, of string) string {
	if n == 0 || high == 0 {
		return ""
	}
	const full = 40.0
	tall, base := full*float64(n)/float64(high), full*float64(below)/float64(high)
	if class != "" {
		class = `class="` + class + `" `
	}
	return fmt.Sprintf(`<rect %sx="%d" y="%.1f" width="8" height="%.1f"><title>%s · %s %s</title></rect>`, class, 10*i+1, full-base-tall, tall, at, number(n), of)
}

// partName is how a part of a span is called.
type partName struct{ long, short string }

// partNames says how moments of parts are written, and what a part is.
func partNames(all []stretch) (layout string, name partName) {
	width := time.Hour
	if len(all) > 1 {
		width = all[1].At.Sub(all[0].At)
	}
	switch {
	case width <= time.Hour:
		return "15:04", partName{"hour", "h"}
	case width < 20*time.Hour:
		h := strconv.Itoa(int(width.Hours()))
		return "2 Jan 15:04", partName{h + " hours", h + " h"}
	case width < 48*time.Hour:
		return "Mon 2 Jan", partName{"day", "day"}
	}
	return "2 Jan", partName{"week", "week"}
}

// axis are at most seven marks of the time from the first part to the end.
func axis(all []stretch, until time.Time, zone *time.Location) []string {
	if len(all) == 0 {
		return nil
	}
	layout, _ := partNames(all)
	if strings.HasPrefix(layout, "2 Jan ") || strings.HasPrefix(layout, "Mon") {
		layout = "2 Jan"
	}
	step := max((len(all)+5)/6, 1)
	var marks []string
	for i := 0; i < len(all); i += step {
		marks = append(marks, all[i].At.In(zone).Format(layout))
	}
	return append(marks, until.In(zone).Format(layout))
}

// change is how far a figure is from the one before: +4 % on yesterday.
func change(now, before any, on string) string {
	a, known := figure(now)
	b, had := figure(before)
	switch {
	case !known || !had || a == 0 && b == 0:
		return ""
	case b == 0:
		return "none before"
	}
	percent := math.Round((a - b) / math.Abs(b) * 100)
	switch {
	case percent == 0:
		return "as " + on
	case percent > 0:
		return "+" + number(percent) + " % " + on
	}
	return "−" + number(-percent) + " % " + on
}

// figure reads a number, or a decimal that is text.
func figure(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case *string:
		if v == nil {
			return 0, false
		}
		f, err := strconv.ParseFloat(*v, 64)
		return f, err == nil
	}
	return 0, false
}

// less is what is missing: −2; and +2 where there is more.
func less(n int) string {
	if n < 0 {
		return "+" + number(-n)
	}
	return "−" + number(n)
}

// coarse is how long something takes, without what does not matter at its length:
// 31 min of 31 min 17 s.
func coarse(millis *float64) string {
	if millis == nil {
		return "–"
	}
	d := time.Duration(*millis * float64(time.Millisecond))
	switch {
	case d >= 10*time.Hour:
		d = d.Round(time.Hour)
	case d >= 10*time.Minute:
		d = d.Round(time.Minute)
	}
	return span(d)
}
