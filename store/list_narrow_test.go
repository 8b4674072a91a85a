package store

import (
	"errors"
	"strconv"
	"testing"

	"subfive"
)

// Each filter takes several values; held deliveries are those that are scheduled
// for a destination that is paused.
func TestListsOfSeveralValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for i, to := range []string{"meta-eu", "meta-eu", "relay", "tiktok"} {
			b := sale(i, to)
			if i == 1 {
				b.Deliveries[0].Status, b.Deliveries[0].ReasonCode = subfive.DeliverySkipped, "goal_unmapped"
			}
			record(t, s, b)
		}
		if won, err := s.SetPause(t.Context(), subfive.Pause{DestinationID: "meta-eu", Manual: true, Reason: "token"}); err != nil || !won {
			t.Fatal(won, err)
		}
		tests := map[string]struct {
			filters map[string][]string
			want    []string
		}{
			"all":                     {nil, []string{"cv_3", "cv_2", "cv_1", "cv_0"}},
			"two destinations":        {map[string][]string{"destination_id": {"tiktok", "relay"}}, []string{"cv_3", "cv_2"}},
			"three, of which two are": {map[string][]string{"destination_id": {"tiktok", "relay", "x"}}, []string{"cv_3", "cv_2"}},
			"one twice":               {map[string][]string{"destination_id": {"relay", "relay"}}, []string{"cv_2"}},
			"held":                    {map[string][]string{"status": {"held"}}, []string{"cv_0"}},
			"held or skipped":         {map[string][]string{"status": {"held", "skipped"}}, []string{"cv_1", "cv_0"}},
			"held elsewhere":          {map[string][]string{"status": {"held"}, "destination_id": {"relay"}}, []string{}},
			"scheduled, held or not":  {map[string][]string{"status": {"scheduled"}}, []string{"cv_3", "cv_2", "cv_0"}},
		}
		for name, tt := range tests {
			q := ListQuery{View: "deliveries", Filters: tt.filters, Limit: 2}
			got := []string{}
			for {
				items, next, err := s.List(t.Context(), q)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, item := range items {
					got = append(got, item["conversion_id"].(string))
					same(t, name+": held", item["is_held"], map[bool]int64{true: 1}[item["conversion_id"] == "cv_0"])
				}
				if q.Cursor = next; next == "" {
					break
				}
			}
			same(t, name, got, tt.want)
			n, err := s.Count(t.Context(), q)
			same(t, name+": count", []any{n, err}, []any{len(tt.want), error(nil)})
			_, rows := exported(t, s, ExportQuery{View: "deliveries", Filters: tt.filters, NewestFirst: true})
			same(t, name+": exported", append([]string{}, idsOf(rows, "conversion_id")...), tt.want)
		}
	})
}

func TestBadNarrowing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var lots []string
		for i := range maxValues + 1 {
			lots = append(lots, strconv.Itoa(i))
		}
		for name, q := range map[string]ListQuery{
			"no list":         {View: "resources"},
			"no column":       {View: "clicks", Filters: map[string][]string{"doc": {"x"}}},
			"no value":        {View: "clicks", Filters: map[string][]string{"campaign_id": {}}},
			"too many values": {View: "clicks", Filters: map[string][]string{"campaign_id": lots}},
			"no text":         {View: "clicks", Filters: map[string][]string{"campaign_id": {"a", "\x00"}}},
		} {
			if _, err := s.Count(t.Context(), q); !errors.Is(err, ErrBadQuery) {
				t.Errorf("count of %s: %v", name, err)
			}
			err := s.Export(t.Context(), ExportQuery{View: q.View, Filters: q.Filters}, func([]subfive.Column) error { return nil }, func([]any) error { return nil })
			if !errors.Is(err, ErrBadQuery) {
				t.Errorf("export of %s: %v", name, err)
			}
		}
	})
}

func TestExportIsPagedNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		n := MaxPage + 3
		many(t, s, n, "google")
		for _, view := range []string{"deliveries", "postbacks", "clicks", "conversions", "attempts"} {
			items, _, err := s.List(t.Context(), ListQuery{View: view, Limit: MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			_, rows := exported(t, s, ExportQuery{View: view, NewestFirst: true})
			id := lists()[view].id
			if want := map[bool]int{true: 0, false: n}[view == "attempts"]; len(rows) != want {
				t.Fatalf("%s: %d rows, want %d", view, len(rows), want)
			}
			for i, item := range items {
				if item[id] != rows[i][id] {
					t.Fatalf("%s: row %d is %v, in the list %v", view, i, rows[i][id], item[id])
				}
			}
		}
	})
}
