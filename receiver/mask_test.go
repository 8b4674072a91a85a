package receiver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// What lies in the clear shows no address, wherever a link put one. Raw keeps
// all, and a platform's click ID stays as it came.
func TestAddressesOfAClickAreMasked(t *testing.T) {
	r := get("/c/spring?fbclid=IwAR-%2B4915112345678&p1=jane%40example.com&ad_name=for%20jane@example.com&sub2=%2B4915112345678&Q=jane%2540example.com")
	r.Header.Set("Referer", "https://lp.example.com/u/jane@example.com?q=jane%40example.com&x=1")
	c := clicked(t, r)
	want := pairs("fbclid", "IwAR-+4915112345678", "p1", "***", "ad_name", "for ***", "sub2", "***", "Q", "***")
	if diff := cmp.Diff(want, c.Request.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"p1": "***"}, c.Tokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	const referrer = "https://lp.example.com/u/***?q=***&x=1"
	if c.Referrer != referrer || c.Request.Headers["Referer"] != referrer || c.Ad.Name != "for ***" {
		t.Errorf("referrer %s, header %s, ad %s", c.Referrer, c.Request.Headers["Referer"], c.Ad.Name)
	}
	if c.Params["fbclid"] != "IwAR-+4915112345678" || c.Request.Raw != r.URL.RawQuery+"\n" {
		t.Errorf("fbclid %q, raw %q", c.Params["fbclid"], c.Request.Raw)
	}
}

func TestAddressesOfAPostbackAreMasked(t *testing.T) {
	j := &journal{}
	r := get("/conversion?click_id=jane%40example.com&transaction_id=t1&order_id=jane@example.com&event_name=jane@example.com" +
		"&coupon_code=jane@example.com&sub2=jane@example.com&status=jane@example.com&payout=jane@example.com&event_id=%2B4915112345678")
	do(serve(config(j)), r)
	p := *j.records()[0].Postback
	got := map[string]string{
		"click": p.ClickID, "as it came": p.ClickIDRaw, "transaction": p.TransactionID, "order": p.OrderID, "goal": p.GoalName, "goal's ID": p.GoalID,
		"status": p.StatusWord, "payout": p.PayoutRaw, "hint": p.Hint,
	}
	want := map[string]string{
		"click": "***mac:user_id", "as it came": "***mac:user_id", "transaction": "t1", "order": "***mac:user_id", "goal": "***", "goal's ID": "***",
		"status": "***", "payout": "***", "hint": `payout "***" is not a plain decimal number such as 42.50`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("postback (-want +got):\n%s", diff)
	}
	for _, param := range p.Request.Params {
		if param.Value != subfive.Hidden && param.Value != "t1" {
			t.Errorf("%s is shown as %q", param.Name, param.Value)
		}
	}
}

// What a page's own query says of its visitor is user data there as in the body.
func TestShortNamesInAPagesQuery(t *testing.T) {
	_, got := toldPage(t, post("/collect", textPlain, `{"click_id":"`+clickID+`","kind":"lp_view",`+
		`"url":"https://me@lp.example.com/u/jane%40example.com/?em=jane@example.com&ph=1&FN=Jane&q=jane%40example.com&fbclid=x%2B4915112345678&x=1",`+
		`"referrer":"https://lp.example.com/?em=a@b.cc&x=+4915112345678"}`))
	v := got[0].Visit
	want := subfive.Visit{
		ClickID: clickID, Kind: "lp_view", At: start, Request: v.Request, LandingID: v.LandingID,
		PageURL:  "https://lp.example.com/u/***/?FN=Jane&q=***&fbclid=x%2B4915112345678&x=1",
		Referrer: "https://lp.example.com/?x=***",
		Params:   map[string]string{"fbclid": "x+4915112345678"},
		UserData: map[string]subfive.Sealed{"email": {Box: "box:jane@example.com", Mac: "mac:email"}, "phone": {Box: "box:1", Mac: "mac:phone"}},
	}
	if diff := cmp.Diff(&want, v); diff != "" {
		t.Errorf("visit (-want +got):\n%s", diff)
	}
	for _, p := range v.Request.Params {
		if p.Name == "url" && p.Value != "https://***/u/***/?***" || p.Name == "referrer" && p.Value != "https://lp.example.com/?***" {
			t.Errorf("%s is shown as %s", p.Name, p.Value)
		}
	}
}
