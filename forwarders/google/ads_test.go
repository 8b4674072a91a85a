package google

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

const adsAPI = "api: google_ads\n"

// renderAds returns a conversion as the Google Ads API reads it.
func renderAds(t testing.TB, f forwarders.Forwarder, d subfive.Delivery) clickConversion {
	t.Helper()
	b, err := f.Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var c clickConversion
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKindsHangOnTheAPI(t *testing.T) {
	tests := map[string][]subfive.Kind{
		"":                    {subfive.KindConversion, subfive.KindApproval, subfive.KindRestatement},
		"api: data_manager\n": {subfive.KindConversion, subfive.KindApproval, subfive.KindRestatement},
		adsAPI:                {subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement},
	}
	for settings, want := range tests {
		f, ok := newGoogle(t, settings).(forwarders.Teller)
		if !ok {
			t.Fatalf("%q: it does not say what it can be told", settings)
		}
		if diff := cmp.Diff(want, f.Kinds()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", settings, diff)
		}
	}
}

// A destination may change from one API to the other.
func TestOneAccountForBothAPIs(t *testing.T) {
	if a, b := newGoogle(t, "").Account(), newGoogle(t, adsAPI).Account(); a != b {
		t.Errorf("accounts %s and %s", a, b)
	}
}

func TestAdsTimes(t *testing.T) {
	tests := map[string]struct {
		at, created, clicked time.Time
		want                 string
	}{
		"whole second":                 {noon.Add(-time.Minute), noon, noon.Add(-time.Hour), "2026-11-24 11:59:00+00:00"},
		"cut to the second":            {noon.Add(-time.Minute + 999*time.Millisecond), noon, noon.Add(-time.Hour), "2026-11-24 11:59:00+00:00"},
		"in the second of its click":   {noon.Add(900 * time.Millisecond), noon.Add(time.Second), noon.Add(400 * time.Millisecond), "2026-11-24 12:00:01+00:00"},
		"network's clock ahead":        {noon.Add(10 * time.Minute), noon, noon.Add(-time.Hour), "2026-11-24 12:00:00+00:00"},
		"another zone, a second's bit": {noon.In(time.FixedZone("", -8*3600)), noon, noon.Add(-time.Hour), "2026-11-24 12:00:00+00:00"},
		"not stored yet":               {noon, time.Time{}, noon.Add(-time.Hour), "2026-11-24 12:00:00+00:00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			d.EventTime, d.CreatedAt, d.Click.ClickedAt = tt.at, tt.created, tt.clicked
			if got := renderAds(t, newGoogle(t, adsAPI), d).At; got != tt.want {
				t.Errorf("conversionDateTime %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAdsConsentIsNeverTakenForGranted(t *testing.T) {
	for said, want := range map[string]string{"": "", "granted": "GRANTED", "DENIED": "DENIED", "unspecified": "", "true": ""} {
		d := clicked()
		d.Click.Consent = map[string]string{"consent_ad_user_data": said, "consent_ad_personalization": "granted", "gpp": "DBAA"}
		b, err := newGoogle(t, adsAPI).Event(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := renderAds(t, newGoogle(t, adsAPI), d).Consent.UserData; got != want || strings.Contains(string(b), "adPersonalization") {
			t.Errorf("said %q: %s", said, b)
		}
	}
}

func TestAdsUserDataIsAskedFor(t *testing.T) {
	d := clicked()
	d.User = map[string]string{subfive.UserEmail: "jane@example.com", subfive.UserFirstName: "Jane", subfive.UserLastName: "Doe", subfive.UserCountry: "US", subfive.UserZip: "94035"}
	if u := renderAds(t, newGoogle(t, adsAPI), d).User; u != nil {
		t.Errorf("sent unasked: %+v", u)
	}
	f := newGoogle(t, adsAPI+"user_data: true\n")
	// An address has no place here.
	want := []adsIdentifier{{Source: "FIRST_PARTY", Email: "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"}}
	if diff := cmp.Diff(want, renderAds(t, f, d).User); diff != "" {
		t.Error(diff)
	}
	for _, param := range []string{"gbraid", "wbraid"} {
		d.Click.Params = map[string]string{param: "x"}
		if u := renderAds(t, f, d).User; u != nil {
			t.Errorf("sent with a %s: %+v", param, u)
		}
	}
	d.Click.Params = nil
	if got := renderAds(t, f, d); len(got.User) != 1 || got.clickID != (clickID{}) {
		t.Errorf("without a click: %+v", got)
	}
}

func TestAdsAdjustments(t *testing.T) {
	const action = "customers/1234567890/conversionActions/6543210987"
	value := &restated{Amount: "42.50", Currency: "USD"}
	tests := map[string]struct {
		change func(d *subfive.Delivery)
		want   adjustment
	}{
		"retraction":          {func(*subfive.Delivery) {}, adjustment{action, "RETRACTION", "2026-11-24 12:00:00+00:00", "cv_1", nil}},
		"of a test":           {func(d *subfive.Delivery) { d.EventID = subfive.PrefixTest + d.EventID }, adjustment{action, "RETRACTION", "2026-11-24 12:00:00+00:00", subfive.PrefixTest + "cv_1", nil}},
		"without click":       {func(d *subfive.Delivery) { d.Click = nil }, adjustment{action, "RETRACTION", "2026-11-24 12:00:00+00:00", "cv_1", nil}},
		"worth nothing known": {func(d *subfive.Delivery) { d.Value = nil }, adjustment{action, "RETRACTION", "2026-11-24 12:00:00+00:00", "cv_1", nil}},
		"restatement":         {func(d *subfive.Delivery) { d.Kind = subfive.KindRestatement }, adjustment{action, "RESTATEMENT", "2026-11-24 12:00:00+00:00", "cv_1", value}},
		"the third one":       {func(d *subfive.Delivery) { d.Kind, d.Generation = subfive.KindRestatement, 3 }, adjustment{action, "RESTATEMENT", "2026-11-24 12:00:02+00:00", "cv_1", value}},
		"at the same second":  {func(d *subfive.Delivery) { d.EventTime = noon }, adjustment{action, "RETRACTION", "2026-11-24 12:00:01+00:00", "cv_1", nil}},
		"not stored yet":      {func(d *subfive.Delivery) { d.CreatedAt = time.Time{} }, adjustment{action, "RETRACTION", "2026-11-24 11:00:01+00:00", "cv_1", nil}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			d.Kind, d.ConversionID, d.EventID, d.Generation = subfive.KindRetraction, "cv_1", "cv_1-retraction", 1
			tt.change(&d)
			b, err := newGoogle(t, adsAPI).Event(d)
			if err != nil {
				t.Fatal(err)
			}
			var got adjustment
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdsRefusals(t *testing.T) {
	tests := map[string]struct {
		change func(d *subfive.Delivery)
		says   string
	}{
		"no ID":              {func(d *subfive.Delivery) { d.EventID = "" }, "no event ID"},
		"no time":            {func(d *subfive.Delivery) { d.EventTime = time.Time{} }, "no event time"},
		"no currency":        {func(d *subfive.Delivery) { d.Value = &subfive.Money{Amount: 1} }, "ISO 4217"},
		"negative":           {func(d *subfive.Delivery) { d.Value.Amount = -1 }, "negative"},
		"nobody":             {func(d *subfive.Delivery) { d.Click = nil }, "nothing is known"},
		"told after 90 d":    {func(d *subfive.Delivery) { d.Click.ClickedAt = noon.Add(-maxAge - time.Second) }, "90 days"},
		"taken back of what": {func(d *subfive.Delivery) { d.Kind = subfive.KindRetraction }, "no conversion ID"},
		"restated to what":   {func(d *subfive.Delivery) { d.Kind, d.ConversionID, d.Value = subfive.KindRestatement, "cv_1", nil }, "no value"},
		"taken back too late": {func(d *subfive.Delivery) {
			d.Kind, d.ConversionID, d.EventTime, d.Click = subfive.KindRetraction, "cv_1", noon.Add(-AdjustAge-time.Second), nil
		}, "54 days"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := clicked()
			tt.change(&d)
			if b, err := newGoogle(t, adsAPI).Event(d); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %s, %v; want an error with %q", b, err, tt.says)
			}
		})
	}
}

func TestAdsRequests(t *testing.T) {
	f := newGoogle(t, adsAPI+"api_version: v26\nlogin_customer_id: 987-654-3210\ndeveloper_token: exampleDeveloperToken\n")
	if _, err := f.Request(t.Context(), forwarders.Batch{}); err == nil {
		t.Error("a request without events was made")
	}
	for kind, want := range map[subfive.Kind]string{
		subfive.KindConversion: "uploadClickConversions", subfive.KindApproval: "uploadClickConversions",
		subfive.KindRetraction: "uploadConversionAdjustments", subfive.KindRestatement: "uploadConversionAdjustments",
	} {
		r, err := f.Request(t.Context(), forwarders.Batch{Kind: kind, Events: [][]byte{[]byte("{}")}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.URL.String(); got != "https://googleads.googleapis.com/v26/customers/1234567890:"+want {
			t.Errorf("%s goes to %s", kind, got)
		}
		if r.Header.Get("Login-Customer-Id") != "9876543210" || r.Header.Get("Developer-Token") != "" {
			t.Errorf("%s: header %v", kind, r.Header)
		}
	}
}
