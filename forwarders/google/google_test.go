package google

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestDataManager(t *testing.T) { forwardertest.RunData(t, Platform(), "testdata/data_manager") }

func TestGoogleAds(t *testing.T) { forwardertest.RunData(t, Platform(), "testdata/google_ads") }

const least = `customer_id: 123-456-7890
conversion_action_id: "6543210987"
credentials: {client_id: c, client_secret: GOCSPX-example, refresh_token: 1//0example}
`

func newGoogle(t testing.TB, more string) forwarders.Forwarder {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte(least+more)), http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// sale returns the delivery of a sale whose click has those parameters.
func sale(params map[string]string) subfive.Delivery {
	return subfive.Delivery{
		Kind: subfive.KindConversion, EventName: "Purchase", EventID: "cv_1", EventTime: noon.Add(-time.Hour), CreatedAt: noon,
		Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"},
		Click: &subfive.Click{
			ID: "01jd8q3v5m9w2x7y4z6a8b0c1d", ClickedAt: noon.Add(-2 * time.Hour), Params: params,
			Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0"},
		},
	}
}

// clicked returns a sale that Google takes.
func clicked() subfive.Delivery { return sale(map[string]string{"gclid": "Cj0"}) }

// render returns an event as Google reads it.
func render(t testing.TB, f forwarders.Forwarder, d subfive.Delivery) event {
	t.Helper()
	b, err := f.Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOneClickID(t *testing.T) {
	long := strings.Repeat("aZ0bY9_cX8-dW7~", 40)
	mozilla := device{UserAgent: "Mozilla/5.0"}
	tests := map[string]struct {
		params map[string]string
		want   adIdentifiers
	}{
		"gclid":                   {map[string]string{"gclid": "Cj0-_~"}, adIdentifiers{clickID: clickID{GCLID: "Cj0-_~"}, Device: mozilla}},
		"gbraid":                  {map[string]string{"gbraid": "0AAA"}, adIdentifiers{clickID: clickID{GBRAID: "0AAA"}, Device: mozilla}},
		"wbraid":                  {map[string]string{"wbraid": "Cl8K"}, adIdentifiers{clickID: clickID{WBRAID: "Cl8K"}, Device: mozilla}},
		"all three":               {map[string]string{"gclid": "a", "gbraid": "b", "wbraid": "c"}, adIdentifiers{clickID: clickID{GCLID: "a"}, Device: mozilla}},
		"both that stand in":      {map[string]string{"gbraid": "b", "wbraid": "c"}, adIdentifiers{clickID: clickID{GBRAID: "b"}, Device: mozilla}},
		"empty gclid":             {map[string]string{"gclid": "", "wbraid": "c"}, adIdentifiers{clickID: clickID{WBRAID: "c"}, Device: mozilla}},
		"gclid not UTF-8":         {map[string]string{"gclid": "a\xff", "gbraid": "b"}, adIdentifiers{clickID: clickID{GBRAID: "b"}, Device: mozilla}},
		"long, byte for byte":     {map[string]string{"gclid": long}, adIdentifiers{clickID: clickID{GCLID: long}, Device: mozilla}},
		"marks that JSON escapes": {map[string]string{"gclid": "a\"b\\c<&> d "}, adIdentifiers{clickID: clickID{GCLID: "a\"b\\c<&> d "}, Device: mozilla}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, render(t, newGoogle(t, ""), sale(tt.params)).Ad, cmp.AllowUnexported(adIdentifiers{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDirectMode(t *testing.T) {
	d := sale(nil)
	d.Click = nil
	d.Conversion = subfive.Conversion{DirectParam: "wbraid", DirectValue: "Cl8K"}
	if diff := cmp.Diff(adIdentifiers{clickID: clickID{WBRAID: "Cl8K"}}, render(t, newGoogle(t, ""), d).Ad, cmp.AllowUnexported(adIdentifiers{})); diff != "" {
		t.Error(diff)
	}
	d.Conversion.DirectParam = "fbclid"
	if b, err := newGoogle(t, "").Event(d); err == nil {
		t.Errorf("another platform's click ID passed for Google's: %s", b)
	}
}

func TestConsentIsNeverTakenForGranted(t *testing.T) {
	const data, ads = "consent_ad_user_data", "consent_ad_personalization"
	tests := map[string]struct {
		said map[string]string
		want consent
	}{
		"in its spelling": {map[string]string{data: "CONSENT_GRANTED", ads: " consent_denied"}, consent{"CONSENT_GRANTED", "CONSENT_DENIED"}},
		"nothing":         {nil, consent{}},
		"granted":         {map[string]string{data: "granted", ads: "GRANTED"}, consent{"CONSENT_GRANTED", "CONSENT_GRANTED"}},
		"half denied":     {map[string]string{data: "granted", ads: "denied"}, consent{"CONSENT_GRANTED", "CONSENT_DENIED"}},
		"denied":          {map[string]string{data: "denied"}, consent{UserData: "CONSENT_DENIED"}},
		"unspecified":     {map[string]string{data: "unspecified", ads: "true"}, consent{}},
		"another's words": {map[string]string{"gdpr_consent": "CPX", "gpp": "DBAA"}, consent{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			d.Click.Consent = tt.said
			if diff := cmp.Diff(tt.want, render(t, newGoogle(t, ""), d).Consent); diff != "" {
				t.Error(diff)
			}
			d.Click.Consent, d.Conversion.Consent = nil, tt.said
			if diff := cmp.Diff(tt.want, render(t, newGoogle(t, ""), d).Consent); diff != "" {
				t.Errorf("passed on by the network: %s", diff)
			}
		})
	}
}

func TestEventTime(t *testing.T) {
	tests := map[string]struct {
		at, created time.Time
		want        string
	}{
		"whole second":          {noon.Add(-time.Minute), noon, "2026-11-24T11:59:00Z"},
		"milliseconds":          {noon.Add(-time.Minute + 123456*time.Microsecond), noon, "2026-11-24T11:59:00.123Z"},
		"network's clock ahead": {noon.Add(10 * time.Minute), noon, "2026-11-24T12:00:00Z"},
		"another zone":          {noon.Add(-time.Minute).In(time.FixedZone("", 3600)), noon, "2026-11-24T11:59:00Z"},
		"not stored yet":        {noon, time.Time{}, "2026-11-24T12:00:00Z"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			d.EventTime, d.CreatedAt = tt.at, tt.created
			if got := render(t, newGoogle(t, ""), d).At; got != tt.want {
				t.Errorf("eventTimestamp %s, want %s", got, tt.want)
			}
		})
	}
}

func TestUserDataIsAskedFor(t *testing.T) {
	d := clicked()
	d.User = map[string]string{subfive.UserEmail: "jane@example.com", subfive.UserZip: "94035", subfive.UserCountry: "US", subfive.UserFirstName: "Jane"}
	if u := render(t, newGoogle(t, ""), d).User; u != nil {
		t.Errorf("sent unasked: %+v", u)
	}
	// An address without its last name is of no use.
	want := &userData{[]userIdentifier{{Email: "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"}}}
	if diff := cmp.Diff(want, render(t, newGoogle(t, "user_data: true\n"), d).User); diff != "" {
		t.Error(diff)
	}
	d.Click.Params = map[string]string{"gbraid": "x"}
	if u := render(t, newGoogle(t, "user_data: true\n"), d).User; u != nil {
		t.Errorf("sent with a gbraid: %+v", u)
	}
}

func TestAddressStaysOutOfEurope(t *testing.T) {
	for country, want := range map[string]string{"": "203.0.113.9", "US": "203.0.113.9", "Germany": "", "GB": "", "ch": "", "Nowhere": "203.0.113.9"} {
		d := clicked()
		d.User = map[string]string{subfive.UserCountry: country}
		if got := render(t, newGoogle(t, "ip_address: true\n"), d).Ad.Device.IPAddress; got != want {
			t.Errorf("visitor of %q: address %q, want %q", country, got, want)
		}
	}
}

func TestDigestIsNoBrowser(t *testing.T) {
	d := clicked()
	d.Click.Request.UserAgent = strings.Repeat("ab", 32)
	if got := render(t, newGoogle(t, ""), d).Ad.Device; got != (device{}) {
		t.Errorf("%+v", got)
	}
}

func TestRestatementBearsTheConversionsID(t *testing.T) {
	d := clicked()
	d.Kind, d.EventID, d.ConversionID = subfive.KindRestatement, "dl_of_its_own", "cv_1"
	if got := render(t, newGoogle(t, ""), d).Transaction; got != "cv_1" {
		t.Errorf("transactionId %s: it would be another conversion", got)
	}
	d.Kind, d.EventID = subfive.KindApproval, "cv_1-approval"
	if got := render(t, newGoogle(t, ""), d).Transaction; got != "cv_1-approval" {
		t.Errorf("transactionId %s: it would be a restatement", got)
	}
}

func TestEventRefusals(t *testing.T) {
	tests := map[string]struct {
		change func(d *subfive.Delivery)
		says   string
	}{
		"no ID":             {func(d *subfive.Delivery) { d.EventID = "" }, "no event ID"},
		"ID not UTF-8":      {func(d *subfive.Delivery) { d.EventID = "\xff" }, "not UTF-8"},
		"no time":           {func(d *subfive.Delivery) { d.EventTime = time.Time{} }, "no event time"},
		"no currency":       {func(d *subfive.Delivery) { d.Value = &subfive.Money{Amount: 1} }, "ISO 4217"},
		"negative":          {func(d *subfive.Delivery) { d.Value.Amount = -1 }, "negative"},
		"nobody":            {func(d *subfive.Delivery) { d.Click = nil }, "nothing is known"},
		"browser only":      {func(d *subfive.Delivery) { d.Click.Params = nil }, "user_data is off"},
		"taken back":        {func(d *subfive.Delivery) { d.Kind = subfive.KindRetraction }, "can't be taken back"},
		"restated to what":  {func(d *subfive.Delivery) { d.Kind, d.Value = subfive.KindRestatement, nil }, "no value"},
		"told after 90 d":   {func(d *subfive.Delivery) { d.Click.ClickedAt = noon.Add(-maxAge - time.Second) }, "90 days"},
		"happened after it": {func(d *subfive.Delivery) { d.EventTime = d.Click.ClickedAt.Add(maxAge + 1) }, "90 days"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			tt.change(&d)
			if b, err := newGoogle(t, "").Event(d); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %s, %v; want an error with %q", b, err, tt.says)
			}
		})
	}
	d := clicked()
	d.Click.ClickedAt = noon.Add(-maxAge)
	if _, err := newGoogle(t, "").Event(d); err != nil {
		t.Errorf("on the last day: %v", err)
	}
}

func TestRequestAndQuestion(t *testing.T) {
	f := newGoogle(t, "")
	if _, err := f.Request(t.Context(), forwarders.Batch{}); err == nil {
		t.Error("a request without events was made")
	}
	c, ok := f.(forwarders.Confirmer)
	if !ok {
		t.Fatal("it can't be asked")
	}
	if _, err := c.Ask(t.Context(), ""); err == nil {
		t.Error("a question about nothing was made")
	}
	r, err := c.Ask(t.Context(), "a/b&c=d")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Method+" "+r.URL.String(), "GET https://datamanager.googleapis.com/v1/requestStatus:retrieve?requestId=a%2Fb%26c%3Dd"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func BenchmarkEvent(b *testing.B) {
	for _, api := range []string{apiDataManager, apiGoogleAds} {
		b.Run(api, func(b *testing.B) {
			f := newGoogle(b, "user_data: true\napi: "+api+"\n")
			d := sale(map[string]string{"gclid": strings.Repeat("aZ0bY9_cX8-dW7~", 6)})
			d.Click.Consent = map[string]string{"consent_ad_user_data": "granted"}
			d.User = map[string]string{subfive.UserEmail: strings.Repeat("ab", 32), subfive.UserPhone: strings.Repeat("cd", 32)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Event(d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func ExamplePlatform() {
	p := Platform()
	f, err := p.New(forwardertest.Decode([]byte(least)), http.DefaultClient)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Account(), p.ClickParams, p.MaxBatch)
	_, err = f.Event(subfive.Delivery{Kind: subfive.KindConversion, EventID: "cv_1", EventTime: noon})
	fmt.Println(err)
	// Output:
	// google:1234567890/6543210987 [gclid gbraid wbraid] 2000
	// nothing is known that Google could match by: no gclid, gbraid or wbraid, and user_data is off
}
