package store

import (
	"testing"

	"subfive"
)

// A delivery keeps whether the platform is told to limit its use, for the outbox,
// for stories, for a replay and in the view.
func TestLimitedUseIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		open := owedDelivery("dl_2", subfive.KindApproval)
		open.LimitedUse = false
		b.Deliveries = append(b.Deliveries, open)
		recordBatch(t, s, b)
		_, rows, err := dump(t.Context(), s, "SELECT delivery_id, limited_use FROM v_deliveries ORDER BY delivery_id")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the view", rows, "dl_1 1\ndl_2 0\n")
		ds, err := s.Deliveries(t.Context(), DeliveryFilter{ConversionID: "cv_1"})
		if err != nil {
			t.Fatal(err)
		}
		limited := map[string]bool{}
		for _, d := range ds {
			limited[d.ID] = d.LimitedUse
		}
		same(t, "deliveries", limited, map[string]bool{"dl_1": true, "dl_2": false})
	})
}

// A replay that decides nothing anew limits what was limited.
func TestReplayKeepsLimitedUse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := saleBatch()
		b.Deliveries[0].Status = subfive.DeliverySkipped
		recordBatch(t, s, b)
		done, err := s.Replay(t.Context(), Replay{Filter: DeliveryFilter{ConversionID: "cv_1"}, At: intakeAt})
		if err != nil {
			t.Fatal(err)
		}
		if done.Count != 1 || !done.Sample.LimitedUse {
			t.Errorf("replayed %+v", done)
		}
	})
}
