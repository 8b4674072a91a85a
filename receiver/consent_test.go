package receiver_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/consent"
	"subfive/receiver"
)

// Strings of the standards' own tests: nothing is consented to; GPC in a US
// section.
const (
	tcfRefused  = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
	gppOptedOut = "DBABLA~DSJgmkoZJSA.YA"
)

// consenting sends one request to a receiver that reads consent, and returns what
// was recorded, and what happened to the cookies: "sf_c removed, sf_v set".
func consenting(t *testing.T, r *http.Request) (rec subfive.Record, location, cookies string) {
	t.Helper()
	j := &journal{}
	cfg := config(j)
	cfg.ReadConsent = consent.Read
	cfg.Recognizer = recognizer{"192.0.2.1": {Country: "US"}, "192.0.2.49": {Country: "DE"}}
	rc := receiver.New(cfg)
	rc.SetSetup(ways())
	w := do(rc.Handler(), r)
	var said []string
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			said = append(said, c.Name+" removed")
		} else {
			said = append(said, c.Name+" set")
		}
	}
	slices.Sort(said)
	if records := j.records(); len(records) > 0 {
		rec = records[0]
	}
	return rec, w.Header().Get("Location"), strings.Join(said, ", ")
}

const keptCookies = "sf_v=01hzy3v8e4q6n0k7c5m9p2r8st.3; sf_c=01hzy3v8e4q6n0k7c5m9p2r8sv"

// A cookie of ours follows what the visitor said, in whatever way he said it; one
// that is there goes when he refuses.
func TestCookiesFollowTheVisitorsWord(t *testing.T) {
	const set, removed = "sf_c set, sf_v set", "sf_c removed, sf_v removed"
	for name, tt := range map[string]struct{ query, addr, cookie, gpc, want string }{
		"nothing is said":                        {want: set},
		"denied, in Google's spelling":           {query: "consent_ad_user_data=CONSENT_DENIED", want: ""},
		"denied after a space":                   {query: "consent_ad_user_data=%20denied", want: ""},
		"a TCF string that refuses":              {query: "gdpr_consent=" + tcfRefused, want: ""},
		"a GPP string that opts out":             {query: "gpp=" + gppOptedOut, want: ""},
		"granted and denied":                     {query: "consent_ad_user_data=granted&Consent-Ad-User-Data=denied", want: ""},
		"denied and granted":                     {query: "consent_ad_user_data=denied&consent_ad_user_data=granted", want: ""},
		"granted in Germany, in Google's words":  {query: "consent_ad_user_data=CONSENT_GRANTED", addr: "192.0.2.49:1", want: set},
		"nowhere, and the GDPR applies":          {query: "gdpr=1", addr: "192.0.2.3:1", want: ""},
		"nowhere, GDPR, granted":                 {query: "gdpr=1&consent_ad_user_data=granted", addr: "192.0.2.3:1", want: set},
		"refused, and there are some":            {query: "consent_ad_user_data=denied", cookie: keptCookies, want: removed},
		"opted out, and there are some":          {gpc: "1", cookie: keptCookies, want: removed},
		"refused, and there is one":              {query: "gpp=" + gppOptedOut, cookie: "sf_v=x", want: "sf_v removed"},
		"nothing is said in Germany, but before": {addr: "192.0.2.49:1", cookie: keptCookies, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/c/spring?" + tt.query)
			if tt.addr != "" {
				r.RemoteAddr = tt.addr
			}
			r.Header.Set("Cookie", tt.cookie)
			r.Header.Set("Sec-Gpc", tt.gpc)
			rec, _, cookies := consenting(t, r)
			if cookies != tt.want || (rec.Click.VisitorID != "") != (tt.want == set) {
				t.Errorf("cookies %q, visitor %q; want %q", cookies, rec.Click.VisitorID, tt.want)
			}
		})
	}
}

// Who refuses is not recognized by a cookie: on the way to an offer, and by what
// a page tells.
func TestRefusalOverridesTheClickCookie(t *testing.T) {
	const removed, id = "sf_c removed, sf_v removed", "01hzy3v7qk8r9t2m4n6p8s0v2x"
	for name, tt := range map[string]struct {
		request        *http.Request
		gpc            string
		click, cookies string // the click that a visit is recorded of
		visit          bool
	}{
		"to the offer":                 {request: get("/go/-/dream"), click: "01hzy3v8e4q6n0k7c5m9p2r8sv", visit: true},
		"to the offer, refusing":       {request: get("/go/-/dream?consent_ad_user_data=denied"), cookies: removed},
		"to the offer, opted out":      {request: get("/go/-/dream"), gpc: "1", cookies: removed},
		"the link's click, refusing":   {request: get("/go/" + id + "/dream?consent_ad_user_data=CONSENT_DENIED"), click: id, visit: true, cookies: removed},
		"the page tells of a refusal":  {request: post("/collect", textPlain, `{"click_id":"`+id+`","kind":"","gdpr_consent":"`+tcfRefused+`"}`), click: id, visit: true, cookies: removed},
		"a page's image":               {request: get("/collect?c=spring"), click: "01hzy3v8e4q6n0k7c5m9p2r8sv", visit: true},
		"a page's image, refusing":     {request: get("/collect?c=spring&gpp=" + gppOptedOut), cookies: removed},
		"the script saw GPC":           {request: post("/collect", textPlain, `{"click_id":"`+id+`","kind":"","sec_gpc":"1"}`), click: id, visit: true, cookies: removed},
		"the script saw GPC, not here": {request: post("/collect", textPlain, `{"click_id":"`+id+`","kind":"","sec_gpc":"1"}`), gpc: "0", click: id, visit: true, cookies: removed},
	} {
		t.Run(name, func(t *testing.T) {
			tt.request.Header.Set("Cookie", keptCookies)
			tt.request.Header.Set("Sec-Gpc", tt.gpc)
			rec, location, cookies := consenting(t, tt.request)
			click := ""
			if rec.Visit != nil {
				click = rec.Visit.ClickID
			}
			if click != tt.click || cookies != tt.cookies || (rec.Visit != nil) != tt.visit {
				t.Errorf("recorded click %q, cookies %q; want %q, %q", click, cookies, tt.click, tt.cookies)
			}
			if strings.Contains(location, "8sv") && tt.cookies != "" {
				t.Errorf("the cookie's click travels on: %s", location)
			}
		})
	}
}

// Of two answers on one link the refusal is kept, whichever comes first.
func TestContradictingWordsAreKeptAsARefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		want  map[string]string
	}{
		"granted, then denied":          {"consent_ad_user_data=granted&consent_ad_user_data=denied", map[string]string{"consent_ad_user_data": "denied"}},
		"denied, then granted":          {"consent_ad_user_data=CONSENT_DENIED&consent_ad_user_data=granted", map[string]string{"consent_ad_user_data": "CONSENT_DENIED"}},
		"in another spelling":           {"consent_ad_user_data=granted&Consent-Ad-User-Data=Denied", map[string]string{"consent_ad_user_data": "denied"}},
		"the same twice":                {"consent_ad_user_data=granted&consent_ad_user_data=granted", map[string]string{"consent_ad_user_data": "granted"}},
		"a string beside a second one":  {"gpp=x&gpp=" + gppOptedOut, map[string]string{"gpp": "x", "sec_gpc": "1"}},
		"a word beside a string":        {"consent_ad_user_data=granted&gdpr_consent=" + tcfRefused, map[string]string{"consent_ad_user_data": "granted", "gdpr_consent": tcfRefused}},
		"a macro that nobody filled in": {"consent_ad_user_data={consent}&consent_ad_user_data=granted", map[string]string{"consent_ad_user_data": "granted"}},
		"an opt-out in the link":        {"sec_gpc=1", map[string]string{"sec_gpc": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			rec, _, _ := consenting(t, get("/c/spring?"+tt.query))
			if diff := cmp.Diff(tt.want, rec.Click.Consent); diff != "" {
				t.Errorf("consent (-want +got):\n%s", diff)
			}
		})
	}
}

// A postback's words are kept; the headers are the visitor's only at a pixel.
func TestPostbackBringsConsent(t *testing.T) {
	for name, tt := range map[string]struct {
		target string
		want   map[string]string
	}{
		"nothing":             {"/conversion?click_id=" + clickID, nil},
		"words and strings":   {"/conversion/meta?gclid=" + gclid + "&Consent_Ad_User_Data=denied&gdpr=1&gdpr_consent=" + tcfRefused, map[string]string{"consent_ad_user_data": "denied", "gdpr": "1", "gdpr_consent": tcfRefused}},
		"a macro":             {"/conversion?click_id=" + clickID + "&gdpr={gdpr}", nil},
		"a pixel's own words": {"/pixel?click_id=" + clickID + "&gdpr=1", map[string]string{"gdpr": "1", "sec_gpc": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(tt.target)
			r.Header.Set("Sec-Gpc", "1")
			rec, _, _ := consenting(t, r)
			if rec.Postback == nil {
				t.Fatalf("recorded %+v", rec)
			}
			if diff := cmp.Diff(tt.want, rec.Postback.Consent); diff != "" {
				t.Errorf("consent (-want +got):\n%s", diff)
			}
		})
	}
}
