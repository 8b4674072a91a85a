package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"subfive/sandbox"
)

// tracker answers what it is told, request by request, and keeps what came.
type tracker struct {
	answer func(n int) int // status of the nth request, from 1
	uris   []string
}

func (t *tracker) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	t.uris = append(t.uris, r.Method+" "+r.URL.RequestURI())
	w := httptest.NewRecorder()
	status := 200
	if t.answer != nil {
		status = t.answer(len(t.uris))
	}
	if status == 0 {
		return nil, http.ErrHandlerTimeout
	}
	w.WriteHeader(status)
	return w.Result(), nil
}

func TestMacros(t *testing.T) {
	full := sandbox.Conversion{
		Type: sandbox.TypeConversion, TransactionID: "tx1", ConversionID: "cv1", OfferID: "17", SourceID: "s", OrderID: "o 1",
		Payout: "42.50", SaleAmount: "99.90", Status: "pending", Extra: map[string]string{"country": "DE"},
		Sub: [10]string{0: "sfw", 4: "01abc", 9: "ten"}, Adv: [10]string{0: "a1", 9: "a10"},
	}
	with := func(change func(*sandbox.Conversion)) sandbox.Conversion {
		c := full
		change(&c)
		return c
	}
	sub5 := func(value string) sandbox.Conversion {
		return with(func(c *sandbox.Conversion) { c.Sub[4] = value })
	}
	tests := map[string]struct {
		template   string
		conversion sandbox.Conversion
		want       string
	}{
		"the guide's":          {"/c?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}", full, "/c?click_id=01abc&payout=42.50&offer_id=17&tx_id=tx1"},
		"all subs and advs":    {"/c?{sub1},{sub2},{sub10},{adv1},{adv2},{adv10}", full, "/c?sfw,,ten,a1,,a10"},
		"amounts":              {"/c?{payout_amount},{sale_amount}", full, "/c?42.50,99.90"},
		"the rest":             {"/c?{conversion_id},{source_id},{order_id},{status},{country}", full, "/c?cv1,s,o%201,pending,DE"},
		"base":                 {"/c?{event_id},{event_name}", full, "/c?0,Base"},
		"event":                {"/c?{event_id},{event_name}", with(func(c *sandbox.Conversion) { c.Type = sandbox.TypeEvent; c.EventID = "7"; c.EventName = "Up & down" }), "/c?7,Up%20%26%20down"},
		"wrong case":           {"/c?a={Sub5}&b={SUB5}", full, "/c?a={Sub5}&b={SUB5}"},
		"wrong spelling":       {"/c?a={sub_5}&b={sub-5}&c={sub11}&d={sub0}", full, "/c?a={sub_5}&b={sub-5}&c={sub11}&d={sub0}"},
		"platform's parameter": {"/c?fbclid={fbclid}", full, "/c?fbclid={fbclid}"},
		"encoded braces":       {"/c?a=%7Bsub5%7D", full, "/c?a=%7Bsub5%7D"},
		"space in braces":      {"/c?a={ sub5 }", full, "/c?a={%20sub5%20}"},
		"brace left open":      {"/c?a={sub5&b={payout}", full, "/c?a={sub5&b=42.50"},
		"braces in braces":     {"/c?a={{sub5}}", full, "/c?a={01abc}"},
		"nothing in braces":    {"/c?a={}", full, "/c?a={}"},
		"empty value":          {"/c?a={sub5}&b=1", sub5(""), "/c?a=&b=1"},
		"a value like a macro": {"/c?a={sub5}", sub5("{payout}"), "/c?a=%7Bpayout%7D"},
		"reserved characters":  {"/c?a={sub5}", sub5(`a b+c&d=e#f/g?h%i"'`), "/c?a=a%20b%2Bc%26d%3De%23f%2Fg%3Fh%25i%22%27"},
		"what stays":           {"/c?a={sub5}", sub5("-_.!~*()"), "/c?a=-_.!~*()"},
		"UTF-8":                {"/c?a={sub5}", sub5("jürgen 정"), "/c?a=j%C3%BCrgen%20%EC%A0%95"},
		"not UTF-8":            {"/c?a={sub5}", sub5("\xff"), "/c?a=%FF"},
		"already encoded":      {"/c?a={sub5}", sub5("a%20b"), "/c?a=a%2520b"},
		"in the path":          {"/{offer_id}/{sub5}/c", sub5("a/b c"), "/17/a%2Fb%20c/c"},
		"literal in the path":  {"/{Sub5}/c", full, "/%7BSub5%7D/c"},
		"spaces around":        {"/c?a={payout} \n", full, "/c?a=42.50"},
		"line end inside":      {"/c?a={payout}\r\n&b=1", full, "/c?a=42.50&b=1"},
		"space inside":         {"/c?a= {payout}", full, "/c?a=%2042.50"},
		"other tracker's":      {"/c?a=#s1#&b={payout}", full, "/c?a="},
		"garbage":              {"/c??&&a=%zz&amp;b=<x>;{payout}", full, "/c??&&a=%zz&amp;b=%3Cx%3E;42.50"},
		"quotes in a template": {`/c?a="{payout}"&b='x'`, full, "/c?a=%2242.50%22&b=%27x%27"},
		"nothing asked":        {"/c?", full, "/c?"},
		"no query":             {"/c", full, "/c"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tracker := &tracker{}
			s := simulator(t, sandbox.SimulatorConfig{
				Client:    &http.Client{Transport: tracker},
				Postbacks: []sandbox.Postback{{ID: "p", URL: "https://trk.example.com" + test.template, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}},
			})
			if _, err := s.Fire(t.Context(), "p", test.conversion); err != nil {
				t.Fatal(err)
			}
			if len(tracker.uris) != 1 || tracker.uris[0] != "GET "+test.want {
				t.Errorf("called %q, want GET %s", tracker.uris, test.want)
			}
		})
	}
}

func TestConversionIDIsLeftLiteralWhenNotOffered(t *testing.T) {
	tracker := &tracker{}
	s := simulator(t, sandbox.SimulatorConfig{
		Client: &http.Client{Transport: tracker}, NoConversionID: true,
		Postbacks: []sandbox.Postback{{ID: "p", URL: "https://trk.example.com/c?id={conversion_id}", Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}},
	})
	if _, err := s.Convert(t.Context(), sandbox.Conversion{Type: sandbox.TypeConversion, ConversionID: "cv1"}); err != nil {
		t.Fatal(err)
	}
	if want := "GET /c?id={conversion_id}"; len(tracker.uris) != 1 || tracker.uris[0] != want {
		t.Errorf("called %q, want %s", tracker.uris, want)
	}
}

// What a value holds arrives as it was, whatever it is and wherever it stands.
func FuzzMacroValueSurvives(f *testing.F) {
	for _, value := range []string{"", "{sub5}", "a&b=c#d", "\x00\xff%", "정 ;+"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		tracker := &tracker{}
		s := simulator(t, sandbox.SimulatorConfig{
			Client:    &http.Client{Transport: tracker},
			Postbacks: []sandbox.Postback{{ID: "p", URL: "https://trk.example.com/c?a={sub5}&b={sub5}", Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}},
		})
		if _, err := s.Fire(context.Background(), "p", sandbox.Conversion{Sub: [10]string{4: value}}); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(strings.TrimPrefix(tracker.uris[0], "GET "))
		if err != nil {
			t.Fatal(err)
		}
		if q := u.Query(); q.Get("a") != value || q.Get("b") != value || len(q) != 2 {
			t.Errorf("sent %q, arrived %q (valid %t)", value, q, utf8.ValidString(value))
		}
	})
}

func FuzzMacroTemplate(f *testing.F) {
	for _, template := range []string{"{sub5", "}{", "?#{", "%zz\x00", "{{sub5}}?{"} {
		f.Add(template)
	}
	f.Fuzz(func(t *testing.T, template string) {
		s, err := sandbox.NewSimulator(atNoon, sandbox.SimulatorConfig{
			Client: &http.Client{Transport: &tracker{}}, Sleep: noSleep,
			Postbacks: []sandbox.Postback{{ID: "p", URL: "https://trk.example.com/" + template, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}},
		})
		if err != nil {
			return // one that a partner can't save
		}
		fire, err := s.Fire(context.Background(), "p", sandbox.Conversion{})
		if err != nil || fire.Outcome == sandbox.OutcomeCanceled {
			t.Errorf("%q: %+v, %v", template, fire, err)
		}
	})
}
