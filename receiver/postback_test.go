package receiver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// told sends one request and returns the postback that was recorded, without
// what every one has.
func told(t *testing.T, r *http.Request) subfive.Postback {
	t.Helper()
	j := &journal{}
	w := do(serve(config(j)), r)
	if w.Code != http.StatusOK {
		t.Errorf("answered %d, want 200", w.Code)
	}
	records := j.records()
	if len(records) != 1 || records[0].Postback == nil {
		t.Fatalf("recorded %+v, want one postback", records)
	}
	p := *records[0].Postback
	if records[0].ID != p.ID || p.Answered != http.StatusOK || !p.ReceivedAt.Equal(start) {
		t.Errorf("record %s: postback %s, answered %d, received %s", records[0].ID, p.ID, p.Answered, p.ReceivedAt)
	}
	if _, ok := subfive.ParseClickID(p.ID[len(subfive.PrefixPostback):]); !ok {
		t.Errorf("postback ID %q has not the form", p.ID)
	}
	p.ID, p.Answered, p.ReceivedAt, p.Request = "", 0, time.Time{}, subfive.Request{}
	return p
}

func micros(n subfive.Micros) *subfive.Micros { return &n }

func TestPostbackFields(t *testing.T) {
	base := func(change func(p *subfive.Postback)) subfive.Postback {
		p := subfive.Postback{
			NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S, Reading: subfive.ReadingOK,
			ClickIDRaw: clickID, ClickID: clickID,
		}
		change(&p)
		return p
	}
	const c = "/conversion?click_id=" + clickID
	tests := map[string]struct {
		target string
		want   subfive.Postback
	}{
		"the guide's four": {c + "&payout=42.50&offer_id=7&tx_id=abc", base(func(p *subfive.Postback) {
			p.PayoutRaw, p.Payout, p.NetworkOfferID, p.TransactionID = "42.50", micros(42_500_000), "7", "abc"
		})},
		"all of it": {
			c + "&conversion_id=cv&order_id=o&sale_amount=100&currency=eur&status=Approved&timestamp=1764000000&event_id=5&event_name=Upsell",
			base(func(p *subfive.Postback) {
				p.NetworkConversionID, p.OrderID, p.SaleAmount, p.Currency = "cv", "o", micros(100_000_000), "EUR"
				p.Status, p.StatusWord = subfive.StatusApproved, "Approved"
				p.NetworkAt = time.Unix(1764000000, 0).UTC()
				p.GoalID, p.GoalName = "5", "Upsell"
			}),
		},
		"names in any case and spelling": {"/conversion?Click-ID=" + clickID + "&PAY_OUT=1&TransactionId=t", base(func(p *subfive.Postback) {
			p.PayoutRaw, p.Payout, p.TransactionID = "1", micros(1_000_000), "t"
		})},
		"click ID in capitals is matched folded": {"/conversion?click_id=01HZY3V7QK8R9T2M4N6P8S0V2X", base(func(p *subfive.Postback) {
			p.ClickIDRaw = "01HZY3V7QK8R9T2M4N6P8S0V2X"
		})},
		"click ID with a newline":          {c + "%0A", base(func(p *subfive.Postback) { p.ClickIDRaw = clickID + "\n" })},
		"first click ID that is not empty": {"/conversion?click_id=&cid=" + clickID + "&click_id=other", base(func(*subfive.Postback) {})},
		"click ID in a sub slot": {"/conversion?click_id=&sub5=" + clickID, base(func(p *subfive.Postback) {
			p.Hint = `the click ID was found in "sub5"`
		})},
		"a transaction of our form is no click ID": {"/conversion?tx_id=" + clickID, base(func(p *subfive.Postback) {
			p.Reading, p.ClickID, p.ClickIDRaw, p.TransactionID = subfive.ReadingEmptyClickID, "", "", clickID
			p.Hint = "no click ID: the postback URL needs click_id={sub5}; if it has that, fix the link, not the postback"
		})},
		"empty click ID": {"/conversion?click_id=&payout=1", base(func(p *subfive.Postback) {
			p.Reading, p.ClickID, p.ClickIDRaw = subfive.ReadingEmptyClickID, "", ""
			p.PayoutRaw, p.Payout = "1", micros(1_000_000)
			p.Hint = "the click ID is empty: fix the link, not the postback; the click reached the network without one"
		})},
		"empty and organic": {"/conversion/organic", base(func(p *subfive.Postback) {
			p.EndpointID, p.Reading, p.ClickID, p.ClickIDRaw = "organic", subfive.ReadingEmptyClickID, "", ""
		})},
		"literal click ID": {"/conversion?click_id=%7BSub5%7D", base(func(p *subfive.Postback) {
			p.Reading, p.ClickIDRaw, p.ClickID, p.Hint = subfive.ReadingLiteralMacro, "{Sub5}", "", "literal {Sub5}"
		})},
		"braces encoded twice": {"/conversion?click_id=%257Bsub5%257D", base(func(p *subfive.Postback) {
			p.Reading, p.ClickIDRaw, p.ClickID, p.Hint = subfive.ReadingLiteralMacro, "%7Bsub5%7D", "", "literal %7Bsub5%7D"
		})},
		"literals elsewhere are missing": {c + "&payout={Payout}&tx_id=tx_id", base(func(p *subfive.Postback) {
			p.Hint = "literal {Payout}; own name tx_id"
		})},
		"another tracker's ID": {"/conversion?click_id=65f0c1d2e3", base(func(p *subfive.Postback) {
			p.Reading, p.ClickID, p.ClickIDRaw = subfive.ReadingForeign, "65f0c1d2e3", "65f0c1d2e3"
		})},
		"payout is no number": {c + "&payout=%2442.50", base(func(p *subfive.Postback) {
			p.Reading, p.PayoutRaw = subfive.ReadingMalformed, "$42.50"
			p.Hint = `payout "$42.50" is not a plain decimal number such as 42.50`
		})},
		"sale amount is no number": {c + "&sale_amount=1,5", base(func(p *subfive.Postback) {
			p.Reading, p.Hint = subfive.ReadingMalformed, `sale_amount "1,5" is not a plain decimal number such as 42.50`
		})},
		"no query at all": {"/conversion?garbage", base(func(p *subfive.Postback) {
			p.Reading, p.ClickID, p.ClickIDRaw = subfive.ReadingMalformed, "", ""
			p.Hint = "no click ID: the postback URL needs click_id={sub5}; if it has that, fix the link, not the postback; there is no name=value in it"
		})},
		"goal empty is base":        {c + "&event_id=&event_name=", base(func(p *subfive.Postback) { p.GoalID, p.GoalName = "base", "base" })},
		"goal 0 and Base are base":  {c + "&event_id=0&event_name=Base", base(func(p *subfive.Postback) { p.GoalID, p.GoalName = "base", "base" })},
		"is_event=0 is base":        {c + "&is_event=0", base(func(p *subfive.Postback) { p.GoalID, p.GoalName = "base", "base" })},
		"literal goal is no goal":   {c + "&event_id={event_id}", base(func(p *subfive.Postback) { p.Hint = "literal {event_id}" })},
		"unknown status is pending": {c + "&status=limbo", base(func(p *subfive.Postback) { p.Status, p.StatusWord = "pending", "limbo" })},
		"chargeback":                {c + "&status=Charge-Back", base(func(p *subfive.Postback) { p.Status, p.StatusWord = "rejected", "Charge-Back" })},
		"on hold":                   {c + "&status=on_hold", base(func(p *subfive.Postback) { p.Status, p.StatusWord = "pending", "on_hold" })},
		"milliseconds":              {c + "&timestamp=1764000000123", base(func(p *subfive.Postback) { p.NetworkAt = time.UnixMilli(1764000000123).UTC() })},
		"RFC 3339, its + a space":   {c + "&timestamp=2026-11-23T04:05:07+02:00", base(func(p *subfive.Postback) { p.NetworkAt = time.Date(2026, 11, 23, 2, 5, 7, 0, time.UTC) })},
		"time that is none":         {c + "&timestamp=yesterday", base(func(*subfive.Postback) {})},
		"test":                      {c + "&test=1", base(func(p *subfive.Postback) { p.IsTest = true })},
		"CPC": {c + "&type=CPC", base(func(p *subfive.Postback) {
			p.NotAConversion, p.Hint = true, "a paid click, not a conversion: nothing is credited"
		})},
		"Everflow's type is no goal": {c + "&type=conversion", base(func(*subfive.Postback) {})},
		"gclid by shape": {"/conversion?click_id=" + gclid, base(func(p *subfive.Postback) {
			p.Reading, p.DirectParam, p.ClickID, p.ClickIDRaw = subfive.ReadingDirect, "gclid", gclid, gclid
		})},
		"fbclid by shape, byte for byte": {"/conversion?click_id=IwAR2F4-dbP0l7Mn1Iaw%0A", base(func(p *subfive.Postback) {
			p.Reading, p.DirectParam = subfive.ReadingDirect, "fbclid"
			p.ClickID, p.ClickIDRaw = "IwAR2F4-dbP0l7Mn1Iaw\n", "IwAR2F4-dbP0l7Mn1Iaw\n"
		})},
		"ttclid by shape": {"/conversion?click_id=E.C.P.v3fQ2RHacdks", base(func(p *subfive.Postback) {
			p.Reading, p.DirectParam, p.ClickID, p.ClickIDRaw = subfive.ReadingDirect, "ttclid", "E.C.P.v3fQ2RHacdks", "E.C.P.v3fQ2RHacdks"
		})},
		"direct by its parameter": {"/conversion?rdt_cid=123456", base(func(p *subfive.Postback) {
			p.Reading, p.DirectParam, p.ClickID, p.ClickIDRaw = subfive.ReadingDirect, "rdt_cid", "123456", "123456"
		})},
		"direct by its endpoint, under the endpoint's name": {"/conversion/Meta?s5=123456", base(func(p *subfive.Postback) {
			p.NetworkID, p.EndpointID = "other", "meta"
			p.Reading, p.DirectParam, p.ClickID, p.ClickIDRaw = subfive.ReadingDirect, "rdt_cid", "123456", "123456"
		})},
		"an offer the endpoint is not for": {"/conversion/meta?s5=" + clickID + "&offer_id=8", base(func(p *subfive.Postback) {
			p.NetworkID, p.EndpointID, p.NetworkOfferID = "other", "meta", "8"
			p.Hint = `offer "8" is none of endpoint "meta"'s`
		})},
		"an offer the endpoint is for": {"/conversion/meta?s5=" + clickID + "&offer_id=7", base(func(p *subfive.Postback) {
			p.NetworkID, p.EndpointID, p.NetworkOfferID = "other", "meta", "7"
		})},
		"user data is sealed, once": {c + "&Email=+a@b.c+&email=x@y.z&zip=&first_name={first_name}", base(func(p *subfive.Postback) {
			p.UserData = map[string]subfive.Sealed{"email": {Box: "box:a@b.c", Mac: "mac:email"}}
			p.Hint = "literal {first_name}"
		})},

		"right key":              {"/conversion/guarded?key=s3cret&click_id=" + clickID, base(func(p *subfive.Postback) { p.EndpointID = "guarded" })},
		"key finds its endpoint": {c + "&key=s3cret", base(func(p *subfive.Postback) { p.EndpointID = "guarded" })},
		"key in the path":        {"/s3cret/postback?subid=" + clickID, base(func(p *subfive.Postback) { p.EndpointID = "guarded" })},

		"another tracker's key where none is set": {"/a1b2/postback?subid=" + clickID, base(func(*subfive.Postback) {})},
		"no key where one is set": {"/conversion/guarded?click_id=" + clickID, base(func(p *subfive.Postback) {
			p.EndpointID, p.Hint = "guarded", `no key: add key= of endpoint "guarded" to the postback URL`
		})},
		"wrong key": {"/conversion/guarded?key=guess&click_id=" + clickID, base(func(p *subfive.Postback) {
			p.EndpointID, p.Reading = "guarded", subfive.ReadingQuarantined
			p.Hint = `wrong key for endpoint "guarded"; copy the postback URL anew`
		})},
		"no such endpoint": {"/conversion/nosuch?click_id=" + clickID, base(func(p *subfive.Postback) {
			p.Reading, p.Hint = subfive.ReadingQuarantined, `no endpoint is called "nosuch"; check the path`
		})},
		"pixel": {"/pixel?click_id=" + clickID, base(func(p *subfive.Postback) { p.Via = subfive.ViaPixel })},
		"a link pasted into itself": {
			"/conversion?click_id=https://trk.example.com/conversion?click_id=" + clickID + "&payout=2",
			base(func(p *subfive.Postback) { p.PayoutRaw, p.Payout = "2", micros(2_000_000) }),
		},
		"whole URL as the query": {
			"/conversion?https://trk.example.com/conversion?click_id=" + clickID + "?payout=2",
			base(func(p *subfive.Postback) { p.PayoutRaw, p.Payout = "2", micros(2_000_000) }),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, get(tt.target))); diff != "" {
				t.Errorf("postback (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPostbackInRivalsWords(t *testing.T) {
	type told4 struct {
		Click, Tx, Conversion, Goal, Order, Currency string
		Status                                       subfive.Status
		Payout                                       string
		NotAConversion                               bool
	}
	tests := map[string]struct {
		target string
		want   told4
	}{
		"RedTrack":              {"/postback?clickid=X&sum=3&status=declined&type=Deposit&rdtk_event_id=e", told4{Click: "X", Payout: "3.00", Status: "rejected", Goal: "Deposit", Conversion: "e"}},
		"Voluum":                {"/postback?cid=X&payout=3&txid=T&currency=USD&et=upsell", told4{Click: "X", Payout: "3.00", Tx: "T", Currency: "USD", Goal: "upsell"}},
		"Voluum's cpc":          {"/postback?cid=X&et=cpc", told4{Click: "X", Goal: "base", NotAConversion: true}},
		"BeMob left as it was":  {"/postback?cid=X&payout=REPLACE&txid=T&cet=reg", told4{Click: "X", Tx: "T", Goal: "reg"}},
		"Binom 1":               {"/click.php?cnv_id=X&payout=3&cnv_status=lead&cnv_currency=EUR", told4{Click: "X", Payout: "3.00", Status: "pending", Currency: "EUR", Goal: "base"}},
		"Binom 2, an event":     {"/click?cnv_id=X&event7=1", told4{Click: "X", Goal: "event7"}},
		"Binom 2, an update":    {"/click?upd_clickid=X&upd_key=k", told4{Click: "X", Goal: "base", NotAConversion: true}},
		"AnyTrack":              {"/acc/collect/slug?CLICK=X&value=3&transaction_id=T&event_name=Purchase", told4{Click: "X", Payout: "3.00", Tx: "T", Goal: "Purchase"}},
		"Keitaro":               {"/k/postback?subid=X&revenue=3&tid=T&status=good&sale_status=good,fine&sub_id_1=s", told4{Click: "X", Payout: "3.00", Tx: "T", Status: "approved", Goal: "base"}},
		"Keitaro, ignored":      {"/k/postback?subid=X&status=noise&ignore_status=noise", told4{Click: "X", Status: "pending", Goal: "base", NotAConversion: true}},
		"ClickFlare":            {"/cf/cv?click_id=X&payout=3&txid=T&ct=trial", told4{Click: "X", Payout: "3.00", Tx: "T", Goal: "trial"}},
		"ClickFlare, older":     {"/cf/postback?cid=X&payout=3", told4{Click: "X", Payout: "3.00", Goal: "base"}},
		"Prosper202":            {"/tracking202/static/gpb.php?amount=3&subid=12&oid=O", told4{Click: "12", Payout: "3.00", Order: "O", Goal: "base"}},
		"YellowCloaker":         {"/postback.php?subid=X&status=Lead&payout=3", told4{Click: "X", Payout: "3.00", Status: "pending", Goal: "base"}},
		"aliases hold per path": {"/conversion?click_id=X&subid=Y&amount=3&sum=4", told4{Click: "X", Goal: "base"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := told(t, get(tt.target))
			got := told4{p.ClickID, p.TransactionID, p.NetworkConversionID, p.Goal(), p.OrderID, p.Currency, p.Status, "", p.NotAConversion}
			if p.Payout != nil {
				got.Payout = p.Payout.String()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("postback (-want +got):\n%s", diff)
			}
		})
	}
}
