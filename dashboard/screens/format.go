package screens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// functions are what templates may call beside the view's methods.
func functions() template.FuncMap {
	return template.FuncMap{
		"asset": asset, "glyph": glyph, "status": status, "tag": tag, "number": number, "money": money, "percent": percent, "span": spanOf,
		"spark": spark, "json": pretty, "breakable": breakable, "dict": dict, "plural": plural, "words": words, "capitalized": capital,
		"line": line, "change": change, "less": less, "coarse": coarse, "about": about,
	}
}

var english = message.NewPrinter(language.AmericanEnglish)

// number is a whole number with its thousands set apart: 18,402. Nothing is –,
// which is not 0.
func number(n any) string {
	switch n := n.(type) {
	case nil:
		return "–"
	case *int64:
		if n == nil {
			return "–"
		}
		return english.Sprint(*n)
	case float64:
		if n == math.Trunc(n) {
			return english.Sprintf("%.0f", n)
		}
		return english.Sprint(n)
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			return n.String()
		}
		return english.Sprint(i)
	}
	return english.Sprint(n)
}

// signs are of currencies that are written before the amount.
var signs = map[string]string{"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪"}

// money is an amount, a decimal text as the API has it, with its currency:
// $14,938.50. Two decimals at least, all that there are.
func money(amount any, currency string) string {
	text, ok := amount.(string)
	if p, isPointer := amount.(*string); isPointer && p != nil {
		text, ok = *p, true
	}
	if !ok || text == "" {
		return "–"
	}
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "−", rest
	}
	whole, part, _ := strings.Cut(text, ".")
	for len(part) < 2 {
		part += "0"
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return strings.TrimSpace(text + " " + currency)
	}
	text = english.Sprint(n) + "." + part
	if s := signs[currency]; s != "" {
		return sign + s + text
	}
	return strings.TrimSpace(sign + text + " " + currency)
}

// percent is a share: 0.978 is 97.8 %. Nothing is –.
func percent(share any) string {
	switch x := share.(type) {
	case float64:
		return english.Sprintf("%.1f", x*100) + " %"
	case *float64:
		if x != nil {
			return english.Sprintf("%.1f", *x*100) + " %"
		}
	case string:
		if f, err := strconv.ParseFloat(x, 64); err == nil {
			return english.Sprintf("%.1f", f*100) + " %"
		}
	}
	return "–"
}

// spanOf is a length of time in words, of a duration or of milliseconds.
func spanOf(d any) string {
	switch d := d.(type) {
	case time.Duration:
		return span(d)
	case int64:
		return span(time.Duration(d) * time.Millisecond)
	case *int64:
		if d != nil {
			return span(time.Duration(*d) * time.Millisecond)
		}
	case int:
		return span(time.Duration(d) * time.Millisecond)
	case float64:
		return span(time.Duration(d * float64(time.Millisecond)))
	case *float64:
		if d != nil {
			return spanOf(*d)
		}
	}
	return "–"
}

// span is a length of time in its two largest units: 1 h 54 min.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + span(-d)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return two(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 48*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return two(int(d.Hours())/24, "days", int(d.Hours())%24, "h")
}

func two(a int, unit string, b int, smaller string) string {
	text := strconv.Itoa(a) + " " + unit
	if b != 0 {
		text += " " + strconv.Itoa(b) + " " + smaller
	}
	return text
}

// offset is how far a moment's zone is from UTC: UTC−5, UTC+5:30, UTC.
func offset(t time.Time) string {
	_, seconds := t.Zone()
	if seconds == 0 {
		return "UTC"
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "−", -seconds
	}
	text := fmt.Sprintf("UTC%s%d", sign, seconds/3600)
	if m := seconds / 60 % 60; m != 0 {
		text += fmt.Sprintf(":%02d", m)
	}
	return text
}

// zoneName is a zone's city as people say it.
func zoneName(z *time.Location) string {
	name := z.String()
	if i := strings.LastIndex(name, "/"); i >= 0 {
		name = name[i+1:]
	}
	return strings.ReplaceAll(name, "_", " ")
}

// plural is a count with its noun: 1 delivery, 7 deliveries.
func plural(n any, one, many string) string {
	text := number(n)
	if text == "1" {
		return text + " " + one
	}
	return text + " " + many
}

// words writes a name of ours as people say it: possible_duplicate is possible
// duplicate.
func words(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") }

// pretty is a value as indented JSON.
func pretty(v any) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// breakable is a URL that may break before each of its parameters.
func breakable(url string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(url), "&amp;", "<wbr>&amp;"))
}

// dict makes the argument of a part that needs several, of names and values in
// turn.
func dict(pairs ...any) (map[string]any, error) {
	d := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}

// spark is a series as a small line, its last point marked.
func spark(series []float64) template.HTML {
	if len(series) < 2 {
		return ""
	}
	high, low := series[0], series[0]
	for _, v := range series {
		high, low = max(high, v), min(low, v)
	}
	y := func(v float64) float64 {
		if high == low {
			return 18
		}
		return 18 - 16*(v-low)/(high-low)
	}
	var points []string
	for i, v := range series {
		points = append(points, fmt.Sprintf("%.1f,%.1f", 100*float64(i)/float64(len(series)-1), y(v)))
	}
	last := fmt.Sprintf("100 %.1f", y(series[len(series)-1]))
	return template.HTML(`<svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true"><polyline points="` +
		strings.Join(points, " ") + `"/><path class="end" d="M` + last + `h.01"/></svg>`)
}
