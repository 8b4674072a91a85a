package store

import (
	"testing"
	"time"

	"subfive"
)

// chain is a sale of one destination and what was made after it, each after the
// one before.
func chain(n int, kinds ...subfive.Kind) subfive.Batch {
	b := sale(n, "google-main")
	for _, kind := range kinds {
		d := delivery(n, "google-main", kind)
		d.WaitsFor = b.Deliveries[len(b.Deliveries)-1].ID
		b.Deliveries = append(b.Deliveries, d)
	}
	return b
}

// settle takes what is due and ends it so.
func settle(t *testing.T, s *Store, lease string, as subfive.Settled) []string {
	t.Helper()
	ids := claimed(take(t, s, "google-main", lease, noon))
	var f subfive.Finish
	for _, id := range ids {
		as.DeliveryID, as.LeaseID = id, lease
		f.Settled = append(f.Settled, as)
	}
	finish(t, s, f)
	return ids
}

func withdrawn(ids ...string) subfive.Batch {
	b := subfive.Batch{At: noon}
	for _, id := range ids {
		b.Withdrawals = append(b.Withdrawals, subfive.Withdrawal{DeliveryID: id, ReasonCode: "rejected", Reason: "before it was sent"})
	}
	return b
}

// stands is a delivery's state in short.
func stands(t *testing.T, s *Store, id string) string {
	t.Helper()
	d := stored(t, s, id)
	return string(d.Status) + " " + d.ReasonCode
}

// The network rejects a sale: what was not sent of its lineage is withdrawn, and
// the retraction follows the sale if that was sent, or may have been.
func TestRetractionPassesOverWhatWasNotSent(t *testing.T) {
	t.Parallel()
	delivered := subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true}
	retrying := subfive.Settled{Status: subfive.DeliveryScheduled, NextAttemptAt: noon, Tried: true}
	dead := subfive.Settled{Status: subfive.DeliveryDead, ReasonCode: "rejected", Tried: true}
	ambiguous := subfive.Settled{Status: subfive.DeliveryDead, ReasonCode: "ambiguous", Tried: true, AmbiguousAt: noon}
	cases := map[string]struct {
		between []subfive.Kind
		before  *subfive.Settled // the sale, when the rejection comes; nil: not tried
		then    *subfive.Settled // the sale, after it
		want    string           // the retraction
	}{
		"delivered, a restatement scheduled":                {[]subfive.Kind{subfive.KindRestatement}, &delivered, nil, "delivered "},
		"delivered, an approval scheduled":                  {[]subfive.Kind{subfive.KindApproval}, &delivered, nil, "delivered "},
		"delivered, both scheduled":                         {[]subfive.Kind{subfive.KindApproval, subfive.KindRestatement}, &delivered, nil, "delivered "},
		"delivered, nothing between":                        {nil, &delivered, nil, "delivered "},
		"retried, then delivered":                           {[]subfive.Kind{subfive.KindRestatement}, &retrying, &delivered, "delivered "},
		"retried, then refused":                             {[]subfive.Kind{subfive.KindRestatement}, &retrying, &dead, "skipped never_sent"},
		"retried, then refused after a lost answer":         {[]subfive.Kind{subfive.KindRestatement}, &retrying, &ambiguous, "delivered "},
		"never tried, a restatement scheduled":              {[]subfive.Kind{subfive.KindRestatement}, nil, nil, "skipped never_sent"},
		"never tried":                                       {nil, nil, nil, "skipped never_sent"},
		"dead after a lost answer, a restatement scheduled": {[]subfive.Kind{subfive.KindRestatement}, &ambiguous, nil, "delivered "},
	}
	each(t, func(t *testing.T, s *Store) {
		n := 0
		for name, c := range cases {
			n++
			b := chain(n, c.between...)
			record(t, s, b)
			if c.before != nil {
				settle(t, s, "first "+name, *c.before)
			}
			var ids []string
			for _, d := range b.Deliveries {
				ids = append(ids, d.ID)
			}
			rejected := withdrawn(ids...)
			back := delivery(n, "google-main", subfive.KindRetraction)
			back.WaitsFor = ids[len(ids)-1]
			rejected.Deliveries = []subfive.Delivery{back}
			record(t, s, rejected)
			if c.then != nil {
				same(t, name+": sent first", settle(t, s, "second "+name, *c.then), ids[:1])
			}
			settle(t, s, "third "+name, delivered)
			same(t, name, stands(t, s, back.ID), c.want)
		}
	})
}

// A restatement that dies ahead of a waiting retraction is passed over, and not
// before what it waited for itself has ended.
func TestRestatementThatDies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := chain(1, subfive.KindRestatement, subfive.KindRetraction)
		sold, worth, back := b.Deliveries[0].ID, b.Deliveries[1].ID, b.Deliveries[2].ID
		record(t, s, b)
		same(t, "first", settle(t, s, "1", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true}), []string{sold})
		same(t, "second", settle(t, s, "2", subfive.Settled{Status: subfive.DeliveryDead, ReasonCode: "rejected", Tried: true}), []string{worth})
		// It was the configuration: it goes first again.
		finish(t, s, subfive.Finish{Revived: []string{worth}})
		same(t, "third", settle(t, s, "3", subfive.Settled{Status: subfive.DeliveryDead, ReasonCode: "rejected", Tried: true}), []string{worth})
		same(t, "last", settle(t, s, "4", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true}), []string{back})
	})
}

// A withdrawn restatement is passed over by what already waits for it.
func TestFollowerOfAWithdrawnOneWaitsForTheSale(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := chain(1, subfive.KindRestatement, subfive.KindRetraction)
		sold, worth, back := b.Deliveries[0].ID, b.Deliveries[1].ID, b.Deliveries[2].ID
		record(t, s, b)
		same(t, "due", claimed(take(t, s, "google-main", "1", noon)), []string{sold})
		record(t, s, withdrawn(worth))
		same(t, "while the sale is on its way", claimed(take(t, s, "google-main", "2", noon)), []string(nil))
		finish(t, s, subfive.Finish{Settled: []subfive.Settled{{DeliveryID: sold, LeaseID: "1", Status: subfive.DeliveryDead, Tried: true}}})
		same(t, "the sale is refused", stands(t, s, back), "skipped never_sent")
		finish(t, s, subfive.Finish{Revived: []string{sold}})
		same(t, "the sale lives again, and with it", stands(t, s, back), "scheduled revived")
		same(t, "what was withdrawn does not", stands(t, s, worth), "skipped rejected")
		same(t, "first", settle(t, s, "3", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true}), []string{sold})
		same(t, "then", settle(t, s, "4", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true}), []string{back})
	})
}

// A sale that is withdrawn takes what waits for it along.
func TestFollowerOfAWithdrawnSale(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := chain(1, subfive.KindApproval, subfive.KindRestatement)
		record(t, s, b, withdrawn(b.Deliveries[0].ID))
		for i, want := range []string{"skipped rejected", "skipped never_sent", "skipped never_sent"} {
			same(t, b.Deliveries[i].ID, stands(t, s, b.Deliveries[i].ID), want)
		}
		same(t, "due", take(t, s, "google-main", "1", noon), []subfive.Claim(nil))
	})
}

// The retraction was recorded at the moment in which the restatement ended, so
// that neither saw the other: it is given back and follows the sale.
func TestFollowerRecordedAsARestatementDied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := chain(1, subfive.KindRestatement, subfive.KindRetraction)
		worth, back := b.Deliveries[1].ID, b.Deliveries[2].ID
		record(t, s, b)
		settle(t, s, "1", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true})
		take(t, s, "google-main", "2", noon)
		if err := s.write(t.Context(), s.outbox, func(tx *tx) error {
			if _, err := tx.deleteLeased(t.Context(), "2", []string{worth}); err != nil {
				return err
			}
			return tx.settle(t.Context(), subfive.Finish{}, []subfive.Settled{{DeliveryID: worth, Status: subfive.DeliveryDead}})
		}); err != nil {
			t.Fatal(err)
		}
		same(t, "given back", take(t, s, "google-main", "3", noon), []subfive.Claim(nil))
		if at, ok, err := s.NextDue(t.Context(), "google-main"); err != nil || !ok || !at.Equal(noon) {
			t.Errorf("next due %v, %v, %v; want at once", at, ok, err)
		}
		same(t, "then", claimed(take(t, s, "google-main", "4", noon)), []string{back})
	})
}

// What was skipped by mistake can be sent by a replay, once the sale is there.
func TestReplayOfARetractionBehindARestatement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := chain(1, subfive.KindRestatement, subfive.KindRetraction)
		b.Deliveries[1].Status, b.Deliveries[1].ReasonCode = subfive.DeliverySkipped, "rejected"
		b.Deliveries[2].Status, b.Deliveries[2].ReasonCode = subfive.DeliverySkipped, neverSentCode
		record(t, s, b)
		settle(t, s, "1", subfive.Settled{Status: subfive.DeliveryDelivered, Tried: true})
		done, err := s.Replay(t.Context(), Replay{Filter: DeliveryFilter{Kind: subfive.KindRetraction}, At: noon.Add(time.Second)})
		if err != nil || done.Count != 1 {
			t.Fatalf("replayed %+v, %v", done, err)
		}
		same(t, "due", claimed(take(t, s, "google-main", "2", noon.Add(time.Second))), done.IDs)
	})
}
