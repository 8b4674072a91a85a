package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// noon is when these tests play.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// usd4250 is the payout of all sales here.
func usd4250() *subfive.Micros {
	m := subfive.Micros(42_500_000)
	return &m
}

// sale is a click, its postback and its conversion, with deliveries to some
// destinations that are due at noon.
func sale(n int, destinations ...string) subfive.Batch {
	num := strconv.Itoa(n)
	click := subfive.Click{
		ID: "click" + num, RecordKind: subfive.ClickRedirect, ClickedAt: noon.Add(-time.Hour), CampaignID: "spring", SourceID: "meta-us",
		Platform: "meta", Params: map[string]string{"fbclid": "IwAR" + num}, Request: subfive.Request{ClientAddr: "192.0.2.1", UserAgent: "UA\x00x"},
	}
	post := subfive.Postback{
		ID: "pb_" + num, ReceivedAt: noon, NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S, Reading: subfive.ReadingOK,
		Answered: 200, ClickIDRaw: click.ID, ClickID: click.ID, TransactionID: "tx" + num, OrderID: "order" + num,
		NetworkConversionID: "nc" + num, GoalName: "base", Status: subfive.StatusPending, PayoutRaw: "42.50", Payout: usd4250(), Currency: "USD",
	}
	conv := subfive.Conversion{
		ID: "cv_" + num, GroupID: "gr_" + num, NetworkID: "everflow", EndpointID: "default", PostbackID: post.ID, Via: subfive.ViaS2S,
		Verdict: subfive.VerdictMatched, ReceivedClickID: click.ID, AttributedClickID: click.ID, MatchMethod: subfive.MatchClick,
		NetworkConversionIDs: []string{"nc" + num}, TransactionID: "tx" + num, OrderID: "order" + num, GoalName: "base", Seq: 1,
		FirstStatus: subfive.StatusPending, Status: subfive.StatusPending, ConvertedAt: noon, ConvertedAtFrom: subfive.FromArrival,
		ReceivedAt: noon, ClickedAt: click.ClickedAt, PayoutFirst: usd4250(), Payout: usd4250(), ValueFrom: subfive.FromPostback,
		Currency: "USD", CampaignID: "spring", SourceID: "meta-us", OfferID: "ourdream", Subs: map[string]string{"sub1": "red"},
	}
	b := subfive.Batch{
		Positions: []subfive.Position{{Segment: "seg", Pos: int64(n)}},
		Clicks:    []subfive.Click{click},
		Postbacks: []subfive.Judged{{
			Postback: post, Verdict: subfive.VerdictMatched, GroupID: conv.GroupID, ConversionID: conv.ID,
			Trace: []subfive.Step{{Step: "match", Result: "click"}},
		}},
		Groups:      []subfive.Group{{ID: conv.GroupID, NetworkID: "everflow", TransactionID: "tx" + num, ClickID: click.ID}},
		Conversions: []subfive.Conversion{conv},
		Versions:    map[string]int64{"t everflow tx" + num: 0},
		At:          noon,
	}
	for _, d := range destinations {
		b.Deliveries = append(b.Deliveries, delivery(n, d, subfive.KindConversion))
	}
	return b
}

func delivery(n int, destination string, kind subfive.Kind) subfive.Delivery {
	num := strconv.Itoa(n)
	return subfive.Delivery{
		ID: "dl_" + num + "_" + destination + "_" + string(kind), ConversionID: "cv_" + num, DestinationID: destination, Platform: "meta",
		Kind: kind, Generation: 1, Mode: subfive.ModeLive, EventName: "Purchase", EventID: "ev" + num, EventTime: noon,
		Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"}, Status: subfive.DeliveryScheduled, CreatedAt: noon, NextAttemptAt: noon,
		DeadlineAt: noon.Add(7 * 24 * time.Hour),
	}
}

func record(t *testing.T, s *Store, batches ...subfive.Batch) {
	t.Helper()
	for _, b := range batches {
		if err := s.RecordBatch(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func take(t *testing.T, s *Store, destination, lease string, now time.Time) []subfive.Claim {
	t.Helper()
	claims, err := s.Take(t.Context(), destination, lease, now, now.Add(2*time.Minute), 100, false)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func claimed(claims []subfive.Claim) []string {
	var ids []string
	for _, c := range claims {
		ids = append(ids, c.Delivery.ID)
	}
	return ids
}

func finish(t *testing.T, s *Store, f subfive.Finish) (lost []string) {
	t.Helper()
	if f.At.IsZero() {
		f.At = noon
	}
	lost, err := s.Finish(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return lost
}

// stored reads a delivery as it lies in the database.
func stored(t *testing.T, s *Store, id string) subfive.Delivery {
	t.Helper()
	var d subfive.Delivery
	err := s.read(t.Context(), s.outbox, func(tx *tx) error {
		ds, err := tx.deliveriesByID(t.Context(), []string{id})
		if err == nil && len(ds) == 1 {
			d = ds[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTakeBringsAllThatIsNeededToRender(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		b.Deliveries[0].PageURL = "https://lp.example.com/a"
		record(t, s, b)
		got := take(t, s, "meta-eu", "lease", noon)
		want := b.Deliveries[0]
		want.Conversion, want.Click = b.Conversions[0], &b.Clicks[0]
		want.NextAttemptAt = noon.Add(2 * time.Minute)
		same(t, "claims", got, []subfive.Claim{{Delivery: want, LeaseID: "lease"}})
		same(t, "a second time", take(t, s, "meta-eu", "other", noon), []subfive.Claim(nil))
		same(t, "another destination", take(t, s, "meta-us", "other", noon), []subfive.Claim(nil))
	})
}

func TestTakeInTheOrderOfTheNextAttempt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		late, early, future := sale(1, "meta-eu"), sale(2, "meta-eu"), sale(3, "meta-eu")
		early.Deliveries[0].NextAttemptAt = noon.Add(-time.Minute)
		future.Deliveries[0].NextAttemptAt = noon.Add(time.Minute)
		record(t, s, late, early, future)
		same(t, "due", claimed(take(t, s, "meta-eu", "lease", noon)), []string{early.Deliveries[0].ID, late.Deliveries[0].ID})
		at, ok, err := s.NextDue(t.Context(), "meta-eu")
		if err != nil || !ok || !at.Equal(noon.Add(time.Minute)) {
			t.Errorf("next due %v, %v, %v", at, ok, err)
		}
		if _, ok, err := s.NextDue(t.Context(), "meta-us"); ok || err != nil {
			t.Errorf("next due of an idle destination: %v, %v", ok, err)
		}
	})
}

func TestFinishDelivered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		record(t, s, b)
		id := b.Deliveries[0].ID
		take(t, s, "meta-eu", "lease", noon)
		f := subfive.Finish{
			DestinationID: "meta-eu",
			Settled: []subfive.Settled{{
				DeliveryID: id, LeaseID: "lease", Status: subfive.DeliveryDelivered, ReasonCode: "accepted", Reason: "taken\x00\xff",
				Tried: true, Counts: true, DeliveredAt: noon, LastHTTP: 200, Ref: "ref",
			}},
			Attempts: []subfive.Attempt{{
				ID: "at_1", DestinationID: "meta-eu", StartedAt: noon.Add(-time.Second), Latency: 90 * time.Millisecond, Method: "POST",
				AnswerBody: "gzip \x1f\x8b\x00", Outcome: subfive.Outcome{Class: subfive.Accepted, HTTP: 200},
				Items: []subfive.AttemptItem{{DeliveryID: id, Outcome: subfive.Outcome{Class: subfive.Accepted}}},
			}},
		}
		same(t, "lost", finish(t, s, f), []string(nil))
		want := b.Deliveries[0]
		want.Status, want.ReasonCode, want.Reason = subfive.DeliveryDelivered, "accepted", "taken\ufffd\ufffd"
		want.FirstAttemptAt, want.DeliveredAt, want.Attempts, want.LastHTTP, want.Ref = noon.Add(-time.Second), noon, 1, 200, "ref"
		want.NextAttemptAt = time.Time{}
		same(t, "stored", stored(t, s, id), want)
		same(t, "the same Finish again", finish(t, s, f), []string(nil))
		same(t, "stored after that", stored(t, s, id), want)
		same(t, "left in the outbox", take(t, s, "meta-eu", "later", noon.Add(time.Hour)), []subfive.Claim(nil))
	})
}

func TestStaleLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		record(t, s, b)
		id := b.Deliveries[0].ID
		take(t, s, "meta-eu", "old", noon)
		again := take(t, s, "meta-eu", "new", noon.Add(3*time.Minute))
		if len(again) != 1 || again[0].Crashes != 1 {
			t.Fatalf("after the lease ran out: %+v", again)
		}
		before := stored(t, s, id)
		for _, status := range []subfive.DeliveryStatus{subfive.DeliveryDelivered, subfive.DeliveryScheduled} {
			lost := finish(t, s, subfive.Finish{Settled: []subfive.Settled{{DeliveryID: id, LeaseID: "old", Status: status, Reason: "late"}}})
			same(t, "lost", lost, []string{id})
			same(t, "stored", stored(t, s, id), before)
		}
		stay := subfive.Settled{DeliveryID: id, LeaseID: "new", Status: subfive.DeliveryScheduled, NextAttemptAt: noon, BatchLimit: 7}
		same(t, "lost", finish(t, s, subfive.Finish{Settled: []subfive.Settled{stay}}), []string(nil))
		third := take(t, s, "meta-eu", "third", noon)
		if len(third) != 1 || third[0].Crashes != 0 || third[0].BatchLimit != 7 {
			t.Errorf("after a result: %+v", third)
		}
	})
}

func TestNoClaimWhilePaused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		record(t, s, b)
		set := func(p subfive.Pause) bool {
			won, err := s.SetPause(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			return won
		}
		probe := func(lease string, now time.Time) int {
			claims, err := s.Take(t.Context(), "meta-eu", lease, now, now.Add(time.Minute), 1, true)
			if err != nil {
				t.Fatal(err)
			}
			return len(claims)
		}
		if set(subfive.Pause{DestinationID: "meta-eu", Version: 3}) {
			t.Error("a pause that was never stored was changed")
		}
		p := subfive.Pause{DestinationID: "meta-eu", Until: noon.Add(time.Minute), Reason: "throttled", Failures: 1, Streak: 5}
		if !set(p) || set(p) {
			t.Error("the first write of a pause must win, and the second lose")
		}
		p.Version = 1
		got, err := s.Pause(t.Context(), "meta-eu")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "pause", got, p)
		same(t, "claims while paused", take(t, s, "meta-eu", "a", noon), []subfive.Claim(nil))
		if n := probe("probe", noon); n != 1 {
			t.Errorf("the probe got %d", n)
		}
		p.Manual, p.Until = true, time.Time{}
		set(p)
		later := noon.Add(time.Hour)
		if n := len(take(t, s, "meta-eu", "b", later)) + probe("c", later); n != 0 {
			t.Errorf("%d claims though a person paused it", n)
		}
		set(subfive.Pause{DestinationID: "meta-eu", Version: 2})
		if n := len(take(t, s, "meta-eu", "d", later)); n != 1 {
			t.Errorf("%d claims after the pause", n)
		}
		none, err := s.Pause(t.Context(), "meta-us")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "pause never stored", none, subfive.Pause{DestinationID: "meta-us"})
		all, err := s.Pauses(t.Context())
		if err != nil || len(all) != 1 {
			t.Errorf("all pauses: %v, %v", all, err)
		}
	})
}

func TestFollowersWaitAndAreSkipped(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status subfive.DeliveryStatus
		then   string // the kind that can be claimed after it
		end    subfive.DeliveryStatus
	}{
		"delivered: the retraction follows": {subfive.DeliveryDelivered, "retraction", subfive.DeliveryScheduled},
		"dead: nothing to take back":        {subfive.DeliveryDead, "", subfive.DeliverySkipped},
		"scheduled again: it still waits":   {subfive.DeliveryScheduled, "conversion", subfive.DeliveryScheduled},
	}
	each(t, func(t *testing.T, s *Store) {
		n := 0
		for name, c := range cases {
			n++
			to := fmt.Sprint("meta-", n)
			b := sale(n, to)
			back, twice := delivery(n, to, subfive.KindRetraction), delivery(n, to, subfive.KindRestatement)
			back.WaitsFor, twice.WaitsFor = b.Deliveries[0].ID, back.ID
			b.Deliveries = append(b.Deliveries, back, twice)
			record(t, s, b)
			same(t, name+": first", claimed(take(t, s, to, "one"+to, noon)), []string{b.Deliveries[0].ID})
			finish(t, s, subfive.Finish{Settled: []subfive.Settled{{
				DeliveryID: b.Deliveries[0].ID, LeaseID: "one" + to, Status: c.status, NextAttemptAt: noon, Tried: true,
			}}})
			var then []string
			if c.then != "" {
				then = []string{delivery(n, to, subfive.Kind(c.then)).ID}
			}
			same(t, name+": then", claimed(take(t, s, to, "two"+to, noon)), then)
			for _, id := range []string{back.ID, twice.ID} {
				if got := stored(t, s, id); got.Status != c.end {
					t.Errorf("%s: %s is %s (%s), want %s", name, id, got.Status, got.ReasonCode, c.end)
				}
			}
		}
	})
}

func TestFollowerRecordedAsItsPredecessorDied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		back := delivery(1, "meta-eu", subfive.KindRetraction)
		back.WaitsFor = b.Deliveries[0].ID
		b.Deliveries = append(b.Deliveries, back)
		record(t, s, b)
		take(t, s, "meta-eu", "one", noon)
		// As if the retraction had been recorded by a transaction that did not see
		// this one, nor was seen by it.
		if err := s.write(t.Context(), s.outbox, func(tx *tx) error {
			if _, err := tx.deleteLeased(t.Context(), "one", []string{b.Deliveries[0].ID}); err != nil {
				return err
			}
			return tx.settle(t.Context(), subfive.Finish{}, []subfive.Settled{{DeliveryID: b.Deliveries[0].ID, Status: subfive.DeliveryDead}})
		}); err != nil {
			t.Fatal(err)
		}
		same(t, "claims", take(t, s, "meta-eu", "two", noon), []subfive.Claim(nil))
		if got := stored(t, s, back.ID); got.Status != subfive.DeliverySkipped || got.ReasonCode != neverSentCode {
			t.Errorf("the retraction is %s (%s)", got.Status, got.ReasonCode)
		}
	})
}

func TestRevivedBringsFollowersBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		back := delivery(1, "meta-eu", subfive.KindRetraction)
		back.WaitsFor = b.Deliveries[0].ID
		b.Deliveries = append(b.Deliveries, back)
		record(t, s, b)
		first := b.Deliveries[0].ID
		take(t, s, "meta-eu", "one", noon)
		finish(t, s, subfive.Finish{Settled: []subfive.Settled{{DeliveryID: first, LeaseID: "one", Status: subfive.DeliveryDead}}})
		finish(t, s, subfive.Finish{Revived: []string{first, "dl_unknown"}})
		same(t, "claimed", claimed(take(t, s, "meta-eu", "two", noon)), []string{first})
		finish(t, s, subfive.Finish{Settled: []subfive.Settled{{DeliveryID: first, LeaseID: "two", Status: subfive.DeliveryDelivered, Tried: true}}})
		same(t, "then", claimed(take(t, s, "meta-eu", "three", noon)), []string{back.ID})
		finish(t, s, subfive.Finish{Revived: []string{first}})
		same(t, "a delivered one is not revived", stored(t, s, first).Status, subfive.DeliveryDelivered)
	})
}

// Eight workers share 2,000 deliveries: each is finished once, by the lease
// that took it, and none after the pause was committed.
func TestWorkersFinishEachDeliveryOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		const n = 2000
		var b subfive.Batch
		for i := range n {
			b.Deliveries = append(b.Deliveries, delivery(i, "meta-eu", subfive.KindConversion))
		}
		record(t, s, b)
		var mu sync.Mutex
		finished := map[string]int{}
		work := func(ctx context.Context, worker int) error {
			for round := 0; ; round++ {
				lease := fmt.Sprintf("lease-%d-%d", worker, round)
				claims, err := s.Take(ctx, "meta-eu", lease, noon, noon.Add(time.Minute), 60, false)
				if err != nil {
					return err
				}
				if len(claims) == 0 {
					if _, ok, err := s.NextDue(ctx, "meta-eu"); err != nil || !ok {
						return err
					}
					if at, _, err := s.NextDue(ctx, "meta-eu"); err != nil || at.After(noon) {
						return err
					}
					continue
				}
				f := subfive.Finish{DestinationID: "meta-eu", At: noon}
				for i, c := range claims {
					st := subfive.Settled{DeliveryID: c.Delivery.ID, LeaseID: lease, Status: subfive.DeliveryDelivered, Counts: true}
					if i%10 == 0 && c.Delivery.Attempts == 0 {
						st.Status, st.NextAttemptAt = subfive.DeliveryScheduled, noon
					}
					f.Settled = append(f.Settled, st)
				}
				lost, err := s.Finish(ctx, f)
				if err != nil || len(lost) > 0 {
					return fmt.Errorf("lost %v: %w", lost, err)
				}
				mu.Lock()
				for _, st := range f.Settled {
					if st.Status == subfive.DeliveryDelivered {
						finished[st.DeliveryID]++
					}
				}
				mu.Unlock()
			}
		}
		errs := make(chan error)
		for w := range 8 {
			go func() { errs <- work(t.Context(), w) }()
		}
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for i := range n {
			id := delivery(i, "meta-eu", subfive.KindConversion).ID
			if finished[id] != 1 {
				t.Errorf("%s was finished %d times", id, finished[id])
			}
		}
	})
}
