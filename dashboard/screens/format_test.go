package screens

import (
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	third := 1.0 / 3
	for got, want := range map[string]string{
		number(18402): "18,402", number(nil): "–", number(0): "0", number(1.5): "1.5", number(float64(1200)): "1,200",
		money("14938.5", "USD"): "$14,938.50", money("-0.123456", "EUR"): "−€0.123456", money("12", "CHF"): "12.00 CHF", money(nil, "USD"): "–", money("", "USD"): "–",
		percent(0.978): "97.8 %", percent(&third): "33.3 %", percent(nil): "–", percent("0.5"): "50.0 %",
		span(0): "0 ms", span(2900 * time.Millisecond): "2.9 s", span(51 * time.Second): "51 s", span(114 * time.Minute): "1 h 54 min",
		span(93 * 24 * time.Hour): "93 days", span(-time.Minute): "−1 min", span(time.Hour): "1 h",
		plural(1, "row", "rows"): "1 row", plural(7, "row", "rows"): "7 rows", words("possible_duplicate"): "possible duplicate",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	if got := offset(now.In(kolkata)); got != "UTC+5:30" {
		t.Errorf("Kolkata is at %s", got)
	}
}

// A range is in the person's zone, and right on days that have 23 or 25 hours.
func TestBounds(t *testing.T) {
	s := newScreens(t, &api{}, mara)
	for query, want := range map[string]time.Duration{
		"": 23 * time.Hour, "range=7d": 148 * time.Hour, "range=nonsense": 23 * time.Hour, // the hour that runs has just begun
		"since=2026-11-01&until=2026-11-01": 25 * time.Hour, "since=2026-03-08&until=2026-03-08": 23 * time.Hour,
		"since=2026-11-02&until=2026-11-01": 23 * time.Hour, "range=today": 4 * time.Hour, "range=yesterday": 24 * time.Hour,
	} {
		r := s.asked(t, "/admin/audit?"+query)
		if b := r.bounds(); b.Until.Sub(b.Since) != want {
			t.Errorf("%q is %v to %v, %v long", query, b.Since, b.Until, b.Until.Sub(b.Since))
		}
	}
}
