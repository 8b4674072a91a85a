package store

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"subfive"
)

// everything is all rows of all tables, as text.
func everything(t *testing.T, s *Store) string {
	t.Helper()
	from := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.dialect == dialectPostgres {
		from = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
	}
	_, tables, err := dump(t.Context(), s, from)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for table := range strings.FieldsSeq(tables) {
		_, rows, err := dump(t.Context(), s, "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(rows)
	}
	return all.String()
}

// jane is a person whose data is everywhere; sale 1 is hers, sale 2 another's.
func jane(t *testing.T, s *Store) (words []string) {
	t.Helper()
	words = []string{"mac_1", "janes-agent", "203.0.113.77", "IwARjane", "name-of-jane", "digest-of-jane", "jane-sub", "visit-of-jane"}
	b := personal(1, noon, "meta-eu", "later")
	c := &b.Clicks[0]
	c.Request.UserAgent, c.Request.ClientAddr, c.Params = "janes-agent", "203.0.113.77", map[string]string{"fbclid": "IwARjane"}
	c.Request.Params, c.PageURL = []subfive.Param{{Name: "fbclid", Value: "IwARjane"}, {Name: "name", Value: "name-of-jane"}}, "https://lp.example.com/?fbclid=IwARjane"
	b.Conversions[0].Subs = map[string]string{"sub2": "jane-sub"}
	for i := range b.Deliveries {
		b.Deliveries[i].PageURL = c.PageURL
	}
	b.Visits = []subfive.Visit{{
		ID: "vs_1", ClickID: c.ID, Kind: subfive.GoalLandingView, At: noon, PageURL: "https://lp.example.com/?x=visit-of-jane",
		Request: subfive.Request{ClientAddr: "203.0.113.77", UserAgent: "janes-agent"}, UserData: c.UserData,
	}}
	data, err := json.Marshal(subfive.Record{ID: "pb_odd", Kind: subfive.RecordPostback, Postback: &subfive.Postback{
		ID: "pb_odd", UserData: map[string]subfive.Sealed{subfive.UserEmail: {Box: "k.odd", Mac: "mac_1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.Broken = []subfive.Broken{{Position: subfive.Position{Segment: "seg", Pos: 7}, Data: data, Reason: "odd"}}
	record(t, s, b, personal(2, noon, "meta-eu"))
	take(t, s, "meta-eu", "lease", noon)
	a := attempt(1, b.Deliveries[0].ID)
	a.RequestBody, a.AnswerBody, a.URL = `{"em":"digest-of-jane","ip":"203.0.113.77"}`, `{"echo":"digest-of-jane"}`, "https://x.example.com/?cid=IwARjane"
	finish(t, s, subfive.Finish{
		Settled:  []subfive.Settled{{DeliveryID: b.Deliveries[0].ID, LeaseID: "lease", Status: subfive.DeliveryDelivered, DeliveredAt: noon, Tried: true}},
		Attempts: []subfive.Attempt{a},
	})
	return words
}

func TestTrace(t *testing.T) {
	t.Parallel()
	hers := Traces{
		Clicks: []string{"click1"}, Visits: []string{"vs_1"}, Postbacks: []string{"pb_1"}, Conversions: []string{"cv_1"},
		Deliveries: []string{delivery(1, "later", subfive.KindConversion).ID, delivery(1, "meta-eu", subfive.KindConversion).ID},
		Unsent:     1, Attempts: []string{"at_1"},
	}
	all := hers
	all.Broken = []string{"seg:7"}
	cases := map[string]struct {
		person Person
		want   Traces
	}{
		"by what she is called": {Person{Macs: []string{"mac_1"}}, all},
		"by her click":          {Person{IDs: []string{"click1"}}, hers},
		"by her postback":       {Person{IDs: []string{"pb_1"}}, hers},
		"by her conversion":     {Person{IDs: []string{"cv_1"}}, hers},
		"a mac like hers":       {Person{Macs: []string{"macX1"}}, Traces{}},
		"nobody":                {Person{}, Traces{}},
	}
	each(t, func(t *testing.T, s *Store) {
		jane(t, s)
		for name, c := range cases {
			got, err := s.Trace(t.Context(), c.person, noon)
			if err != nil {
				t.Fatal(name, err)
			}
			for _, list := range []*[]string{&got.Clicks, &got.Visits, &got.Postbacks, &got.Conversions, &got.Deliveries, &got.Attempts, &got.Broken} {
				if len(*list) == 0 {
					*list = nil
				}
			}
			same(t, name, got, c.want)
			if got.Empty() != c.want.Empty() {
				t.Errorf("%s: Empty %v", name, got.Empty())
			}
		}
	})
}

func TestEraseLeavesNothingButTheMoney(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		words := jane(t, s)
		before := everything(t, s)
		for _, w := range words {
			if !strings.Contains(before, w) {
				t.Fatalf("the test's %q is nowhere to begin with", w)
			}
		}
		found, err := s.Trace(t.Context(), Person{Macs: []string{"mac_1"}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Erase(t.Context(), found, "ann", noon); err != nil {
			t.Fatal(err)
		}
		after := everything(t, s)
		for _, w := range words {
			if strings.Contains(after, w) {
				t.Errorf("%q is still there", w)
			}
		}
		if !strings.Contains(after, "mac_2") || !strings.Contains(after, "secret-agent") {
			t.Error("another's data is gone")
		}
		c, err := s.Conversion(t.Context(), "cv_1")
		if err != nil || c.Payout == nil || *c.Payout != 42_500_000 || c.Status != subfive.StatusPending {
			t.Errorf("the conversion is %+v, %v", c, err)
		}
		d := stored(t, s, delivery(1, "later", subfive.KindConversion).ID)
		if d.Status != subfive.DeliverySkipped || d.ReasonCode != forgottenCode {
			t.Errorf("what was to be sent is %s (%s)", d.Status, d.ReasonCode)
		}
		if claims := take(t, s, "later", "lease2", noon.Add(time.Hour)); len(claims) > 0 {
			t.Errorf("it is still claimed: %v", claimed(claims))
		}
		audits, err := s.Audits(t.Context(), 1)
		if err != nil || len(audits) != 1 || audits[0].Action != "forget" || audits[0].Actor != "ann" {
			t.Errorf("audit %+v, %v", audits, err)
		}
		if err := s.Erase(t.Context(), found, "ann", noon); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

// What is written while Erase waits for the row is neither lost nor left as it
// is.
func TestEraseBesideAWriter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		jane(t, s)
		found, err := s.Trace(t.Context(), Person{IDs: []string{"click1"}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		doc := []byte(docOf(t, s, "clicks", "click1"))
		changed, err := restyle(doc, func(c *subfive.Click) { c.CampaignID, c.Request.UserAgent = "autumn", "janes-new-agent" })
		if err != nil {
			t.Fatal(err)
		}
		erased := make(chan error, 1)
		err = s.write(t.Context(), s.screens, func(tx *tx) error {
			if _, err := tx.conn.ExecContext(t.Context(), "UPDATE clicks SET doc = '"+string(changed)+"' WHERE click_id = 'click1'"); err != nil {
				return err
			}
			go func() { erased <- s.Erase(t.Context(), found, "ann", noon) }()
			time.Sleep(300 * time.Millisecond) // it has come to the row
			return nil
		})
		if err := errors.Join(err, <-erased); err != nil {
			t.Fatal(err)
		}
		if doc := docOf(t, s, "clicks", "click1"); !strings.Contains(doc, "autumn") || strings.Contains(doc, "janes") {
			t.Errorf("the click is %s", doc)
		}
	})
}

// While somebody reads the log, what was there stays in it: that is known until
// it is done again.
func TestEraseAgainAfterABusyLog(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if s.dialect == dialectPostgres {
			return // it writes no file anew
		}
		jane(t, s)
		found, err := s.Trace(t.Context(), Person{Macs: []string{"mac_1"}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		err = s.snapshot(t.Context(), func(tx *tx) error {
			if _, err := s.settingIn(t.Context(), tx, eraseSetting); err != nil { // now it holds the log
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := s.Erase(ctx, found, "ann", noon); err == nil {
				t.Error("a log in use is no error")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, false} {
			if got, err := s.EraseUnfinished(t.Context()); got != want || err != nil {
				t.Errorf("unfinished %t, %v; want %t", got, err, want)
			}
			if err := s.FinishErase(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// More rows than one piece of the search holds.
func TestTraceWalksOverAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var b subfive.Batch
		for n := range walkRows + 50 {
			c := sale(n).Clicks[0]
			if n%1000 == 0 {
				c.UserData = map[string]subfive.Sealed{subfive.UserPhone: {Box: "k", Mac: "hers"}}
			}
			b.Clicks = append(b.Clicks, c)
		}
		record(t, s, b)
		found, err := s.Trace(t.Context(), Person{Macs: []string{"hers"}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "clicks", found.Clicks, []string{"click0", "click1000", "click2000", "click3000", "click4000", "click5000"})
	})
}

func TestStripRecord(t *testing.T) {
	t.Parallel()
	b := personal(1, noon)
	records := map[string]subfive.Record{
		"click": {ID: "click1", Kind: subfive.RecordClick, Click: &b.Clicks[0]},
		"visit": {ID: "vs_1", Kind: subfive.RecordVisit, Visit: &subfive.Visit{
			ID: "vs_1", ClickID: "click1", Request: b.Clicks[0].Request, UserData: b.Clicks[0].UserData, Referrer: b.Clicks[0].Referrer,
		}},
		"postback": {ID: "pb_1", Kind: subfive.RecordPostback, Postback: &b.Postbacks[0].Postback},
	}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		data, err := json.Marshal(records[name])
		if err != nil {
			t.Fatal(err)
		}
		if !(Person{Macs: []string{"mac_1"}}).In(data, nil) || !(Person{}).In(data, map[string]bool{records[name].ID: true}) || (Person{}).In(data, nil) {
			t.Errorf("%s: not found, or found by nothing", name)
		}
		out, err := StripRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		var back subfive.Record
		if err := json.Unmarshal(out, &back); err != nil || back.ID != records[name].ID {
			t.Errorf("%s: the record is %s, %v", name, out, err)
		}
		for _, w := range []string{"mac_1", "secret-agent", "k.raw", "198.51.100.7", "192.0.2.1", "q=jane"} {
			if strings.Contains(string(out), w) {
				t.Errorf("%s: %q is still there", name, w)
			}
		}
	}
	if out, err := StripRecord([]byte("jane, and no record")); err != nil || string(out) != "{}" {
		t.Errorf("no record: %s, %v", out, err)
	}
	if !(Person{Macs: []string{"jane"}}).In([]byte("jane, and no record"), nil) {
		t.Error("what is no record is not searched")
	}
}
