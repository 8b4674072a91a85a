package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"subfive"
)

// told records a sale whose delivery was sent.
func told(t *testing.T, s *Store, n int) subfive.Batch {
	t.Helper()
	b := sale(n, "meta-eu")
	b.Changes = []subfive.Change{{ConversionID: b.Conversions[0].ID, Field: "status", Old: "", New: "pending", At: noon, By: "postback", PostbackID: b.Postbacks[0].Postback.ID}}
	record(t, s, b)
	lease := fmt.Sprint("lease", n)
	take(t, s, "meta-eu", lease, noon)
	id := b.Deliveries[0].ID
	finish(t, s, subfive.Finish{
		Settled:  []subfive.Settled{{DeliveryID: id, LeaseID: lease, Status: subfive.DeliveryDelivered, DeliveredAt: noon.Add(time.Second), Tried: true}},
		Attempts: []subfive.Attempt{attempt(n, id)},
	})
	return b
}

func attempt(n int, delivery string) subfive.Attempt {
	return subfive.Attempt{
		ID: fmt.Sprint("at_", n), DestinationID: "meta-eu", StartedAt: noon, Latency: 80 * time.Millisecond, Method: "POST",
		URL: "https://graph.example.com/events", RequestBody: `{"data":[]}`, AnswerBody: "{}", Outcome: subfive.Outcome{Class: subfive.Accepted, HTTP: 200},
		Items: []subfive.AttemptItem{{DeliveryID: delivery, Outcome: subfive.Outcome{Class: subfive.Accepted}}},
	}
}

func TestStoryByAnyID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := told(t, s, 1)
		told(t, s, 2)
		d := stored(t, s, b.Deliveries[0].ID)
		conversion := b.Conversions[0]
		conversion.Version = 1
		want := Story{
			Clicks: b.Clicks,
			Postbacks: []StoredPostback{{
				Postback: b.Postbacks[0].Postback, Verdict: subfive.VerdictMatched, GroupID: "gr_1", ConversionID: "cv_1", Trace: b.Postbacks[0].Trace,
			}},
			Conversions: []subfive.Conversion{conversion},
			Changes:     b.Changes,
			Deliveries:  []subfive.Delivery{d},
			Attempts:    []subfive.Attempt{attempt(1, d.ID)},
		}
		for _, id := range []string{"click1", "pb_1", "cv_1", "tx1", "order1", "nc1", "at_1", d.ID, "cv_1-approval", " cv_1 "} {
			got, err := s.Story(t.Context(), id)
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			same(t, id, got, want)
		}
		for _, id := range []string{"", "none", "\x00", "%"} {
			if _, err := s.Story(t.Context(), id); !errors.Is(err, subfive.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

func TestListPagesNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for n := range 5 {
			b := sale(n, "meta-eu")
			b.Conversions[0].ConvertedAt = noon.Add(time.Duration(n/2) * time.Minute) // some share a moment
			record(t, s, b)
		}
		var got []string
		q := ListQuery{View: "conversions", Limit: 2}
		for pages := 1; ; pages++ {
			items, next, err := s.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range items {
				got = append(got, item["conversion_id"].(string))
			}
			if next == "" {
				break
			}
			if q.Cursor = next; pages > 3 {
				t.Fatal("there is no end")
			}
		}
		same(t, "order", got, []string{"cv_4", "cv_3", "cv_2", "cv_1", "cv_0"})
		within := ListQuery{View: "conversions", Since: noon.Add(time.Minute), Until: noon.Add(2 * time.Minute), Filters: map[string][]string{"campaign_id": {"spring"}, "is_test": {"0"}}}
		items, _, err := s.List(t.Context(), within)
		if err != nil || len(items) != 2 {
			t.Errorf("within a minute: %d, %v", len(items), err)
		}
		within.Filters["campaign_id"] = []string{"summer"}
		if items, _, err := s.List(t.Context(), within); err != nil || len(items) != 0 {
			t.Errorf("another campaign: %d, %v", len(items), err)
		}
	})
}

func TestListItemIsAlikeOnBothDatabases(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		told(t, s, 1)
		want := map[string]map[string]any{
			"clicks":      {"click_id": "click1", "clicked_at": "2026-05-04T11:00:00.000Z", "has_fbclid": int64(1), "has_gclid": int64(0), "click_day": "2026-05-04", "is_bot": int64(0)},
			"postbacks":   {"payout": "42.50", "payout_micros": int64(42_500_000), "verdict": "matched", "settled_at": nil, "payout_currency": "USD"},
			"conversions": {"payout": "42.50", "payout_first": "42.50", "payout_first_micros": int64(42_500_000), "seconds_to_convert": int64(3600), "sub1": "red", "sub2": nil, "deliveries_delivered": int64(1), "deliveries_owed": int64(1), "seq_in_click": int64(1), "backfilled": int64(0), "approved_at": nil, "click_id": "click1", "is_base": int64(1), "first_status": "pending"},
			"deliveries":  {"value": "42.50", "status": "delivered", "delivered_at": "2026-05-04T12:00:01.000Z", "delay_seconds": int64(1), "next_attempt_at": nil, "event_time": "2026-05-04T12:00:00.000Z"},
			"attempts":    {"class": "accepted", "http_status": int64(200), "latency_ms": int64(80), "retry_after_s": int64(0)},
		}
		for view, columns := range want {
			items, next, err := s.List(t.Context(), ListQuery{View: view})
			if err != nil || len(items) != 1 || next != "" {
				t.Errorf("%s: %d items, next %q, %v", view, len(items), next, err)
				continue
			}
			got := map[string]any{}
			for name := range columns {
				got[name] = items[0][name]
			}
			same(t, view, got, columns)
		}
	})
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]ListQuery{
		"an unknown view":          {View: "resources"},
		"an unknown column":        {View: "clicks", Filters: map[string][]string{"doc": {"x"}}},
		"SQL in a column":          {View: "clicks", Filters: map[string][]string{"1=1; --": {"x"}}},
		"a foreign cursor":         {View: "clicks", Cursor: "!!"},
		"a cursor without a time":  {View: "clicks", Cursor: "eHxpZA"},
		"too long a page":          {View: "clicks", Limit: MaxPage + 1},
		"a negative page":          {View: "clicks", Limit: -1},
		"a value that is not text": {View: "clicks", Filters: map[string][]string{"campaign_id": {"\xff"}}},
	}
	each(t, func(t *testing.T, s *Store) {
		for name, q := range cases {
			if _, _, err := s.List(t.Context(), q); !errors.Is(err, ErrBadQuery) {
				t.Errorf("%s: err %v", name, err)
			}
		}
	})
}

// A text from outside may hold what JSON can write and PostgreSQL can't read.
func TestViewsReadAnyDocument(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		b.Clicks[0].Language = "\x00 \\u0000 \" 'x'"
		b.Clicks[0].BotReason = "\ud7ff\U0001F600"
		b.Conversions[0].Subs = map[string]string{"sub1": "\\\x00", "sub2": "{}"}
		record(t, s, b)
		for _, v := range viewNames() {
			if _, _, err := dump(t.Context(), s, "SELECT * FROM "+v); err != nil {
				t.Errorf("%s: %v", v, err)
			}
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Hour)
	live := func(d subfive.Delivery) subfive.Delivery {
		d.Mode, d.EventName, d.EventID = subfive.ModeLive, "Subscribe", "other"
		return d
	}
	none := func(d subfive.Delivery) subfive.Delivery {
		d.Status = subfive.DeliverySkipped
		return d
	}
	cases := map[string]struct {
		status    subfive.DeliveryStatus
		ambiguous time.Time
		replay    Replay
		refused   map[string]int
		name      string // of the new event; empty: none
	}{
		"dead":                            {subfive.DeliveryDead, time.Time{}, Replay{}, map[string]int{}, "Purchase"},
		"dry run, decided again":          {subfive.DeliveryDryRun, time.Time{}, Replay{Decide: live}, map[string]int{}, "Subscribe"},
		"not owed by today's settings":    {subfive.DeliverySkipped, time.Time{}, Replay{Decide: none}, map[string]int{RefusedNotOwed: 1}, ""},
		"delivered":                       {subfive.DeliveryDelivered, time.Time{}, Replay{}, map[string]int{RefusedDelivered: 1}, ""},
		"delivered, forced":               {subfive.DeliveryDelivered, time.Time{}, Replay{Force: true}, map[string]int{}, "Purchase"},
		"still scheduled, forced":         {subfive.DeliveryScheduled, time.Time{}, Replay{Force: true}, map[string]int{RefusedUnfinished: 1}, ""},
		"ambiguous, not yet forgotten":    {subfive.DeliveryDead, later.Add(-time.Hour), Replay{}, map[string]int{}, "Purchase"},
		"ambiguous, forgotten":            {subfive.DeliveryDead, later.Add(-49 * time.Hour), Replay{}, map[string]int{RefusedAmbiguous: 1}, ""},
		"ambiguous, forgotten, forced":    {subfive.DeliveryDead, later.Add(-49 * time.Hour), Replay{Force: true}, map[string]int{}, "Purchase"},
		"only asked what would happen":    {subfive.DeliveryDead, time.Time{}, Replay{DryRun: true}, map[string]int{}, ""},
		"the filter names something else": {subfive.DeliveryDead, time.Time{}, Replay{Filter: DeliveryFilter{Status: subfive.DeliveryTested}}, map[string]int{}, ""},
	}
	each(t, func(t *testing.T, s *Store) {
		n := 0
		for name, c := range cases {
			n++
			destination := fmt.Sprint("meta-", n)
			b := sale(n, destination)
			record(t, s, b)
			old := b.Deliveries[0].ID
			take(t, s, destination, "lease"+destination, noon)
			finish(t, s, subfive.Finish{Settled: []subfive.Settled{{
				DeliveryID: old, LeaseID: "lease" + destination, Status: c.status, AmbiguousAt: c.ambiguous, NextAttemptAt: later.Add(time.Hour),
			}}})
			r := c.replay
			r.At, r.DedupWindow, r.Filter.DestinationID = later, func(string) time.Duration { return 48 * time.Hour }, destination
			done, err := s.Replay(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			same(t, name+": refused", done.Refused, c.refused)
			if r.DryRun && (done.Count != 1 || done.Sample == nil || done.Value["USD"] != 42_500_000 || !done.Newest.Equal(noon)) {
				t.Errorf("dry run: %+v", done)
			}
			claims := take(t, s, destination, "again"+destination, later)
			if c.name == "" {
				same(t, name+": claims", claims, []subfive.Claim(nil))
				continue
			}
			if len(claims) != 1 {
				t.Fatalf("%s: %d claims", name, len(claims))
			}
			d := claims[0].Delivery
			got := []any{d.EventName, d.EventID, d.Generation, d.Attempts, d.Mode, done.IDs}
			same(t, name+": new delivery", got, []any{c.name, b.Deliveries[0].EventID, 2, 0, subfive.ModeLive, []string{d.ID}})
			again, err := s.Replay(t.Context(), r)
			if err != nil || again.Count != 0 {
				t.Errorf("%s, a second time: %+v, %v", name, again, err)
			}
		}
	})
}

func TestReplayGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var b subfive.Batch
		for n := range MaxPage + 7 {
			d := delivery(n, "meta-eu", subfive.KindConversion)
			d.Status = subfive.DeliveryDryRun
			b.Deliveries = append(b.Deliveries, d)
		}
		record(t, s, b)
		some, err := s.Replay(t.Context(), Replay{At: noon.Add(time.Hour), Filter: DeliveryFilter{Limit: 5}, DryRun: true})
		if err != nil || some.Count != 5 {
			t.Errorf("with a limit: %d, %v", some.Count, err)
		}
		done, err := s.Replay(t.Context(), Replay{At: noon.Add(time.Hour)})
		if err != nil || done.Count != MaxPage+7 || len(done.Refused) != 0 {
			t.Errorf("replayed %d, refused %v, %v", done.Count, done.Refused, err)
		}
	})
}

func TestDeliveriesByFilter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		one, two := sale(1, "meta-eu", "reddit"), sale(2, "meta-eu")
		two.Deliveries[0].CreatedAt = noon.Add(time.Minute)
		record(t, s, one, two)
		want := map[string]struct {
			filter DeliveryFilter
			ids    []string
		}{
			"all, newest first": {DeliveryFilter{}, []string{"dl_2_meta-eu_conversion", "dl_1_reddit_conversion", "dl_1_meta-eu_conversion"}},
			"a destination":     {DeliveryFilter{DestinationID: "reddit"}, []string{"dl_1_reddit_conversion"}},
			"a conversion":      {DeliveryFilter{ConversionID: "cv_2", Status: subfive.DeliveryScheduled}, []string{"dl_2_meta-eu_conversion"}},
			"a time":            {DeliveryFilter{Since: noon, Until: noon.Add(time.Second), Limit: 1}, []string{"dl_1_reddit_conversion"}},
			"ids":               {DeliveryFilter{IDs: []string{"dl_1_meta-eu_conversion", "none"}, Platform: "meta"}, []string{"dl_1_meta-eu_conversion"}},
			"none":              {DeliveryFilter{Kind: subfive.KindApproval}, nil},
		}
		for name, c := range want {
			got, err := s.Deliveries(t.Context(), c.filter)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			var ids []string
			for _, d := range got {
				ids = append(ids, d.ID)
			}
			same(t, name, ids, c.ids)
		}
		got, err := s.Deliveries(t.Context(), DeliveryFilter{ConversionID: "cv_2"})
		if err != nil {
			t.Fatal(err)
		}
		full := two.Deliveries[0]
		full.Conversion, full.Click = two.Conversions[0], &two.Clicks[0]
		if diff := cmp.Diff([]subfive.Delivery{full}, got, cmpopts.IgnoreFields(subfive.Conversion{}, "Version")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		one, two := sale(1, "meta-eu", "reddit"), sale(2, "meta-eu")
		one.Deliveries[0].NextAttemptAt = noon.Add(-time.Minute)
		two.Postbacks[0].Verdict = subfive.VerdictUnmatched
		two.Broken = []subfive.Broken{{Position: subfive.Position{Segment: "seg", Pos: 9}, Data: []byte{0}, Reason: "no JSON"}}
		record(t, s, one, two)
		got, err := s.Counts(t.Context(), noon)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "counts", got, Counts{
			Ready:     map[string]int64{"meta-eu": 2, "reddit": 1},
			OldestAt:  map[string]time.Time{"meta-eu": noon.Add(-time.Minute), "reddit": noon},
			Unmatched: 1, Broken: 1,
		})
		positions, err := s.JournalPositions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "positions", positions, map[string]int64{"seg": 2})
	})
}

func TestViewsNameNoPersonalData(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for _, v := range viewNames() {
			columns, _, err := dump(t.Context(), s, "SELECT * FROM "+v)
			if err != nil {
				t.Fatal(err)
			}
			for _, private := range []string{"client_addr", "user_agent", "request_params", "platform_params", "doc"} {
				if v != privateView && slices.Contains(columns, private) {
					t.Errorf("%s has %s", v, private)
				}
			}
		}
	})
}

// TestReplayOfATest holds that what was told in a test can be told for real: a
// test whose answer was lost, too, and under the real ID.
func TestReplayOfATest(t *testing.T) {
	t.Parallel()
	real := func(d subfive.Delivery) subfive.Delivery {
		d.Mode, d.EventID = subfive.ModeLive, strings.TrimPrefix(d.EventID, subfive.PrefixTest)
		return d
	}
	each(t, func(t *testing.T, s *Store) {
		for i, status := range []subfive.DeliveryStatus{subfive.DeliveryTested, subfive.DeliveryDead} {
			destination := fmt.Sprint("tested-", i)
			b := sale(100+i, destination)
			id := b.Deliveries[0].EventID
			b.Deliveries[0].Mode, b.Deliveries[0].EventID = subfive.ModeTest, subfive.PrefixTest+id
			record(t, s, b)
			take(t, s, destination, "lease"+destination, noon)
			finish(t, s, subfive.Finish{Settled: []subfive.Settled{{
				DeliveryID: b.Deliveries[0].ID, LeaseID: "lease" + destination, Status: status, AmbiguousAt: noon.Add(-72 * time.Hour),
			}}})
			done, err := s.Replay(t.Context(), Replay{
				Filter: DeliveryFilter{DestinationID: destination}, At: noon.Add(time.Hour), Decide: real,
				DedupWindow: func(string) time.Duration { return 48 * time.Hour },
			})
			if err != nil || done.Count != 1 {
				t.Fatalf("%s: %+v, %v", status, done, err)
			}
			claims := take(t, s, destination, "again"+destination, noon.Add(time.Hour))
			if len(claims) != 1 || claims[0].Delivery.EventID != id || claims[0].Delivery.Mode != subfive.ModeLive {
				t.Errorf("%s: sent again as %+v", status, claims)
			}
			again, err := s.Replay(t.Context(), Replay{Filter: DeliveryFilter{DestinationID: destination}, At: noon.Add(time.Hour), Decide: real})
			if err != nil || again.Count != 0 {
				t.Errorf("%s, a second time: %+v, %v", status, again, err)
			}
		}
	})
}

func TestConversionsSince(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for n := 1; n <= 4; n++ {
			b := sale(n, "meta-eu")
			c := &b.Conversions[0]
			switch n {
			case 2:
				c.OfferID = "other"
			case 3:
				c.Status = subfive.StatusRejected
			case 4:
				c.ConvertedAt = noon.Add(-24 * time.Hour)
			}
			record(t, s, b)
		}
		got, err := s.ConversionsSince(t.Context(), noon.Add(-12*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{sale(1, "meta-eu").Conversions[0].OfferID: 1, "other": 1}, got); diff != "" {
			t.Error(diff)
		}
	})
}
