package meta

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestPlatform(t *testing.T) { forwardertest.Run(t, Platform(), ".") }

const token = "EAAexampleTokenOfTheDataset0123456789"

func newMeta(t testing.TB, more string) forwarders.Forwarder {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte("dataset_id: 123456789012345\naccess_token: "+token+"\n"+more)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// purchaseOf returns a delivery of a click with those parameters.
func purchaseOf(clickedAt time.Time, params map[string]string) subfive.Delivery {
	return subfive.Delivery{
		Kind: subfive.KindConversion, EventName: purchase, EventID: "cv_1", EventTime: clickedAt.Add(time.Hour),
		Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"}, SiteURL: "https://trk.example.com",
		Click: &subfive.Click{
			ID: "01jd8q3v5m9w2x7y4z6a8b0c1d", ClickedAt: clickedAt, Params: params,
			Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0"},
		},
	}
}

// sent is what a test looks at in an event.
type sent struct {
	User struct {
		Fbc string `json:"fbc"`
		Fbp string `json:"fbp"`
	} `json:"user_data"`
	URL string `json:"event_source_url"`
}

func render(t testing.TB, d subfive.Delivery) sent {
	t.Helper()
	b, err := newMeta(t, "").Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var s sent
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLongClickIDArrivesByteForByte(t *testing.T) {
	var id strings.Builder
	for i := range 500 {
		const mixed = "aZ0bY9_cX8-dW7eV6"
		id.WriteByte(mixed[(i*7+i/17)%len(mixed)])
	}
	fbclid := id.String()
	at := time.UnixMilli(1795166130123).UTC()
	d := purchaseOf(at, map[string]string{"fbclid": fbclid})
	d.PageURL = "https://lp.example.com/a?x=1&fbclid=" + fbclid + "&sub1=label"
	got := render(t, d)
	if want := "fb.1.1795166130123." + fbclid; len(fbclid) != 500 || got.User.Fbc != want {
		t.Errorf("fbc %q, want %q", got.User.Fbc, want)
	}
	if want := "https://lp.example.com/a?fbclid=" + fbclid; got.URL != want {
		t.Errorf("event_source_url %q, want %q", got.URL, want)
	}
}

// TestFbcVectors walks the fbc lines of the vectors that package identity keeps.
func TestFbcVectors(t *testing.T) {
	b, err := os.ReadFile("../../identity/testdata/meta_tiktok.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Field, Raw, Normalized, Note string
		Context                      struct {
			Input    string
			ClickMS  int64  `json:"click_unix_ms"`
			NowMS    int64  `json:"now_unix_ms"`
			Existing string `json:"existing_fbc"`
		}
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	walked := 0
	for _, v := range vectors {
		if v.Field != "fbc" {
			continue
		}
		walked++
		params := map[string]string{"fbclid": v.Raw}
		if v.Context.Input == "fbc" {
			params = map[string]string{"_fbc": v.Raw}
		}
		if v.Context.Existing != "" {
			params["_fbc"] = v.Context.Existing
		}
		at := time.UnixMilli(max(v.Context.ClickMS, v.Context.NowMS, 1))
		if got := fbc(purchaseOf(at, params)); got != v.Normalized {
			t.Errorf("%s (%s): fbc %q, want %q", v.Raw, v.Note, got, v.Normalized)
		}
	}
	if walked != 3 {
		t.Errorf("walked %d vectors, want 3", walked)
	}
}

func TestClickParams(t *testing.T) {
	at := time.UnixMilli(1795166130123)
	const old = "fb.1.1795160000000.IwAR_a-B"
	tests := map[string]struct {
		params   map[string]string
		fbc, fbp string
	}{
		"fbclid":                             {map[string]string{"fbclid": "IwAR_a-B"}, "fb.1.1795166130123.IwAR_a-B", ""},
		"cookie of the same click":           {map[string]string{"fbclid": "IwAR_a-B", "_fbc": old}, old, ""},
		"cookie differs in case alone":       {map[string]string{"fbclid": "IwAR_A-B", "_fbc": old}, "fb.1.1795166130123.IwAR_A-B", ""},
		"cookie without fbclid":              {map[string]string{"_fbc": old}, old, ""},
		"cookie with the library's tag":      {map[string]string{"fbclid": "IwAR_a-B", "_fbc": old + ".AQQAAQMC"}, old + ".AQQAAQMC", ""},
		"cookie with the older tag":          {map[string]string{"_fbc": old + ".Ag"}, old + ".Ag", ""},
		"cookie with a part too many":        {map[string]string{"_fbc": old + ".AQQ"}, "", ""},
		"cookie broken, fbclid whole":        {map[string]string{"fbclid": "IwAR_a-B", "_fbc": "fb.1.x"}, "fb.1.1795166130123.IwAR_a-B", ""},
		"fbclid that no fbc can hold":        {map[string]string{"fbclid": "a b"}, "", ""},
		"fbclid not UTF-8":                   {map[string]string{"fbclid": "a\xff"}, "", ""},
		"empty fbclid":                       {map[string]string{"fbclid": ""}, "", ""},
		"fbp":                                {map[string]string{"_fbp": "fb.1.1795160000000.1098115397"}, "", "fb.1.1795160000000.1098115397"},
		"fbp of another form is not guessed": {map[string]string{"_fbp": "1098115397"}, "", ""},
		"fbp with seconds":                   {map[string]string{"_fbp": "fb.1.1795160000.1098115397"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(t, purchaseOf(at, tt.params))
			if got.User.Fbc != tt.fbc || got.User.Fbp != tt.fbp {
				t.Errorf("fbc %q fbp %q, want %q %q", got.User.Fbc, got.User.Fbp, tt.fbc, tt.fbp)
			}
		})
	}
}

func TestDirectModeKeepsOneTime(t *testing.T) {
	converted := time.UnixMilli(1795172523000)
	d := purchaseOf(converted, nil)
	d.Click = nil
	d.Conversion = subfive.Conversion{DirectParam: "fbclid", DirectValue: "IwAR_a-B", ConvertedAt: converted}
	first := render(t, d).User.Fbc
	d.Kind, d.EventTime = subfive.KindApproval, converted.Add(48*time.Hour)
	if again := render(t, d).User.Fbc; first != "fb.1.1795172523000.IwAR_a-B" || again != first {
		t.Errorf("fbc %q, at the approval %q", first, again)
	}
	d.Conversion.DirectParam = "ttclid"
	if _, err := newMeta(t, "").Event(d); err == nil {
		t.Error("another platform's click ID passed for Meta's")
	}
}

func TestPage(t *testing.T) {
	tests := map[string]struct{ page, want string }{
		"as loaded":              {"https://lp.example.com/a", "https://lp.example.com/a"},
		"query and fragment go":  {"https://lp.example.com/a?sub1=x&y#z?fbclid=q", "https://lp.example.com/a"},
		"fbclid stays":           {"https://lp.example.com/a?sub1=x&fbclid=Ab%2Dc&y", "https://lp.example.com/a?fbclid=Ab%2Dc"},
		"not fbclid but similar": {"https://lp.example.com/a?xfbclid=1&fbclid2=2", "https://lp.example.com/a"},
		"none":                   {"", "https://trk.example.com"},
		"not a page":             {"javascript:alert(1)", "https://trk.example.com"},
		"with a password":        {"https://u:p@lp.example.com/", "https://trk.example.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(time.UnixMilli(1795166130123), map[string]string{"fbclid": "IwAR"})
			d.PageURL = tt.page
			if got := render(t, d).URL; got != tt.want {
				t.Errorf("event_source_url %q, want %q", got, tt.want)
			}
		})
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
		"no value":     {func(d *subfive.Delivery) { d.Value = nil }, "needs a value"},
		"no currency":  {func(d *subfive.Delivery) { d.Value = &subfive.Money{Amount: 1} }, "ISO 4217"},
		"nobody":       {func(d *subfive.Delivery) { d.Click = nil }, "nothing is known"},
		"browser only": {func(d *subfive.Delivery) { d.Click.ID, d.Click.Request.ClientAddr = "", "" }, "client_user_agent"},
		"name, gender": {func(d *subfive.Delivery) {
			d.Click = nil
			d.User = map[string]string{subfive.UserFirstName: "Jane", subfive.UserGender: "f"}
		}, "fn, ge"},
		"birthday and browser": {func(d *subfive.Delivery) {
			d.Click.ID, d.Click.Request.ClientAddr = "", ""
			d.User = map[string]string{subfive.UserBirthdate: "1997-02-16"}
		}, "db, client_user_agent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := purchaseOf(time.UnixMilli(1795166130123), nil)
			tt.change(&d)
			if b, err := newMeta(t, "").Event(d); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %s, %v; want an error with %q", b, err, tt.says)
			}
		})
	}
}

func TestRequestRefusals(t *testing.T) {
	f := newMeta(t, "")
	if _, err := f.Request(t.Context(), forwarders.Batch{}); err == nil {
		t.Error("a request without events was made")
	}
	test := forwarders.Batch{Test: true, Events: [][]byte{[]byte("{}")}}
	if _, err := f.Request(t.Context(), test); err == nil {
		t.Error("a test request without a test code was made: it would count")
	}
}

func TestAuthorize(t *testing.T) {
	r, err := newMeta(t, "").Request(t.Context(), forwarders.Batch{Events: [][]byte{[]byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	// HMAC-SHA256 of the token under the key "shh", by openssl.
	const proof = "5a4f91cf50d03996180db3205ac81ab488c559e46de52a6974eb9a88a1f22c76"
	if err := newMeta(t, "app_secret: shh\n").Authorize(t.Context(), r, false); err != nil {
		t.Fatal(err)
	}
	got := []string{r.Header.Get("Authorization"), r.URL.String()}
	want := []string{"Bearer " + token, "https://graph.facebook.com/v26.0/123456789012345/events?appsecret_proof=" + proof}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSettings(t *testing.T) {
	const id, tok = "dataset_id: 1\n", "access_token: t\n"
	tests := map[string]struct{ yaml, says string }{
		"least":                 {id + tok, ""},
		"all":                   {id + tok + "app_secret: s\napi_version: v25.0\ntest_event_code: TEST1\npartner_agent: acme\ndefault_event_source_url: https://lp.example.com\nomit_referrer: true\ndata_processing_options: [LDU]\ndata_processing_options_country: 1\ndata_processing_options_state: 1013\n", ""},
		"no dataset":            {tok, "dataset_id is missing"},
		"dataset by name":       {"dataset_id: shop\n" + tok, "not a number"},
		"no token":              {id, "access_token is missing"},
		"token in two lines":    {id + "access_token: \"a\\nb\"\n", "access_token contains"},
		"version without v":     {id + tok + "api_version: \"26.0\"\n", "api_version"},
		"version with a path":   {id + tok + "api_version: v26.0/..\n", "api_version"},
		"agent without letters": {id + tok + "partner_agent: \"1.0\"\n", "partner_agent"},
		"agent of 23":           {id + tok + "partner_agent: abcdefghijklmnopqrstuvw\n", "partner_agent"},
		"test code in words":    {id + tok + "test_event_code: my test\n", "test_event_code"},
		"page without scheme":   {id + tok + "default_event_source_url: lp.example.com\n", "default_event_source_url"},
		"another option":        {id + tok + "data_processing_options: [GDPR]\n", "data_processing_options"},
		"country code":          {id + tok + "data_processing_options_country: 49\n", "country 49"},
		"state unknown":         {id + tok + "data_processing_options_country: 1\ndata_processing_options_state: 1014\n", "state 1014"},
		"country alone":         {id + tok + "data_processing_options_country: 1\n", "need each other"},
		"two faults, both told": {id + tok + "api_version: x\ndata_processing_options: [y]\n", "\ndata_processing_options"},
		"misspelled":            {id + tok + "acces_token: x\n", "acces_token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Platform().New(forwardertest.Decode([]byte(tt.yaml)), nil)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// FuzzFbc holds that an fbc is one that Meta takes or none, and that it ends in
// the fbclid as it came.
func FuzzFbc(f *testing.F) {
	f.Add("IwAR_a-B", "fb.1.1795160000000.IwAR_a-B.AQQAAQMC")
	f.Add("", "fb.1.1795160000000.x")
	f.Add("a.b", "fb.0.1.x")
	f.Fuzz(func(t *testing.T, fbclid, cookie string) {
		got := fbc(purchaseOf(time.UnixMilli(1795166130123), map[string]string{"fbclid": fbclid, "_fbc": cookie}))
		if got == "" || got == cookie {
			return
		}
		if got != "fb.1.1795166130123."+fbclid || !fbcForm.MatchString(got) {
			t.Errorf("fbclid %q, cookie %q: fbc %q", fbclid, cookie, got)
		}
	})
}

// What we read by hand is what these say.
var (
	fbcForm = regexp.MustCompile(`^fb\.\d+\.\d{13}\.[^.\s]+(\.[A-Za-z0-9_-]{2}|\.[A-Za-z0-9_-]{8})?$`)
	fbpForm = regexp.MustCompile(`^fb\.\d+\.\d{13}\.\d+(\.[A-Za-z0-9_-]{2}|\.[A-Za-z0-9_-]{8})?$`)
)

func FuzzCookies(f *testing.F) {
	for _, seed := range []string{
		"", "fb.1.1795166130123.x", "fb.1.1795166130123.123.AQ", "fb.01.1795166130123.1.abcdefgh", "fb..1795166130123.x", "fb.1.179516613012.x",
		"fb.1.1795166130123.", "fb.1.1795166130123.x.abc", "fb.1.1795166130123.x.ab.cd", "fb.1.1795166130123. x", "fb.1.1795166130123.1\v2", "fb.1.1795166130123.é.é_",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		id := payload(value)
		if got, want := id != "", fbcForm.MatchString(value); got != want {
			t.Errorf("%q as _fbc: %v, want %v", value, got, want)
		}
		if got, want := digits(id), fbpForm.MatchString(value); got != want {
			t.Errorf("%q as _fbp: %v, want %v", value, got, want)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	f := newMeta(b, "")
	d := purchaseOf(time.UnixMilli(1795166130123), map[string]string{
		"fbclid": "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk", "_fbp": "fb.1.1795160000000.1098115397",
	})
	d.PageURL = "https://lp.example.com/offer-1?fbclid=IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk"
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
	settings := "dataset_id: 123456789012345\naccess_token: ${META_TOKEN}\n"
	f, err := p.New(forwardertest.Decode([]byte(settings)), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Account(), p.ClickParams, p.DedupWindow)
	_, err = f.Event(subfive.Delivery{Kind: subfive.KindRestatement})
	fmt.Println(err)
	// Output:
	// meta:123456789012345 [fbclid _fbc _fbp] 48h0m0s
	// an event's value can't be changed at Meta: set on_payout_change to none
}
