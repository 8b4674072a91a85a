package store

import (
	"testing"
	"time"

	"subfive"
)

// A replay is taken back as long as nobody sent it; then all is as it was.
func TestUndoReplay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var dead []string
		for i := range 4 {
			b := sale(i, "meta-eu")
			b.Deliveries[0].Status, b.Deliveries[0].ReasonCode = subfive.DeliveryDead, "190"
			dead = append(dead, b.Deliveries[0].ID)
			record(t, s, b)
		}
		fresh := sale(9, "meta-eu")
		record(t, s, fresh)
		at := noon.Add(time.Hour)
		replay := Replay{Filter: DeliveryFilter{IDs: dead}, At: at, After: 10 * time.Second, By: "ann"}
		done, err := s.Replay(t.Context(), replay)
		if err != nil || done.Count != 4 {
			t.Fatalf("%+v, %v", done, err)
		}
		// Nothing is due before the time to think has passed; then one is sent.
		if claims, err := s.Take(t.Context(), "meta-eu", "l0", at.Add(9*time.Second), at.Add(time.Minute), 1, false); err != nil || len(claims) != 1 || claims[0].Delivery.ID != fresh.Deliveries[0].ID {
			t.Fatalf("claimed too early: %v, %v", claims, err)
		}
		claims, err := s.Take(t.Context(), "meta-eu", "l1", at.Add(11*time.Second), at.Add(time.Minute), 1, false)
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		sent := claims[0].Delivery.ID
		ids := append([]string{fresh.Deliveries[0].ID, dead[0], "dl_none"}, done.IDs...)
		undone, err := s.UndoReplay(t.Context(), ids, "ann", at.Add(12*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "left", undone.Left, map[string]string{fresh.Deliveries[0].ID: LeftNoReplay, dead[0]: LeftSent, "dl_none": LeftUnknown, sent: LeftSent})
		same(t, "undone", len(undone.Undone), 3)
		again, err := s.Replay(t.Context(), Replay{Filter: replay.Filter, At: at.Add(time.Minute), DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what could be replayed", []any{again.Count, again.Refused}, []any{3, map[string]int{}})
		if again, err := s.UndoReplay(t.Context(), undone.Undone, "ann", at.Add(13*time.Second)); err != nil || len(again.Undone) > 0 || len(again.Left) != 3 {
			t.Errorf("undone twice: %+v, %v", again, err)
		}
		lines, err := s.Audits(t.Context(), 10)
		if err != nil || len(lines) != 2 || lines[0].Action != "undo_replay" || lines[1].Action != "replay" || lines[0].Actor != "ann" {
			t.Errorf("audit %+v, %v", lines, err)
		}
	})
}

func TestAddAudit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		line := Audit{At: noon, Actor: "ann", Action: "settle", Subject: "postback pb_1", New: "new"}
		if err := s.AddAudit(t.Context(), line); err != nil {
			t.Fatal(err)
		}
		lines, err := s.Audits(t.Context(), 10)
		if err != nil || len(lines) != 1 || lines[0].ID == "" {
			t.Fatal(lines, err)
		}
		line.ID = lines[0].ID
		same(t, "line", lines[0], line)
	})
}
