package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"subfive"
)

const day = 24 * time.Hour

// background outlives the steps of a property's check.
var background = context.Background()

// expireAll expires until nothing is left to.
func expireAll(t interface {
	Helper()
	Fatal(...any)
}, s *Store, r Retention,
) Expired {
	t.Helper()
	var sum Expired
	for range 1000 {
		e, err := s.Expire(background, r)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(e)
		if e.Total() == 0 {
			return sum
		}
	}
	t.Fatal("retention does not end")
	return sum
}

// personal is a sale that brings all that is personal.
func personal(n int, at time.Time, destinations ...string) subfive.Batch {
	b := sale(n, destinations...)
	sealed := map[string]subfive.Sealed{subfive.UserEmail: {Box: "k.box", Mac: fmt.Sprint("mac_", n)}}
	c := &b.Clicks[0]
	c.ClickedAt = at.Add(-time.Hour)
	c.UserData, c.Request.Raw, c.Request.UserAgent = sealed, "k.raw", "secret-agent"
	c.Request.Params = []subfive.Param{{Name: "fbclid", Value: c.Params["fbclid"]}, {Name: "utm_campaign", Value: "spring"}}
	c.PageURL, c.Referrer = "https://lp.example.com/a?fbclid=IwAR1", "https://example.com/?q=jane"
	p := &b.Postbacks[0].Postback
	p.ReceivedAt, p.UserData, p.Request = at, sealed, subfive.Request{Raw: "k.raw", ClientAddr: "198.51.100.7", Headers: map[string]string{"x": "y"}}
	b.Conversions[0].ReceivedAt, b.Conversions[0].ConvertedAt, b.Conversions[0].UserData = at, at, sealed
	for i := range b.Deliveries {
		b.Deliveries[i].CreatedAt, b.Deliveries[i].PageURL = at, c.PageURL
	}
	return b
}

// docOf returns a row's document, "" without the row.
func docOf(t interface{ Fatal(...any) }, s *Store, table, id string) string {
	_, rows, err := dump(background, s, "SELECT doc FROM "+table+" WHERE "+keyOf(table)+" = '"+id+"'")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestExpire(t *testing.T) {
	t.Parallel()
	now := noon.Add(1000 * day)
	age := func(d time.Duration) time.Time { return now.Add(-d) }
	all := Retention{Clicks: age(400 * day), Personal: age(90 * day), Raw: age(120 * day), Attempts: age(60 * day), Live: age(90 * day)}
	lonely := func(b subfive.Batch) subfive.Batch {
		return subfive.Batch{Positions: b.Positions, Clicks: b.Clicks, At: b.At}
	}
	waiting := func(b subfive.Batch) subfive.Batch {
		c := &b.Conversions[0]
		c.Verdict, c.AttributedClickID, c.ReviewAt = subfive.VerdictWaiting, "", now
		return b
	}
	cases := map[string]struct {
		retention Retention
		batch     subfive.Batch
		done      bool // its deliveries are delivered
		want      Expired
		click     string // what must be gone from the click's document
		kept      string // what must be there
	}{
		"nothing is too old":                  {all, personal(1, age(50*day), "a"), true, Expired{}, "", "k.raw"},
		"an old click without a conversion":   {all, lonely(personal(1, age(401*day))), true, Expired{Clicks: 1, Personal: 1, Raw: 1}, "click1", ""},
		"an old click that converted":         {all, personal(1, age(401*day), "a"), true, Expired{Personal: 3, Raw: 2}, "secret-agent", "spring"},
		"personal data, raw kept a while":     {all, personal(1, age(100*day), "a"), true, Expired{Personal: 3}, "192.0.2.1", "k.raw"},
		"a delivery is unfinished":            {all, personal(1, age(401*day), "a"), false, Expired{Raw: 2}, "k.raw", "secret-agent"},
		"a conversion waits for its click":    {all, waiting(personal(1, age(401*day))), true, Expired{Raw: 2}, "k.raw", "secret-agent"},
		"a conversion that may still be told": {Retention{Personal: age(day), Live: age(90 * day)}, personal(1, age(50*day), "a"), true, Expired{}, "", "secret-agent"},
		"a click alone, with a short limit":   {Retention{Personal: age(day), Live: age(90 * day)}, lonely(personal(1, age(50*day))), true, Expired{Personal: 1}, "secret-agent", "utm_campaign"},
		"everything is kept for ever":         {Retention{}, personal(1, age(900*day), "a"), true, Expired{}, "", "secret-agent"},
		"raw only":                            {Retention{Raw: age(day)}, personal(1, age(2*day), "a"), true, Expired{Raw: 2}, "k.raw", "secret-agent"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				record(t, s, c.batch)
				if c.done {
					for _, d := range c.batch.Deliveries {
						take(t, s, d.DestinationID, "lease", now)
						finish(t, s, subfive.Finish{Settled: []subfive.Settled{{DeliveryID: d.ID, LeaseID: "lease", Status: subfive.DeliveryDelivered}}})
					}
				}
				same(t, "expired", expireAll(t, s, c.retention), c.want)
				doc := docOf(t, s, "clicks", "click1")
				if c.click != "" && strings.Contains(doc, c.click) {
					t.Errorf("%q is still in %s", c.click, doc)
				}
				if !strings.Contains(doc, c.kept) {
					t.Errorf("%q is gone from %s", c.kept, doc)
				}
			})
		})
	}
}

// What can't be read stays, however much of it there is, and keeps nothing else
// from being taken.
func TestExpirePassesOverWhatItCannotRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := subfive.Batch{At: noon}
		for n := range expireBatch + 3 {
			b.Clicks = append(b.Clicks, personal(n, noon).Clicks[0])
		}
		record(t, s, b, personal(1000, noon, "a"))
		command(t, s, "UPDATE clicks SET doc = '{' WHERE click_id < 'click1000' OR click_id > 'click1000'", "UPDATE conversions SET doc = '{'", "DELETE FROM outbox")
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{personal(2000, noon).Clicks[0]}})
		later := noon.Add(day)
		r := Retention{Personal: later, Raw: later, Live: later, Attempts: later}
		var sum Expired
		var err error
		for range 20 {
			var done Expired
			done, err = s.Expire(t.Context(), r)
			sum.Add(done)
			if err != nil || done.Total() == 0 {
				break
			}
		}
		// Clicks 1000 and 2000 and the postback have raw bytes; 2000 alone is of no conversion.
		same(t, "expired", sum, Expired{Personal: 1, Raw: 3})
		for _, want := range []string{"1 documents of conversions can't be read, such as cv_1000: read document", fmt.Sprint(expireBatch+3, " documents of clicks can't be read")} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v lacks %q", err, want)
			}
		}
		if doc := docOf(t, s, "clicks", "click2000"); strings.Contains(doc, "secret-agent") || strings.Contains(doc, "k.raw") {
			t.Errorf("the click that can be read is %s", doc)
		}
	})
}

func TestExpireAttempts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		told(t, s, 1)
		record(t, s, sale(2, "meta-eu"))
		take(t, s, "meta-eu", "lease", noon)
		unfinished := delivery(2, "meta-eu", subfive.KindConversion).ID
		finish(t, s, subfive.Finish{
			Settled:  []subfive.Settled{{DeliveryID: unfinished, LeaseID: "lease", Status: subfive.DeliveryScheduled, NextAttemptAt: noon.Add(time.Hour), Tried: true}},
			Attempts: []subfive.Attempt{attempt(2, unfinished)},
		})
		broken := subfive.Batch{Positions: []subfive.Position{{Segment: "seg", Pos: 9}}, Broken: []subfive.Broken{{Position: subfive.Position{Segment: "seg", Pos: 9}, Data: []byte("jane"), Reason: "odd"}}, At: noon}
		record(t, s, broken)
		cut := noon.Add(time.Minute)
		same(t, "expired", expireAll(t, s, Retention{Attempts: cut, Raw: cut}), Expired{Attempts: 1, Raw: 5})
		_, rows, err := dump(t.Context(), s, "SELECT attempt_id FROM attempts UNION ALL SELECT attempt_id FROM attempt_items UNION ALL SELECT data FROM broken_records")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "left", rows, "at_2\nat_2\n\n")
	})
}

// What landing pages told goes with its click, and not before.
func TestExpireVisits(t *testing.T) {
	t.Parallel()
	visit := func(b subfive.Batch, keepConversion bool) subfive.Batch {
		c := b.Clicks[0]
		b.Visits = []subfive.Visit{{ID: "vs_1", ClickID: c.ID, Kind: subfive.GoalLandingView, At: c.ClickedAt, Request: c.Request, PageURL: c.PageURL}}
		if !keepConversion {
			return subfive.Batch{Clicks: b.Clicks, Visits: b.Visits, At: b.At}
		}
		return b
	}
	cut := noon.Add(day)
	for name, c := range map[string]struct {
		r    Retention
		b    subfive.Batch
		want Expired
		left string // of the visit's document; "": it is gone
	}{
		"with its click":          {Retention{Clicks: cut}, visit(personal(1, noon), false), Expired{Clicks: 2}, ""},
		"as its click does":       {Retention{Personal: cut, Live: cut}, visit(personal(1, noon), false), Expired{Personal: 2}, `lp.example.com/a"`},
		"the click converted":     {Retention{Clicks: cut, Personal: cut, Live: cut}, visit(personal(1, noon), true), Expired{Personal: 4}, `lp.example.com/a"`},
		"the conversion is alive": {Retention{Clicks: cut, Personal: cut, Live: noon}, visit(personal(1, noon), true), Expired{}, "secret-agent"},
		"raw alone":               {Retention{Raw: cut}, visit(personal(1, noon), true), Expired{Raw: 3}, "secret-agent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				record(t, s, c.b)
				same(t, "expired", expireAll(t, s, c.r), c.want)
				doc := docOf(t, s, "visits", "vs_1")
				if (c.left == "") != (doc == "") || !strings.Contains(doc, c.left) {
					t.Errorf("left of the visit: %s", doc)
				}
				if c.want.Personal > 0 && strings.Contains(doc, "secret-agent") {
					t.Errorf("the visit is whole: %s", doc)
				}
			})
		})
	}
}

// A conversion that is told more later gets its personal data anew, and loses
// it again.
func TestExpireAgainAfterALateChange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := personal(1, noon)
		record(t, s, b)
		r := Retention{Personal: noon.Add(day), Live: noon.Add(day)}
		expireAll(t, s, r)
		c := b.Conversions[0]
		c.Version = 2 // retention's write is one of its own
		record(t, s, subfive.Batch{Conversions: []subfive.Conversion{c}, At: noon})
		if !strings.Contains(docOf(t, s, "conversions", c.ID), "k.box") {
			t.Error("the late change was not written")
		}
		same(t, "expired", expireAll(t, s, r), Expired{Personal: 1})
		stale := c
		if err := s.RecordBatch(t.Context(), subfive.Batch{Conversions: []subfive.Conversion{stale}, At: noon}); err == nil {
			t.Error("a decision on the conversion as it was before is written")
		}
	})
}

// I12: whatever the ages and settings are, nothing that a live row reaches is
// gone.
func TestExpireTakesNothingALiveRowReaches(t *testing.T) {
	t.Parallel()
	now := noon.Add(1000 * day)
	each(t, func(t *testing.T, s *Store) {
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			ago := func(label string) time.Time {
				return now.Add(-time.Duration(rapid.IntRange(0, 500).Draw(t, label)) * day)
			}
			r := Retention{Clicks: ago("clicks"), Personal: ago("personal"), Raw: ago("raw"), Attempts: ago("attempts"), Live: now.Add(-90 * day)}
			var batches []subfive.Batch
			live := map[int]bool{}
			for range rapid.IntRange(1, 6).Draw(t, "sales") {
				n++
				at := ago("at")
				b := personal(n, at, "a")
				switch rapid.SampledFrom([]string{"due", "waiting", "alone", "told"}).Draw(t, "state") {
				case "due":
					live[n] = true
				case "waiting":
					b.Conversions[0].Verdict, b.Conversions[0].AttributedClickID = subfive.VerdictWaiting, ""
					b.Deliveries, live[n] = nil, true
				case "alone":
					b = subfive.Batch{Clicks: b.Clicks, At: b.At}
				case "told":
					b.Deliveries[0].Status = subfive.DeliverySkipped
					live[n] = !at.Before(r.Live)
				}
				if err := s.RecordBatch(background, b); err != nil {
					t.Fatal(err)
				}
				batches = append(batches, b)
			}
			expireAll(t, s, r)
			for _, b := range batches {
				id := b.Clicks[0].ID
				doc := docOf(t, s, "clicks", id)
				if len(b.Conversions) > 0 && doc == "" {
					t.Fatalf("the click of conversion %s is gone", b.Conversions[0].ID)
				}
				var of int
				_, _ = fmt.Sscanf(id, "click%d", &of)
				if live[of] && !strings.Contains(doc, "secret-agent") {
					t.Fatalf("click %s of a live conversion lost its user agent: %s", id, doc)
				}
				if !live[of] && b.Clicks[0].ClickedAt.Before(r.Personal) && b.Clicks[0].ClickedAt.Add(time.Hour).Before(r.Personal) &&
					strings.Contains(doc, "secret-agent") {
					t.Fatalf("click %s is past its time and still whole", id)
				}
			}
			if _, rows, err := dump(background, s, "SELECT d.delivery_id FROM deliveries d JOIN conversions c ON c.conversion_id = d.conversion_id "+
				"LEFT JOIN clicks k ON k.click_id = c.attributed_click_id WHERE k.click_id IS NULL"); err != nil || rows != "" {
				t.Fatal(rows, err)
			}
		})
	})
}

// A new field of these types must be decided about here: personal or not.
func TestStripKnowsEachField(t *testing.T) {
	t.Parallel()
	left := func(v any, strip func()) []string {
		fill(reflect.ValueOf(v).Elem())
		strip()
		return names(reflect.ValueOf(v).Elem(), "")
	}
	var c subfive.Click
	same(t, "click", left(&c, func() { stripClick(&c, true) }), []string{
		"ID", "RecordKind", "ClickedAt", "Request.Method", "Request.Scheme", "Request.Host", "Request.Path",
		"CampaignID", "SourceID", "Platform", "AdAccountID", "OfferID", "LandingID", "PathID", "RuleID", "Location", "PageURL",
		"Visitor.Country", "Visitor.Region", "Visitor.Device", "Visitor.OS", "Visitor.Browser", "VisitNo",
		"Ad.CampaignID", "Ad.CampaignName", "Ad.SetID", "Ad.SetName", "Ad.ID", "Ad.Name", "Ad.Placement", "Ad.Keyword", "Ad.MatchType",
		"Cost", "LandingViewedAt", "LandingClickedAt", "Consent", "IsBot", "BotReason", "IsPrefetch", "IsTest", "Version",
	})
	var v subfive.Visit
	same(t, "visit", left(&v, func() { stripVisit(&v, true) }), []string{
		"ID", "ClickID", "Kind", "At", "Request.Method", "Request.Scheme", "Request.Host", "Request.Path", "LandingID", "OfferID", "PageURL", "Consent",
	})
	var p subfive.Postback
	same(t, "postback", left(&p, func() { stripPostback(&p, true) }), []string{
		"ID", "ReceivedAt", "Request.Method", "Request.Scheme", "Request.Host", "Request.Path", "NetworkID", "EndpointID", "Via",
		"Reading", "Hint", "Answered", "ClickIDRaw", "ClickID", "DirectParam", "TransactionID", "NetworkConversionID", "OrderID",
		"NetworkOfferID", "GoalID", "GoalName", "Status", "StatusWord", "PayoutRaw", "Payout", "SaleAmount", "Currency", "NetworkAt",
		"IsTest", "NotAConversion", "Consent",
	})
}

// fill gives each field below v a value.
func fill(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the other kinds are in none of them, and names would show that
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint32:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), reflect.Zero(v.Type().Elem()))
	}
}

// names lists the fields below v that have a value.
func names(v reflect.Value, prefix string) (all []string) {
	for i := range v.NumField() {
		f, name := v.Field(i), prefix+v.Type().Field(i).Name
		switch {
		case f.IsZero():
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			all = append(all, names(f, name+".")...)
		default:
			all = append(all, name)
		}
	}
	return all
}
