package tiktok

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestPlatform(t *testing.T) { forwardertest.Run(t, Platform(), ".") }

const token = "0123456789abcdef0123456789abcdef01234567"

func newTikTok(t testing.TB, more string) forwarders.Forwarder {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte("pixel_code: C4ABCDEF0123456789AB\naccess_token: "+token+"\n"+more)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var clickedAt = time.UnixMilli(1795166130123).UTC()

// purchaseOf returns a delivery of a click with those parameters.
func purchaseOf(params map[string]string) subfive.Delivery {
	return subfive.Delivery{
		Kind: subfive.KindConversion, EventName: "Purchase", EventID: "cv_1", EventTime: clickedAt.Add(time.Hour),
		Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"}, SiteURL: "https://trk.example.com",
		Click: &subfive.Click{
			ID: "01jd8q3v5m9w2x7y4z6a8b0c1d", ClickedAt: clickedAt, Params: params,
			Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0"},
		},
	}
}

// sent is what a test looks at in an event.
type sent struct {
	ID   any `json:"event_id"`
	User struct {
		Ttclid string `json:"ttclid"`
		Ttp    string `json:"ttp"`
		Phone  string `json:"phone"`
		Locale string `json:"locale"`
	} `json:"user"`
	Page struct {
		URL string `json:"url"`
	} `json:"page"`
}

func render(t testing.TB, d subfive.Delivery) sent {
	t.Helper()
	b, err := newTikTok(t, "").Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var s sent
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTtclidVectors walks the ttclid lines of the vectors that package identity
// keeps.
func TestTtclidVectors(t *testing.T) {
	b, err := os.ReadFile("../../identity/testdata/meta_tiktok.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Field, Raw, Normalized, Note string }
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	walked := 0
	for _, v := range vectors {
		if v.Field != paramTtclid {
			continue
		}
		walked++
		if got := render(t, purchaseOf(map[string]string{paramTtclid: v.Raw})).User.Ttclid; got != v.Normalized {
			t.Errorf("%s (%s): ttclid %q, want %q", v.Raw, v.Note, got, v.Normalized)
		}
	}
	if walked != 1 {
		t.Errorf("walked %d vectors, want 1", walked)
	}
}

func TestClickParams(t *testing.T) {
	long := "E.C.P." + strings.Repeat("aZ0_-.", 400)
	tests := map[string]struct {
		change      func(d *subfive.Delivery)
		ttclid, ttp string
	}{
		"both":                    {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"ttclid": "E.C.P.aB", "_ttp": "2Ab3"} }, "E.C.P.aB", "2Ab3"},
		"long ones are never cut": {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"ttclid": long} }, long, ""},
		"signs stay as they are":  {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"ttclid": " a<&%2F\"é "} }, " a<&%2F\"é ", ""},
		"percent-encoded bytes":   {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"ttclid": "a%FFb"} }, "a%FFb", ""},
		"not UTF-8":               {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"ttclid": "a\xff", "_ttp": "b\xff"} }, "", ""},
		"none":                    {func(d *subfive.Delivery) {}, "", ""},
		"direct":                  {func(d *subfive.Delivery) { d.Click, d.Conversion = nil, direct("ttclid", "E.C.P.aB") }, "E.C.P.aB", ""},
		"direct, with a click's":  {func(d *subfive.Delivery) { d.Conversion = direct("ttclid", "E.C.P.aB") }, "E.C.P.aB", ""},
		"the click's before direct": {func(d *subfive.Delivery) {
			d.Click.Params, d.Conversion = map[string]string{"ttclid": "E.C.P.first"}, direct("ttclid", "E.C.P.second")
		}, "E.C.P.first", ""},
		"direct, another platform's": {func(d *subfive.Delivery) { d.Conversion = direct("fbclid", "IwAR") }, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(nil)
			tt.change(&d)
			got := render(t, d).User
			if got.Ttclid != tt.ttclid || got.Ttp != tt.ttp {
				t.Errorf("ttclid %q ttp %q, want %q %q", got.Ttclid, got.Ttp, tt.ttclid, tt.ttp)
			}
		})
	}
}

func direct(param, value string) subfive.Conversion {
	return subfive.Conversion{DirectParam: param, DirectValue: value}
}

func TestLocale(t *testing.T) {
	tests := map[string]struct{ language, want string }{
		"one":               {"de-DE", "de-DE"},
		"first of several":  {"en-US,en;q=0.9,de;q=0.8", "en-US"},
		"with its weight":   {"pt;q=0.9, en", "pt"},
		"script and region": {"zh-Hant-TW", "zh-Hant-TW"},
		"any":               {"*", ""},
		"underscore":        {"en_US", ""},
		"none":              {"", ""},
		"noise":             {"<script>", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(nil)
			d.Click.Language = tt.language
			if got := render(t, d).User.Locale; got != tt.want {
				t.Errorf("locale %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPage(t *testing.T) {
	const lp = "default_event_source_url: https://lp.example.com/?v=2\n"
	tests := map[string]struct{ settings, page, site, want string }{
		"as loaded":              {lp, "https://lp.example.com/a", "https://trk.example.com", "https://lp.example.com/a"},
		"query and fragment go":  {"", "https://lp.example.com/a?sub1=x&y#z?ttclid=q", "", "https://lp.example.com/a"},
		"ttclid stays":           {"", "https://lp.example.com/a?sub1=x&ttclid=E.C%2EP&y", "", "https://lp.example.com/a?ttclid=E.C%2EP"},
		"not ttclid but similar": {"", "https://lp.example.com/a?xttclid=1&ttclid2=2", "", "https://lp.example.com/a"},
		"none: the default":      {lp, "", "https://trk.example.com", "https://lp.example.com/?v=2"},
		"none, no default":       {"", "", "https://trk.example.com", "https://trk.example.com"},
		"not a page":             {"", "javascript:alert(1)", "https://trk.example.com", "https://trk.example.com"},
		"with a password":        {"", "https://u:p@lp.example.com/", "https://trk.example.com", "https://trk.example.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(nil)
			d.PageURL, d.SiteURL = tt.page, tt.site
			b, err := newTikTok(t, tt.settings).Event(d)
			if err != nil {
				t.Fatal(err)
			}
			var got sent
			if err := json.Unmarshal(b, &got); err != nil || got.Page.URL != tt.want {
				t.Errorf("page.url %q (%v), want %q", got.Page.URL, err, tt.want)
			}
		})
	}
}

func TestEventIDIsAlwaysText(t *testing.T) {
	d := purchaseOf(nil)
	d.EventID = "1234567890"
	if got := render(t, d).ID; got != "1234567890" {
		t.Errorf("event_id %#v, want it as a string", got)
	}
}

func TestPhoneIsHashedWithItsPlus(t *testing.T) {
	d := purchaseOf(nil)
	d.User = map[string]string{subfive.UserPhone: "(+1)2133734253"}
	const documented = "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"
	if got := render(t, d).User.Phone; got != documented {
		t.Errorf("phone %q, want %q", got, documented)
	}
}

func TestEventRefusals(t *testing.T) {
	tests := map[string]struct {
		change func(d *subfive.Delivery)
		says   string
	}{
		"no name":      {func(d *subfive.Delivery) { d.EventName = "" }, "no event name"},
		"no ID":        {func(d *subfive.Delivery) { d.EventID = "" }, "no event ID"},
		"no time":      {func(d *subfive.Delivery) { d.EventTime = time.Time{} }, "no event time"},
		"no page":      {func(d *subfive.Delivery) { d.SiteURL = "" }, "default_event_source_url"},
		"no currency":  {func(d *subfive.Delivery) { d.Value = &subfive.Money{Amount: 1} }, "ISO 4217"},
		"crypto":       {func(d *subfive.Delivery) { d.Value.Currency = "BTC" }, "no money in BTC"},
		"nobody":       {func(d *subfive.Delivery) { d.Click = nil }, "nothing is known"},
		"browser only": {func(d *subfive.Delivery) { d.Click.ID, d.Click.Request.ClientAddr = "", "" }, "nothing is known"},
		"address only": {func(d *subfive.Delivery) { d.Click.ID, d.Click.Request.UserAgent = "", "" }, "nothing is known"},
		"name and place": {func(d *subfive.Delivery) {
			d.Click = nil
			d.User = map[string]string{subfive.UserFirstName: "Jane", subfive.UserZip: "94035", subfive.UserCity: "Paris"}
		}, "nothing is known"},
		"another platform's click ID": {func(d *subfive.Delivery) { d.Click, d.Conversion = nil, direct("fbclid", "IwAR") }, "nothing is known"},
		"reversal by a retired name": {func(d *subfive.Delivery) {
			d.Kind, d.EventName = subfive.KindRetraction, "CompletePayment"
		}, "can't be taken back"},
		"restatement":            {func(d *subfive.Delivery) { d.Kind = subfive.KindRestatement }, "on_payout_change"},
		"test mode without code": {func(d *subfive.Delivery) { d.Mode = subfive.ModeTest }, "test_event_code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(nil)
			tt.change(&d)
			if b, err := newTikTok(t, "").Event(d); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %s, %v; want an error with %q", b, err, tt.says)
			}
		})
	}
}

func TestRequestRefusals(t *testing.T) {
	f := newTikTok(t, "")
	if _, err := f.Request(t.Context(), forwarders.Batch{}); err == nil {
		t.Error("a request without events was made")
	}
	test := forwarders.Batch{Test: true, Events: [][]byte{[]byte("{}")}}
	if _, err := f.Request(t.Context(), test); err == nil {
		t.Error("a test request without a test code was made: it would count")
	}
}

func TestAuthorize(t *testing.T) {
	f := newTikTok(t, "")
	r, err := f.Request(t.Context(), forwarders.Batch{Events: [][]byte{[]byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Authorize(t.Context(), r, false); err != nil {
		t.Fatal(err)
	}
	got := []string{r.Header.Get("Access-Token"), r.Header.Get("Authorization"), r.URL.String()}
	want := []string{token, "", "https://business-api.tiktok.com/open_api/v1.3/event/track/"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func BenchmarkEvent(b *testing.B) {
	f := newTikTok(b, "")
	const id = "E.C.P.v3fQ2RHacdksKfofPmlyuStIIHJ4Af1tKYxF9zz2c2PLx1Oaw15oHpcfl5AH"
	d := purchaseOf(map[string]string{paramTtclid: id, paramTtp: "2Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr"})
	d.PageURL = "https://lp.example.com/offer-1?ttclid=" + id
	d.User = map[string]string{
		subfive.UserEmail: strings.Repeat("ab", 32), subfive.UserPhone: strings.Repeat("cd", 32), subfive.UserID: strings.Repeat("ef", 32),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Event(d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func ExamplePlatform() {
	p := Platform()
	settings := "pixel_code: C4ABCDEF0123456789AB\naccess_token: ${TIKTOK_TOKEN}\n"
	f, err := p.New(forwardertest.Decode([]byte(settings)), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Account(), p.ClickParams, p.DedupWindow)
	_, err = f.Event(subfive.Delivery{Kind: subfive.KindRestatement})
	fmt.Println(err)
	// Output:
	// tiktok:C4ABCDEF0123456789AB [ttclid _ttp] 48h0m0s
	// an event's value can't be changed at TikTok: set on_payout_change to none
}
