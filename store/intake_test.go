package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

var intakeAt = time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC)

// saleBatch is a batch with one click, its postback, its conversion and a delivery.
func saleBatch() subfive.Batch {
	payout := subfive.Micros(42_500_000)
	session := subfive.Session{NetworkID: "everflow", TransactionID: "t1", ClickID: "click1"}
	b := subfive.Batch{
		At:        intakeAt,
		Positions: []subfive.Position{{Segment: "s1", Pos: 2}},
		Clicks:    []subfive.Click{{ID: "click1", RecordKind: subfive.ClickRedirect, ClickedAt: intakeAt, CampaignID: "spring", Params: map[string]string{"fbclid": "IwAR%<é>"}}},
		Postbacks: []subfive.Judged{{
			Postback: subfive.Postback{
				ID: "pb_1", ReceivedAt: intakeAt, NetworkID: "everflow", EndpointID: "default", ClickID: "click1", TransactionID: "t1",
				Payout: &payout, Reading: subfive.ReadingOK, Answered: 200,
			},
			Verdict: subfive.VerdictMatched, GroupID: "gr_1", ConversionID: "cv_1", Trace: []subfive.Step{{Step: "match", Result: "matched"}},
		}},
		Groups: []subfive.Group{{ID: "gr_1", NetworkID: "everflow", TransactionID: "t1", ClickID: "click1"}},
		Conversions: []subfive.Conversion{{
			ID: "cv_1", GroupID: "gr_1", NetworkID: "everflow", PostbackID: "pb_1", Verdict: subfive.VerdictMatched, Seq: 1,
			ReceivedClickID: "click1", AttributedClickID: "click1", TransactionID: "t1", ConvertedAt: intakeAt, ReceivedAt: intakeAt,
			Payout: &payout, Currency: "USD",
		}},
		Deliveries: []subfive.Delivery{owedDelivery("dl_1", subfive.KindConversion)},
		Versions:   map[string]int64{},
	}
	for _, key := range session.Keys() {
		b.Versions[key] = 0
	}
	return b
}

func owedDelivery(id string, kind subfive.Kind) subfive.Delivery {
	return subfive.Delivery{
		ID: id, ConversionID: "cv_1", DestinationID: "meta", Platform: "meta", Kind: kind, Generation: 1, Mode: subfive.ModeLive,
		EventName: "Purchase", EventID: "cv_1", EventTime: intakeAt, Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"},
		LimitedUse: true, Status: subfive.DeliveryScheduled, CreatedAt: intakeAt, NextAttemptAt: intakeAt, DeadlineAt: intakeAt.Add(time.Hour),
	}
}

func recordBatch(t *testing.T, s *Store, b subfive.Batch) {
	t.Helper()
	if err := s.RecordBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, s *Store, l subfive.Lookup) subfive.Known {
	t.Helper()
	k, err := s.Lookup(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func session1() []subfive.Session {
	return []subfive.Session{{NetworkID: "everflow", TransactionID: "t1"}}
}

func TestLookupFindsWhatRecordBatchWrote(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		recordBatch(t, s, b)
		k := look(t, s, subfive.Lookup{
			PostbackIDs: []string{"pb_1", "pb_2"}, ClickIDs: []string{"nobody", ""},
			Sessions: append(session1(), subfive.Session{NetworkID: "another", ClickID: "click1"}),
		})
		stored := b.Conversions[0]
		stored.Version = 1
		d := b.Deliveries[0]
		d.NextAttemptAt = time.Time{} // the schedule's, not the delivery's
		want := subfive.Known{
			Stored: map[string]bool{"pb_1": true},
			Clicks: map[string]subfive.Click{"click1": b.Clicks[0]}, // the conversion's, though nobody asked
			Groups: []subfive.Group{{
				ID: "gr_1", NetworkID: "everflow", TransactionID: "t1", ClickID: "click1", Conversions: []subfive.Conversion{stored},
			}},
			Versions:   map[string]int64{"t everflow t1": 1},
			Deliveries: []subfive.Delivery{d},
		}
		if diff := cmp.Diff(want, k); diff != "" {
			t.Errorf("known (-want +got):\n%s", diff)
		}
		if positions, err := s.JournalPositions(t.Context()); err != nil || positions["s1"] != 2 {
			t.Errorf("positions %v, %v", positions, err)
		}
	})
}

func TestASessionThatMovedIsAConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		recordBatch(t, s, saleBatch())
		late := saleBatch() // decided on what was known before
		late.Postbacks[0].Postback.ID, late.Clicks, late.Conversions, late.Deliveries = "pb_2", nil, nil, nil
		if err := s.RecordBatch(t.Context(), late); !errors.Is(err, subfive.ErrConflict) {
			t.Fatalf("err = %v", err)
		}
		if k := look(t, s, subfive.Lookup{PostbackIDs: []string{"pb_2"}}); k.Stored["pb_2"] {
			t.Error("a part of it was recorded")
		}
		late.Versions = look(t, s, subfive.Lookup{Sessions: []subfive.Session{{NetworkID: "everflow", TransactionID: "t1", ClickID: "click1"}}}).Versions
		recordBatch(t, s, late)
	})
}

func TestAConversionThatMovedIsAConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		recordBatch(t, s, saleBatch())
		c := look(t, s, subfive.Lookup{Sessions: session1()}).Groups[0].Conversions[0]
		c.Status = subfive.StatusApproved
		recordBatch(t, s, subfive.Batch{Conversions: []subfive.Conversion{c}, At: intakeAt})
		if err := s.RecordBatch(t.Context(), subfive.Batch{Conversions: []subfive.Conversion{c}, At: intakeAt}); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("a stale write: err = %v", err)
		}
		fresh := saleBatch().Conversions[0] // as if nobody had it
		if err := s.RecordBatch(t.Context(), subfive.Batch{Promotions: []subfive.Promotion{{Conversion: fresh}}, At: intakeAt}); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("a second first write: err = %v", err)
		}
	})
}

func TestWhatIsStoredStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		recordBatch(t, s, saleBatch())
		again := saleBatch()
		again.Versions, again.Conversions = nil, nil
		again.Clicks[0].CampaignID = "another"
		again.Postbacks[0].Verdict = subfive.VerdictDuplicate
		again.Deliveries[0].EventName = "Other"
		again.Positions = []subfive.Position{{Segment: "s1", Pos: 1}} // a position never moves back
		recordBatch(t, s, again)
		k := look(t, s, subfive.Lookup{ClickIDs: []string{"click1"}, Sessions: session1()})
		if k.Clicks["click1"].CampaignID != "spring" || k.Deliveries[0].EventName != "Purchase" || len(k.Deliveries) != 1 {
			t.Errorf("known %+v", k)
		}
		j, err := s.Judged(t.Context(), "pb_1")
		if err != nil || j.Verdict != subfive.VerdictMatched {
			t.Errorf("verdict %s, %v", j.Verdict, err)
		}
		if positions, err := s.JournalPositions(t.Context()); err != nil || positions["s1"] != 2 {
			t.Errorf("positions %v, %v", positions, err)
		}
	})
}

func TestBadDataIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		b.Postbacks[0].Postback.OrderID = "a\x00b"
		if err := s.RecordBatch(t.Context(), b); !errors.Is(err, subfive.ErrBadData) {
			t.Fatalf("err = %v", err)
		}
		broken := subfive.Batch{At: intakeAt, Positions: b.Positions, Broken: []subfive.Broken{
			{Position: b.Positions[0], Data: []byte("{\x00\xff"), Reason: "not JSON"},
		}}
		recordBatch(t, s, broken)
		recordBatch(t, s, broken)
		c, err := s.Counts(t.Context(), intakeAt)
		if err != nil || c.Broken != 1 {
			t.Errorf("%d broken, %v", c.Broken, err)
		}
		if k := look(t, s, subfive.Lookup{ClickIDs: []string{"click1"}}); len(k.Clicks) != 0 {
			t.Error("a part of the refused batch is stored")
		}
	})
}

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		tried := owedDelivery("dl_2", subfive.KindConversion)
		tried.DestinationID = "hook"
		b.Deliveries = append(b.Deliveries, tried)
		recordBatch(t, s, b)
		if _, err := s.Take(t.Context(), "hook", "lease", intakeAt, intakeAt.Add(time.Minute), 10, false); err != nil {
			t.Fatal(err)
		}
		retraction := func(id, destination, of string) subfive.Delivery {
			d := owedDelivery(id, subfive.KindRetraction)
			d.DestinationID, d.WaitsFor = destination, of
			return d
		}
		recordBatch(t, s, subfive.Batch{
			At: intakeAt,
			Withdrawals: []subfive.Withdrawal{
				{DeliveryID: "dl_1", ReasonCode: "rejected", Reason: "before it was sent"},
				{DeliveryID: "dl_2", ReasonCode: "rejected", Reason: "it is being sent"},
			},
			Deliveries: []subfive.Delivery{retraction("dl_3", "meta", "dl_1"), retraction("dl_4", "hook", "dl_2")},
		})
		got := map[string]string{}
		for _, d := range look(t, s, subfive.Lookup{Sessions: session1()}).Deliveries {
			got[d.ID] = string(d.Status) + " " + d.ReasonCode
		}
		want := map[string]string{"dl_1": "skipped rejected", "dl_2": "scheduled ", "dl_3": "skipped never_sent", "dl_4": "scheduled "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
		// The retraction that is left waits for the original.
		if claims, err := s.Take(t.Context(), "hook", "lease2", intakeAt, intakeAt.Add(time.Minute), 10, false); err != nil || len(claims) != 0 {
			t.Errorf("took %v, %v", claims, err)
		}
	})
}

// What died after a send whose answer was lost may be there: what follows it is
// told, whether it was made before or after.
func TestWhatFollowsAnAmbiguousEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		before := owedDelivery("dl_2", subfive.KindRetraction)
		before.WaitsFor = "dl_1"
		b.Deliveries = append(b.Deliveries, before)
		recordBatch(t, s, b)
		claims, err := s.Take(t.Context(), "meta", "lease", intakeAt, intakeAt.Add(time.Minute), 10, false)
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		if _, err := s.Finish(t.Context(), subfive.Finish{DestinationID: "meta", At: intakeAt, Settled: []subfive.Settled{{
			DeliveryID: "dl_1", LeaseID: "lease", Status: subfive.DeliveryDead, ReasonCode: "ambiguous", Tried: true, AmbiguousAt: intakeAt,
		}}}); err != nil {
			t.Fatal(err)
		}
		after := owedDelivery("dl_3", subfive.KindApproval)
		after.WaitsFor = "dl_1"
		recordBatch(t, s, subfive.Batch{At: intakeAt, Deliveries: []subfive.Delivery{after}})
		claims, err = s.Take(t.Context(), "meta", "lease2", intakeAt, intakeAt.Add(time.Minute), 10, false)
		if err != nil || len(claims) != 2 {
			t.Errorf("took %d, %v; want both that follow", len(claims), err)
		}
	})
}

// A refund of a sale that was never told is not sent, however it is asked for.
func TestAReplayKeepsTheLineage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		recordBatch(t, s, b)
		refund := owedDelivery("dl_2", subfive.KindRetraction)
		refund.WaitsFor = "dl_1"
		recordBatch(t, s, subfive.Batch{
			At: intakeAt, Deliveries: []subfive.Delivery{refund},
			Withdrawals: []subfive.Withdrawal{{DeliveryID: "dl_1", ReasonCode: "rejected", Reason: "before it was sent"}},
		})
		done, err := s.Replay(t.Context(), Replay{Filter: DeliveryFilter{Kind: subfive.KindRetraction}, Force: true, At: intakeAt})
		if err != nil || done.Count != 0 || done.Refused[RefusedNotOwed] != 1 {
			t.Errorf("replayed %+v, %v", done, err)
		}
	})
}

func TestPromotionFindsItsClick(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		b.Clicks, b.Deliveries = nil, nil
		b.Conversions[0].Verdict, b.Conversions[0].AttributedClickID = subfive.VerdictWaiting, ""
		b.Conversions[0].ReviewAt = intakeAt.Add(time.Minute)
		b.Postbacks[0].Verdict = subfive.VerdictWaiting
		recordBatch(t, s, b)
		if due, err := s.Due(t.Context(), intakeAt, 10); err != nil || len(due) != 0 {
			t.Errorf("due too early: %v, %v", due, err)
		}
		if due, err := s.Due(t.Context(), intakeAt.Add(time.Minute), 10); err != nil || len(due) != 1 {
			t.Errorf("due: %v, %v", due, err)
		}
		k := look(t, s, subfive.Lookup{ClickIDs: []string{"click1"}, WithWaiting: true})
		if len(k.Waiting) != 1 {
			t.Fatalf("waiting: %v", k.Waiting)
		}
		c := k.Waiting[0]
		c.Verdict, c.AttributedClickID, c.ReviewAt = subfive.VerdictMatched, "click1", time.Time{}
		recordBatch(t, s, subfive.Batch{At: intakeAt, Promotions: []subfive.Promotion{{
			Conversion: c, Deliveries: []subfive.Delivery{owedDelivery("dl_1", subfive.KindConversion)},
			Trace: []subfive.Step{{Step: "match", Result: "late"}},
		}}})
		j, err := s.Judged(t.Context(), "pb_1")
		want := []subfive.Step{{Step: "match", Result: "matched"}, {Step: "match", Result: "late"}}
		if err != nil || j.Verdict != subfive.VerdictMatched || !cmp.Equal(want, j.Trace) {
			t.Errorf("judged %s %v, %v", j.Verdict, j.Trace, err)
		}
		if k := look(t, s, subfive.Lookup{ClickIDs: []string{"click1"}, WithWaiting: true}); len(k.Waiting) != 0 {
			t.Errorf("still waiting: %v", k.Waiting)
		}
		if due, err := s.Due(t.Context(), intakeAt.Add(time.Hour), 10); err != nil || len(due) != 0 {
			t.Errorf("still due: %v, %v", due, err)
		}
	})
}

func TestASettlementHappensOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		b.Postbacks[0].Verdict, b.Postbacks[0].PossibleDuplicateOf = subfive.VerdictPossibleDuplicate, "cv_1"
		recordBatch(t, s, b)
		j, err := s.Judged(t.Context(), "pb_1")
		if err != nil {
			t.Fatal(err)
		}
		j.Verdict, j.SettledAs, j.SettledBy = subfive.VerdictDuplicate, "duplicate", "ann"
		recordBatch(t, s, subfive.Batch{At: intakeAt, Settlements: []subfive.Judged{j}})
		if err := s.RecordBatch(t.Context(), subfive.Batch{At: intakeAt, Settlements: []subfive.Judged{j}}); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("settled twice: %v", err)
		}
		if got, err := s.Judged(t.Context(), "pb_1"); err != nil || got.SettledBy != "ann" || got.Verdict != subfive.VerdictDuplicate {
			t.Errorf("judged %+v, %v", got, err)
		}
	})
}

func TestDaysAreStampedInTheReportingZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{zone: zone}
	if got := s.day(intakeAt); got != "2026-11-25" {
		t.Errorf("day = %s", got)
	}
}
