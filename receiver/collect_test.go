package receiver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/receiver"
)

const textPlain = "text/plain;charset=UTF-8"

// toldPage sends what a landing page tells and returns the answer and what was
// recorded, Raw left out and visits' IDs shortened to their prefix.
func toldPage(t *testing.T, r *http.Request) (*httptest.ResponseRecorder, []subfive.Record) {
	t.Helper()
	j := &journal{}
	cfg := config(j)
	cfg.Bot = func(agent string) (string, bool) { return "its name", strings.Contains(agent, "bot") }
	cfg.Recognizer = recognizer{"192.0.2.1": {Country: "US", Device: "phone"}}
	rc := receiver.New(cfg)
	rc.SetSetup(ways())
	w := do(rc.Handler(), r)
	records := j.records()
	for i := range records {
		if c := records[i].Click; c != nil {
			if records[i].ID != c.ID {
				t.Errorf("record %s holds click %s", records[i].ID, c.ID)
			}
			c.Request.Raw = ""
		}
		if v := records[i].Visit; v != nil {
			if !strings.HasPrefix(v.ID, subfive.PrefixVisit) || records[i].ID != v.ID {
				t.Errorf("record %s holds visit %s", records[i].ID, v.ID)
			}
			records[i].ID, v.ID, v.Request.Raw = "", "", ""
		}
	}
	return w, records
}

func TestScriptRecordsItsClick(t *testing.T) {
	r := post("/collect", textPlain, `{"click_id":"01HZY3V7QK8R9T2M4N6P8S0V2X","minted":1,"kind":"lp_view","campaign":"Landed",`+
		`"url":"https://lp.example.com/a/?fbclid=IwAR-_%2B%20x&email=in@url.example&platform_campaign_id=77&cost=0.5#top",`+
		`"referrer":"https://m.facebook.com/?phone=1","_fbp":"fb.1.2.3","_ttp":"t%2Bp","em":"A@b.c","ct":"Berlin","zp":null,`+
		`"consent_ad_user_data":"granted","sf_v":"01hzy3v8e4q6n0k7c5m9p2r8st.4","more":{"x":1}}`)
	r.Header.Set("User-Agent", "iPhone bot")
	r.Header.Set("Accept-Language", "de-DE")
	r.Header.Set("Referer", "https://lp.example.com/")
	w, got := toldPage(t, r)
	want := []subfive.Record{{ID: clickID, Kind: subfive.RecordClick, Click: &subfive.Click{
		ID: clickID, RecordKind: subfive.ClickScript, ClickedAt: start, LandingViewedAt: start,
		Request: subfive.Request{
			Method: "POST", Scheme: "http", Host: "example.com", Path: "/collect", ClientAddr: "192.0.2.1", UserAgent: "iPhone bot",
			Params: pairs("click_id", "01HZY3V7QK8R9T2M4N6P8S0V2X", "minted", "1", "kind", "lp_view", "campaign", "Landed",
				"url", "https://lp.example.com/a/?***", "referrer", "https://m.facebook.com/?***", "_fbp", "fb.1.2.3", "_ttp", "t%2Bp",
				"email", "***", "city", "***", "zip", "", "consent_ad_user_data", "granted", "sf_v", "01hzy3v8e4q6n0k7c5m9p2r8st.4"),
			Headers: map[string]string{"Accept-Language": "de-DE", "Content-Type": textPlain, "Referer": "https://lp.example.com/"},
		},
		CampaignID: "landed", SourceID: "us", Platform: "meta", OfferID: "dream", LandingID: "lp1",
		PageURL:  "https://lp.example.com/a/?fbclid=IwAR-_%2B%20x&platform_campaign_id=77&cost=0.5",
		Referrer: "https://m.facebook.com/", Language: "de-DE",
		Visitor: subfive.Visitor{Country: "US", Device: "phone"}, VisitorID: "01hzy3v8e4q6n0k7c5m9p2r8st", VisitNo: 4,
		Ad: subfive.Ad{CampaignID: "77"}, Cost: &subfive.Money{Amount: 500_000, Currency: "EUR"},
		Params:   map[string]string{"fbclid": "IwAR-_+ x", "_fbp": "fb.1.2.3", "_ttp": "t%2Bp"},
		UserData: map[string]subfive.Sealed{"email": {Box: "box:A@b.c", Mac: "mac:email"}, "city": {Box: "box:Berlin", Mac: "mac:city"}},
		Consent:  map[string]string{"consent_ad_user_data": "granted"},
		IsBot:    true, BotReason: "its name",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("answered %d %q %v", w.Code, w.Body, w.Header())
	}
}

// The page says which path it was, though no rule was looked at.
func TestScriptsClickIsOfItsPathsOffer(t *testing.T) {
	for name, tt := range map[string]struct{ page, want string }{
		"a rule's path":         {"https://lp.example.com/a", "third"},
		"the campaign's own":    {"https://lp.example.com/own", "lonely"},
		"a page of no path":     {"https://lp.example.com/z", "dream"},
		"a path without offers": {"https://lp.example.com/bare", "dream"},
	} {
		t.Run(name, func(t *testing.T) {
			_, records := toldPage(t, post("/collect", textPlain, `{"click_id":"`+clickID+`","minted":1,"campaign":"ruled","url":"`+tt.page+`"}`))
			if len(records) != 1 || records[0].Click == nil || records[0].Click.OfferID != tt.want {
				t.Errorf("recorded %+v, want offer %s", records, tt.want)
			}
		})
	}
}

func TestScriptTellsOfARedirectsClick(t *testing.T) {
	r := post("/collect", "application/json", `{"click_id":"`+clickID+`","kind":"lp_view","campaign":"landed",`+
		`"url":"https://lp.example.com/a?cid=`+clickID+`&ttclid=E.C.P.x","referrer":"","_fbc":"fb.1.2.x","sec_gpc":"1"}`)
	w, got := toldPage(t, r)
	want := []subfive.Record{{Kind: subfive.RecordVisit, Visit: &subfive.Visit{
		ClickID: clickID, Kind: "lp_view", At: start,
		Request: subfive.Request{
			Method: "POST", Scheme: "http", Host: "example.com", Path: "/collect", ClientAddr: "192.0.2.1",
			Params: pairs("click_id", clickID, "kind", "lp_view", "campaign", "landed", "url", "https://lp.example.com/a?cid="+clickID+"&ttclid=E.C.P.x",
				"referrer", "", "_fbc", "fb.1.2.x", "sec_gpc", "1"),
			Headers: map[string]string{"Content-Type": "application/json"},
		},
		LandingID: "lp1", OfferID: "dream", PageURL: "https://lp.example.com/a?cid=" + clickID + "&ttclid=E.C.P.x",
		Params: map[string]string{"ttclid": "E.C.P.x", "_fbc": "fb.1.2.x"}, Consent: map[string]string{"sec_gpc": "1"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" || w.Code != http.StatusNoContent {
		t.Errorf("answered %d, records (-want +got):\n%s", w.Code, diff)
	}
}

func TestCollectKeepsWhatItCan(t *testing.T) {
	const long = "AnOtherTrackersID-0123456789"
	for name, tt := range map[string]struct {
		request *http.Request
		code    int
		want    string // what was recorded, in short
	}{
		"a form":                        {post("/collect", "application/x-www-form-urlencoded", "click_id="+clickID+"&kind=lp_click"), 204, "visit " + clickID + " lp_click"},
		"in the query":                  {post("/collect?click_id="+clickID+"&kind=lp_click", textPlain, ""), 204, "visit " + clickID + " lp_click"},
		"a server's ID stays as it is":  {post("/collect", textPlain, `{"click_id":"`+long+`","minted":true,"campaign":"spring","kind":"lp_view"}`), 204, "click " + long + " spring"},
		"a minted click's second view":  {post("/collect", textPlain, `{"click_id":"`+clickID+`","minted":1,"again":1,"campaign":"spring","kind":"lp_view"}`), 204, "click " + clickID + " spring, visit " + clickID + " lp_view"},
		"a minted click's link":         {post("/collect", textPlain, `{"click_id":"`+clickID+`","minted":1,"campaign":"spring","kind":"lp_click"}`), 204, "click " + clickID + " spring, visit " + clickID + " lp_click"},
		"more about a visit":            {post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"","em":"a@b.c"}`), 204, "visit " + clickID + " "},
		"the page knows the campaign":   {post("/collect", textPlain, `{"click_id":"`+clickID+`","minted":1,"url":"https://x.example/?sf_campaign=spring"}`), 204, "click " + clickID + " spring"},
		"an unknown campaign":           {post("/collect", textPlain, `{"click_id":"`+clickID+`","minted":1,"campaign":"nosuch"}`), 400, "click " + clickID + " "},
		"an unknown kind":               {post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"buy"}`), 400, "visit " + clickID + " lp_view"},
		"a page that is none":           {post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"lp_view","url":"javascript:1"}`), 204, "visit " + clickID + " lp_view"},
		"JSON that breaks off":          {post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"lp_view",`), 400, "visit " + clickID + " lp_view"},
		"too long":                      {post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"lp_view","x":"`+strings.Repeat("x", 17<<10)+`"}`), 413, "visit " + clickID + " lp_view"},
		"no click and no campaign":      {post("/collect", textPlain, `{"kind":"lp_view"}`), 400, ""},
		"nothing":                       {post("/collect", textPlain, ""), 400, ""},
		"an ID that is too long":        {post("/collect", textPlain, `{"click_id":"`+strings.Repeat("a", 256)+`"}`), 400, ""},
		"an ID nobody filled in":        {post("/collect", textPlain, `{"click_id":"{click_id}"}`), 400, ""},
		"an image of a server's ID":     {get("/collect?c=spring&minted=1&click_id=" + long), 200, "click " + long + " spring"},
		"an image that knows the click": {get("/collect?click_id=" + clickID), 200, "visit " + clickID + " lp_view"},
		"an image that knows nothing":   {get("/collect"), 200, ""},
		"an image and the click's cookie": {func() *http.Request {
			r := get("/collect?c=spring")
			r.Header.Set("Cookie", "sf_c="+clickID)
			return r
		}(), 200, "visit " + clickID + " lp_view"},
	} {
		t.Run(name, func(t *testing.T) {
			w, records := toldPage(t, tt.request)
			var got []string
			for _, rec := range records {
				if rec.Click != nil {
					got = append(got, "click "+rec.Click.ID+" "+rec.Click.CampaignID)
				} else {
					got = append(got, "visit "+rec.Visit.ClickID+" "+rec.Visit.Kind)
				}
			}
			if joined := strings.Join(got, ", "); joined != tt.want || w.Code != tt.code {
				t.Errorf("answered %d %s, recorded %q, want %d and %q", w.Code, w.Body, joined, tt.code, tt.want)
			}
		})
	}
}

// An image can't put an ID into links, so a cookie does it.
func TestImageMakesAClickAndACookie(t *testing.T) {
	r := get("/collect?c=spring&gclid=g")
	r.Header.Set("Referer", "https://lp.example.com/a?fbclid=x")
	w, records := toldPage(t, r)
	if len(records) != 1 || records[0].Click == nil {
		t.Fatalf("recorded %+v", records)
	}
	c := records[0].Click
	if id, ok := subfive.ParseClickID(c.ID); !ok || id != c.ID || c.VisitorID != c.ID || c.VisitNo != 1 {
		t.Errorf("click %s of visitor %s, number %d", c.ID, c.VisitorID, c.VisitNo)
	}
	if diff := cmp.Diff(map[string]string{"gclid": "g", "fbclid": "x"}, c.Params); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(w.Header()["Set-Cookie"], "\n"); !strings.Contains(got, "sf_c="+c.ID+";") || w.Header().Get("Content-Type") != "image/gif" {
		t.Errorf("answered %v", w.Header())
	}
	if _, records := toldPage(t, get("/collect?c=spring&kind=lp_click")); len(records) != 2 || records[0].Click == nil ||
		records[1].Visit == nil || records[1].Visit.ClickID != records[0].Click.ID {
		t.Errorf("the visit is not the click's: %+v", records)
	}
	denied := get("/collect?c=spring&consent_ad_user_data=denied")
	if w, records := toldPage(t, denied); len(w.Header()["Set-Cookie"]) != 0 || len(records) != 1 || records[0].Click.VisitorID != "" {
		t.Errorf("against the visitor's word: %v", w.Header())
	}
}

// What can't be written down is kept, and the page is told to come again.
func TestCollectWhileTheDiskIsFull(t *testing.T) {
	j := &journal{}
	r := receiver.New(config(j))
	r.SetSetup(setup())
	j.fail(errors.New("disk full"))
	body := `{"click_id":"` + clickID + `","minted":1,"campaign":"spring","kind":"lp_click"}`
	if w := do(r.Handler(), post("/collect", textPlain, body)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", w.Code)
	}
	if w := do(r.Handler(), get("/go/"+clickID+"/dream")); w.Code != http.StatusFound || !strings.Contains(w.Header().Get("Location"), "sub5="+clickID) {
		t.Errorf("the way to the offer: %d %s", w.Code, w.Header().Get("Location"))
	}
	j.fail(nil)
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var kinds []subfive.RecordKind
	for _, rec := range j.records() {
		kinds = append(kinds, rec.Kind)
	}
	if diff := cmp.Diff([]subfive.RecordKind{subfive.RecordClick, subfive.RecordVisit, subfive.RecordVisit}, kinds); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestLinkToTheOfferIsRecorded(t *testing.T) {
	r := get("/go/" + clickID + "/dream?fbclid=x")
	r.Header.Set("Referer", "https://lp.example.com/a?email=a@b.c&x=1")
	_, got := toldPage(t, r)
	want := []subfive.Record{{Kind: subfive.RecordVisit, Visit: &subfive.Visit{
		ClickID: clickID, Kind: "lp_click", At: start, OfferID: "dream", Referrer: "https://lp.example.com/a?x=1",
		Request: subfive.Request{
			Method: "GET", Scheme: "http", Host: "example.com", Path: "/go/" + clickID + "/dream", Params: pairs("fbclid", "x"), ClientAddr: "192.0.2.1",
			Headers: map[string]string{"Referer": "https://lp.example.com/a?***"},
		},
		Params: map[string]string{"fbclid": "x"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	for name, quiet := range map[string]func(r *http.Request){
		"prefetch": func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") },
		"no click": func(r *http.Request) { r.URL.Path = "/go/-/dream" },
	} {
		r := get("/go/" + clickID + "/dream")
		quiet(r)
		if w, got := toldPage(t, r); len(got) != 0 || w.Code != http.StatusFound {
			t.Errorf("%s: answered %d, recorded %+v", name, w.Code, got)
		}
	}
}

func FuzzCollect(f *testing.F) {
	f.Add(`{"click_id":"`+clickID+`","minted":1,"url":"https://a.example/?b#c"}`, textPlain)
	f.Add("click_id=x&kind=lp_click&em=a", "application/x-www-form-urlencoded")
	f.Add(`{"click_id":"\u0000","url":"http://%","campaign":"spring"`, "application/json")
	h := serve(config(&journal{}))
	f.Fuzz(func(t *testing.T, body, contentType string) {
		r := httptest.NewRequest(http.MethodPost, "/collect", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		switch w := do(h, r); w.Code {
		case http.StatusNoContent, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}
