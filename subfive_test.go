package subfive_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"subfive"
)

func TestParseMicros(t *testing.T) {
	tests := map[string]struct {
		want subfive.Micros
		ok   bool
	}{
		"42.50":            {42_500_000, true},
		"42":               {42_000_000, true},
		" 42.5\n":          {42_500_000, true},
		"+0.1":             {100_000, true},
		".5":               {500_000, true},
		"5.":               {5_000_000, true},
		"-3":               {-3_000_000, true},
		"0":                {0, true},
		"0.0000004":        {0, true},
		"0.0000005":        {1, true},
		"-0.0000005":       {-1, true},
		"1.9999999":        {2_000_000, true},
		"9000000000000.5":  {9_000_000_000_000_500_000, true},
		"":                 {},
		".":                {},
		"-":                {},
		"1,234.50":         {},
		"42,50":            {},
		"$42":              {},
		"42 USD":           {},
		"4e3":              {},
		"0x10":             {},
		"{payout}":         {},
		"--1":              {},
		"NaN":              {},
		"99999999999999":   {},
		"9999999999999.99": {},
		"٤٢":               {},
	}
	for text, tt := range tests {
		got, err := subfive.ParseMicros(text)
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("ParseMicros(%q) = %d, %v", text, got, err)
		}
		if err != nil && !errors.Is(err, subfive.ErrNotANumber) {
			t.Errorf("ParseMicros(%q): %v does not wrap ErrNotANumber", text, err)
		}
	}
}

func TestMicrosRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := subfive.Micros(rapid.Int64Range(-9_000_000_000_000_000_000, 9_000_000_000_000_000_000).Draw(t, "micros"))
		back, err := subfive.ParseMicros(m.String())
		if err != nil || back != m {
			t.Fatalf("%d → %q → %d, %v", m, m, back, err)
		}
	})
}

func TestMicrosMul(t *testing.T) {
	tests := []struct{ amount, factor, want string }{
		{"42.50", "1", "42.50"},
		{"42.50", "0.9", "38.25"},
		{"0.000001", "0.5", "0.000001"}, // half away from zero
		{"-0.000001", "0.5", "-0.000001"},
		{"10", "-1", "-10.00"},
		{"100", "0", "0.00"},
		{"1234567.891", "3.5", "4320987.6185"},
	}
	for _, tt := range tests {
		got, err := micros(t, tt.amount).Mul(micros(t, tt.factor))
		if err != nil || got.String() != tt.want {
			t.Errorf("%s × %s = %s, %v; want %s", tt.amount, tt.factor, got, err, tt.want)
		}
	}
	if got, err := micros(t, "9000000000000").Mul(micros(t, "2")); err == nil {
		t.Errorf("too large a product is %s", got)
	}
}

func micros(t *testing.T, s string) subfive.Micros {
	t.Helper()
	m, err := subfive.ParseMicros(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseClickID(t *testing.T) {
	tests := map[string]string{
		"01jd3c4z9y8x7w6v5t4s3r2q1p":  "01jd3c4z9y8x7w6v5t4s3r2q1p",
		"01JD3C4Z9Y8X7W6V5T4S3R2Q1P":  "01jd3c4z9y8x7w6v5t4s3r2q1p", // somebody's system shouts
		"01jd3c4z9y8x7w6v5t4s3r2q1":   "",
		"01jd3c4z9y8x7w6v5t4s3r2q1pp": "",
		"81jd3c4z9y8x7w6v5t4s3r2q1p":  "", // past the year 10889
		"01jd3c4z9y8x7w6v5t4s3r2q1i":  "", // no i, l, o, u
		"01jd3c4z9y8x7w6v5t4s3r2q1é":  "",
		"":                            "",
	}
	for in, want := range tests {
		if got, ok := subfive.ParseClickID(in); got != want || ok != (want != "") {
			t.Errorf("ParseClickID(%q) = %q, %v", in, got, ok)
		}
	}
}

func TestDeriveID(t *testing.T) {
	a, b := subfive.DeriveID("x_", "ab", "c"), subfive.DeriveID("x_", "a", "bc")
	if a == b {
		t.Error("parts run into each other")
	}
	if a != subfive.DeriveID("x_", "ab", "c") || len(a) != 28 || !strings.HasPrefix(a, "x_") {
		t.Errorf("DeriveID = %q", a)
	}
}

func TestDuration(t *testing.T) {
	tests := map[string]struct {
		want   time.Duration
		writes string
	}{
		"90s":  {90 * time.Second, "1m30s"},
		"72h":  {72 * time.Hour, "3d"},
		"400d": {400 * 24 * time.Hour, "400d"},
		"1h":   {time.Hour, "1h"},
		"15m":  {15 * time.Minute, "15m"},
		"":     {0, "0s"},
		"0":    {0, "0s"},
	}
	for in, tt := range tests {
		got, err := subfive.ParseDuration(in)
		if err != nil || got != tt.want || subfive.Duration(got).String() != tt.writes {
			t.Errorf("ParseDuration(%q) = %s (%s), %v", in, got, subfive.Duration(got), err)
		}
		back, err := subfive.ParseDuration(tt.writes)
		if err != nil || back != tt.want {
			t.Errorf("%q reads back as %s, %v", tt.writes, back, err)
		}
	}
	for _, bad := range []string{"-1h", "3 weeks", "d", "-2d", "h"} {
		if got, err := subfive.ParseDuration(bad); err == nil {
			t.Errorf("ParseDuration(%q) = %s", bad, got)
		}
	}
}

func TestUnmatchedHold(t *testing.T) {
	tests := map[subfive.Unmatched]struct {
		send bool
		wait time.Duration
	}{
		"never":       {false, 0},
		"":            {false, 0},
		"send":        {true, 0},
		"hold 24h":    {true, 24 * time.Hour},
		"hold 2d":     {true, 48 * time.Hour},
		"hold a week": {false, 0},
	}
	for u, tt := range tests {
		if send, wait := u.Hold(); send != tt.send || wait != tt.wait {
			t.Errorf("%q.Hold() = %v, %s", u, send, wait)
		}
	}
}

// VIEWS, "What counts": which verdicts count as a conversion.
func TestCounts(t *testing.T) {
	payout := micros(t, "1")
	tests := map[string]struct {
		c    subfive.Conversion
		want bool
	}{
		"matched":                        {subfive.Conversion{Verdict: subfive.VerdictMatched}, true},
		"direct":                         {subfive.Conversion{Verdict: subfive.VerdictDirect}, true},
		"waiting":                        {subfive.Conversion{Verdict: subfive.VerdictWaiting}, true},
		"unmatched":                      {subfive.Conversion{Verdict: subfive.VerdictUnmatched}, true},
		"outside the window":             {subfive.Conversion{Verdict: subfive.VerdictOutsideWindow}, true},
		"before its click":               {subfive.Conversion{Verdict: subfive.VerdictBeforeClick}, true},
		"no click ID, a transaction":     {subfive.Conversion{Verdict: subfive.VerdictNoClickID, TransactionID: "t"}, true},
		"no click ID, a payout":          {subfive.Conversion{Verdict: subfive.VerdictNoClickID, Payout: &payout}, true},
		"no click ID, a conversion's ID": {subfive.Conversion{Verdict: subfive.VerdictNoClickID, NetworkConversionIDs: []string{"c"}}, true},
		"no click ID, nothing":           {subfive.Conversion{Verdict: subfive.VerdictNoClickID}, false},
		"test":                           {subfive.Conversion{Verdict: subfive.VerdictTest}, false},
		"quarantined":                    {subfive.Conversion{Verdict: subfive.VerdictQuarantined}, false},
	}
	for name, tt := range tests {
		if got := tt.c.Counts(); got != tt.want {
			t.Errorf("%s: Counts() = %v", name, got)
		}
	}
}

// A record survives the journal unchanged, bytes of a platform's click ID
// included.
func TestRecordRoundTrip(t *testing.T) {
	payout := micros(t, "42.5")
	at := time.Date(2026, 11, 24, 9, 0, 0, 123_000_000, time.UTC)
	want := subfive.Record{ID: "pb_1", Kind: subfive.RecordPostback, Postback: &subfive.Postback{
		ID: "pb_1", ReceivedAt: at, NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S, Reading: subfive.ReadingOK,
		Answered: 200, ClickIDRaw: "IwAR<&>é\u2028%FF", Payout: &payout, NetworkAt: at,
		Request:  subfive.Request{Method: "GET", Params: []subfive.Param{{Name: "click_id", Value: "a\"b"}, {Name: "click_id", Value: ""}}},
		UserData: map[string]subfive.Sealed{subfive.UserEmail: {Box: "k.x", Mac: "m"}},
	}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got subfive.Record
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func ExampleParseMicros() {
	payout, err := subfive.ParseMicros("42.5")
	fmt.Println(payout, err)
	_, err = subfive.ParseMicros("{payout}")
	fmt.Println(err)
	// Output:
	// 42.50 <nil>
	// not a plain decimal number such as 42.50
}

// What is told later of a conversion names it as it was told.
func TestOriginalID(t *testing.T) {
	for _, test := range []bool{false, true} {
		want := subfive.EventID("cv_1", subfive.KindConversion, test)
		for _, k := range []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement} {
			d := subfive.Delivery{ConversionID: "cv_1", Kind: k, EventID: subfive.EventID("cv_1", k, test)}
			if got := d.OriginalID(); got != want || (k == subfive.KindConversion) != (d.EventID == want) {
				t.Errorf("%s, test %t: event ID %s, original %s, want %s", k, test, d.EventID, got, want)
			}
		}
	}
}
