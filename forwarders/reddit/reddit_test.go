package reddit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestPlatform(t *testing.T) { forwardertest.Run(t, Platform(), ".") }

const (
	token = "eyJexampleConversionAccessToken.0123456789"
	least = "pixel_id: a2_abc123\naccess_token: " + token + "\n"
	agent = "Mozilla/5.0"
)

func newReddit(t testing.TB, more string) forwarders.Forwarder {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte(least+more)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// sale returns the delivery of a sale whose click has those parameters.
func sale(params map[string]string) subfive.Delivery {
	return subfive.Delivery{
		Kind: subfive.KindConversion, EventName: purchase, EventID: "cv_1", EventTime: noon.Add(-time.Hour), CreatedAt: noon,
		Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"}, SiteURL: "https://trk.example.com",
		Click: &subfive.Click{
			ID: "01jd8q3v5m9w2x7y4z6a8b0c1d", ClickedAt: noon.Add(-2 * time.Hour), Params: params,
			Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: agent},
		},
	}
}

// rendered is an event as Reddit reads it.
type rendered struct {
	At      int64  `json:"event_at"`
	URL     string `json:"event_source_url"`
	ClickID string `json:"click_id"`
	Type    struct {
		Tracking string `json:"tracking_type"`
		Custom   string `json:"custom_event_name"`
	} `json:"type"`
	User struct {
		UUID      string `json:"uuid"`
		UserAgent string `json:"user_agent"`
	} `json:"user"`
	Metadata struct {
		Value *json.Number `json:"value"`
	} `json:"metadata"`
}

func render(t testing.TB, d subfive.Delivery) rendered {
	t.Helper()
	b, err := newReddit(t, "").Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var e rendered
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestClickParams(t *testing.T) {
	const id = "0f8b2c4e-9a1d-4c3b-8e7f-6a5b4c3d2e1f"
	long := strings.Repeat("aZ0bY9_cX8-dW7~", 40)
	tests := map[string]struct {
		params        map[string]string
		clickID, uuid string
	}{
		"click ID":                    {map[string]string{"rdt_cid": "aB-1_~"}, "aB-1_~", ""},
		"long, byte for byte":         {map[string]string{"rdt_cid": long}, long, ""},
		"marks that JSON escapes":     {map[string]string{"rdt_cid": "a\"b\\c<&> d "}, "a\"b\\c<&> d ", ""},
		"not UTF-8":                   {map[string]string{"rdt_cid": "a\xff"}, "", ""},
		"empty":                       {map[string]string{"rdt_cid": ""}, "", ""},
		"cookie":                      {map[string]string{"_rdt_uuid": "1763629329457." + id}, "", id},
		"cookie in capitals":          {map[string]string{"_rdt_uuid": "1763629329457." + strings.ToUpper(id)}, "", strings.ToUpper(id)},
		"cookie without its time":     {map[string]string{"_rdt_uuid": id}, "", ""},
		"cookie cut off":              {map[string]string{"_rdt_uuid": "1763629329457." + id[:35]}, "", ""},
		"cookie with something after": {map[string]string{"_rdt_uuid": "1763629329457." + id + ".1"}, "", ""},
		"another platform's":          {map[string]string{"fbclid": "IwAR"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(t, sale(tt.params))
			if d := cmp.Diff([]string{tt.clickID, tt.uuid}, []string{got.ClickID, got.User.UUID}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDirectMode(t *testing.T) {
	d := sale(nil)
	d.Click = nil
	d.Conversion = subfive.Conversion{DirectParam: "rdt_cid", DirectValue: "aB-1_~"}
	if got := render(t, d).ClickID; got != "aB-1_~" {
		t.Errorf("click_id %q", got)
	}
	d.Conversion.DirectParam = "fbclid"
	if b, err := newReddit(t, "").Event(d); err == nil {
		t.Errorf("another platform's click ID passed for Reddit's: %s", b)
	}
}

func TestTypes(t *testing.T) {
	tests := map[string]struct {
		tracking, custom string
		valued           bool
	}{
		"PAGE_VISIT":            {"PAGE_VISIT", "", false},
		"VIEW_CONTENT":          {"VIEW_CONTENT", "", false},
		"SEARCH":                {"SEARCH", "", false},
		"ADD_TO_CART":           {"ADD_TO_CART", "", true},
		"ADD_TO_WISHLIST":       {"ADD_TO_WISHLIST", "", true},
		"PURCHASE":              {"PURCHASE", "", true},
		"LEAD":                  {"LEAD", "", true},
		"SIGN_UP":               {"SIGN_UP", "", true},
		"SignUp":                {"SIGN_UP", "", true}, // version 2's spelling
		"purchase":              {"PURCHASE", "", true},
		"Refund":                {"CUSTOM", "Refund", true},
		"Purchases":             {"CUSTOM", "Purchases", true},
		strings.Repeat("é", 64): {"CUSTOM", strings.Repeat("é", 64), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale(nil)
			d.EventName = name
			got := render(t, d)
			if got.Type.Tracking != tt.tracking || got.Type.Custom != tt.custom || (got.Metadata.Value != nil) != tt.valued {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestEventTime(t *testing.T) {
	tests := map[string]struct {
		at   time.Time
		want int64
	}{
		"milliseconds":          {noon.Add(-time.Minute + 123*time.Millisecond), noon.UnixMilli() - 60_000 + 123},
		"network's clock ahead": {noon.Add(10 * time.Minute), noon.UnixMilli()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale(nil)
			d.EventTime = tt.at
			if got := render(t, d).At; got != tt.want {
				t.Errorf("event_at %d, want %d", got, tt.want)
			}
		})
	}
	d := sale(nil)
	d.CreatedAt = time.Time{} // a preview of what is not stored yet
	if got, want := render(t, d).At, d.EventTime.UnixMilli(); got != want {
		t.Errorf("event_at %d, want %d", got, want)
	}
}

func TestPage(t *testing.T) {
	tests := map[string]struct{ page, want string }{
		"as loaded":             {"https://lp.example.com/a", "https://lp.example.com/a"},
		"query, fragment go":    {"https://lp.example.com/a?sub1=x&y#z?rdt_cid=q", "https://lp.example.com/a"},
		"click ID stays":        {"https://lp.example.com/a?sub1=x&rdt_cid=Ab%2Dc&y", "https://lp.example.com/a?rdt_cid=Ab%2Dc"},
		"similar, but another":  {"https://lp.example.com/a?xrdt_cid=1&rdt_cid2=2", "https://lp.example.com/a"},
		"none":                  {"", "https://trk.example.com"},
		"not a page":            {"javascript:alert(1)", "https://trk.example.com"},
		"with a password in it": {"https://u:p@lp.example.com/", "https://trk.example.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale(nil)
			d.PageURL = tt.page
			if got := render(t, d).URL; got != tt.want {
				t.Errorf("event_source_url %q, want %q", got, tt.want)
			}
		})
	}
	d := sale(nil)
	d.SiteURL = ""
	if got := render(t, d).URL; got != "" { // it is optional
		t.Errorf("event_source_url %q of nowhere", got)
	}
}

func TestDigestIsNoBrowser(t *testing.T) {
	d := sale(map[string]string{"rdt_cid": "x"})
	d.Click.Request.UserAgent = strings.Repeat("ab", 32)
	if got := render(t, d).User.UserAgent; got != "" {
		t.Errorf("user_agent %q", got)
	}
}

func TestEventRefusals(t *testing.T) {
	tests := map[string]struct {
		change func(d *subfive.Delivery)
		says   string
	}{
		"no name":          {func(d *subfive.Delivery) { d.EventName = "" }, "no event name"},
		"spaced name":      {func(d *subfive.Delivery) { d.EventName = " Refund" }, "white space"},
		"name not UTF-8":   {func(d *subfive.Delivery) { d.EventName = "a\xff" }, "not UTF-8"},
		"name of 65":       {func(d *subfive.Delivery) { d.EventName = strings.Repeat("é", 65) }, "64 characters"},
		"custom, unnamed":  {func(d *subfive.Delivery) { d.EventName = "Custom" }, "a name of its own"},
		"no ID":            {func(d *subfive.Delivery) { d.EventID = "" }, "no event ID"},
		"no time":          {func(d *subfive.Delivery) { d.EventTime = time.Time{} }, "no event time"},
		"before Reddit":    {func(d *subfive.Delivery) { d.EventTime = time.UnixMilli(1e12 - 1) }, "2001"},
		"no currency":      {func(d *subfive.Delivery) { d.Value = &subfive.Money{Amount: 1} }, "ISO 4217"},
		"negative":         {func(d *subfive.Delivery) { d.Value.Amount = -1 }, "negative"},
		"nobody":           {func(d *subfive.Delivery) { d.Click = nil }, "nothing is known"},
		"browser only":     {func(d *subfive.Delivery) { d.Click.Request.ClientAddr = "" }, "not both address and user agent"},
		"address only":     {func(d *subfive.Delivery) { d.Click.Request.UserAgent = " " }, "not both address and user agent"},
		"name, city":       {func(d *subfive.Delivery) { d.Click = nil; d.User = map[string]string{"city": "Paris"} }, "nothing is known"},
		"no test ID":       {func(d *subfive.Delivery) { d.Mode = subfive.ModeTest }, "test_id"},
		"restated":         {func(d *subfive.Delivery) { d.Kind = subfive.KindRestatement }, "on_payout_change"},
		"taken back":       {func(d *subfive.Delivery) { d.Kind = subfive.KindRetraction }, "on_reversal"},
		"taken back, bare": {func(d *subfive.Delivery) { d.Kind, d.EventName = subfive.KindRetraction, "" }, "on_reversal"},
		"limited nowhere":  {func(d *subfive.Delivery) { d.LimitedUse = true }, "data_processing_options_country"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale(nil)
			tt.change(&d)
			if b, err := newReddit(t, "").Event(d); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %s, %v; want an error with %q", b, err, tt.says)
			}
		})
	}
}

// Whether it can limit is known before a delivery is made.
func TestLimitsWantACountry(t *testing.T) {
	for name, tt := range map[string]struct {
		settings, country string
		can               bool
	}{
		"nobody knows":          {"", "", false},
		"the visitor's":         {"", "US", true},
		"the settings' for all": {"data_processing_options_country: US\n", "", true},
	} {
		if err := newReddit(t, tt.settings).(forwarders.Limiter).Limits(tt.country, "192.0.2.1"); (err == nil) != tt.can {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The country that Reddit wants with Limited Data Use is the settings', else the
// visitor's: the click's, else the postback's.
func TestCountryOfLimitedUse(t *testing.T) {
	const country = "data_processing_options_country: US\n"
	tests := map[string]struct{ settings, click, user, want string }{
		"the settings'":  {country, "CA", "ca", `{"modes":["LDU"],"country":"US"}`},
		"the click's":    {"", "CA", "us", `{"modes":["LDU"],"country":"CA"}`},
		"the postback's": {"", "", "United States", `{"modes":["LDU"],"country":"US"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale(nil)
			d.LimitedUse, d.Click.Visitor.Country, d.User = true, tt.click, map[string]string{subfive.UserCountry: tt.user}
			event, err := newReddit(t, tt.settings).Event(d)
			if err != nil || !strings.Contains(string(event), `"data_processing_options":`+tt.want) {
				t.Errorf("got %s, %v; want %s in it", event, err, tt.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	f := newReddit(t, "")
	if _, err := f.Request(t.Context(), forwarders.Batch{}); err == nil {
		t.Error("a request without events was made")
	}
	one := [][]byte{[]byte("{}")}
	if _, err := f.Request(t.Context(), forwarders.Batch{Test: true, Events: one}); err == nil {
		t.Error("a test request without a test ID was made: it would count")
	}
	r, err := f.Request(t.Context(), forwarders.Batch{Events: one})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Authorize(t.Context(), r, true); err != nil {
		t.Fatal(err)
	}
	got := []string{r.URL.String(), r.Header.Get("Authorization"), r.Header.Get("User-Agent")}
	want := []string{
		"https://ads-api.reddit.com/api/v3/pixels/a2_abc123/conversion_events", "Bearer " + token, "subfive:conversions-api:1 (by a2_abc123)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func BenchmarkEvent(b *testing.B) {
	f := newReddit(b, "")
	d := sale(map[string]string{
		"rdt_cid": strings.Repeat("aZ0bY9_cX8-dW7~", 5), "_rdt_uuid": "1763629329457.0f8b2c4e-9a1d-4c3b-8e7f-6a5b4c3d2e1f",
	})
	d.PageURL = "https://lp.example.com/offer-1?rdt_cid=" + strings.Repeat("aZ0bY9_cX8-dW7~", 5)
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
	settings := "pixel_id: a2_abc123\naccess_token: ${REDDIT_TOKEN}\n"
	f, err := p.New(forwardertest.Decode([]byte(settings)), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Account(), p.ClickParams, p.MaxAge, p.Goals)
	_, err = f.Event(subfive.Delivery{Kind: subfive.KindRestatement})
	fmt.Println(err)
	// Output:
	// reddit:a2_abc123 [rdt_cid _rdt_uuid] 167h0m0s map[base:PURCHASE]
	// an event's value can't be changed at Reddit: set on_payout_change to none
}
