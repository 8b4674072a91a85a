package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// exported reads all of a view: each row's values by their columns' names.
func exported(t *testing.T, s *Store, q ExportQuery) (columns []subfive.Column, rows []map[string]any) {
	t.Helper()
	err := s.Export(t.Context(), q, func(c []subfive.Column) error {
		columns = c
		return nil
	}, func(values []any) error {
		row := map[string]any{}
		for i, v := range values {
			if v != nil {
				row[columns[i].Name] = v
			}
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return columns, rows
}

// oldest are the conversions of many, oldest first; of one moment the smaller ID
// first.
func oldest(from, to int) []string {
	ids := newest(from, to)
	slices.Reverse(ids)
	return ids
}

func idsOf(rows []map[string]any, column string) (ids []string) {
	for _, r := range rows {
		ids = append(ids, fmt.Sprint(r[column]))
	}
	return ids
}

func TestExportIsPagedOldestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		n := 2*MaxPage + 3
		many(t, s, n, "google")
		_, rows := exported(t, s, ExportQuery{View: "deliveries"})
		same(t, "deliveries", idsOf(rows, "conversion_id"), oldest(0, n))
		_, rows = exported(t, s, ExportQuery{View: "deliveries", Since: noon.Add(time.Second), Until: noon.Add(3 * time.Second)})
		same(t, "bounded", idsOf(rows, "conversion_id"), oldest(2, 6))
		for _, view := range []string{"clicks", "clicks_private", "conversions"} { // all of one moment
			_, rows = exported(t, s, ExportQuery{View: view})
			ids := idsOf(rows, map[bool]string{true: "conversion_id", false: "click_id"}[view == "conversions"])
			slices.Sort(ids)
			if got := len(slices.Compact(ids)); got != n || len(rows) != n {
				t.Errorf("%s: %d rows of %d, want %d", view, len(rows), got, n)
			}
			_, rows = exported(t, s, ExportQuery{View: view, Since: noon.Add(time.Second)})
			same(t, view+" since", len(rows), 0)
		}
	})
}

// A value has its column's kind, the same from both databases.
func TestExportedValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		b.Clicks[0].Cost = &subfive.Money{Amount: 420_001, Currency: "USD"}
		b.Clicks[0].VisitorID, b.Clicks[0].VisitNo = "visitor", 2
		b.Clicks[0].LandingViewedAt = noon.Add(-30*time.Minute + 7*time.Millisecond)
		big := subfive.Micros(9_007_199_254_740_993) // no float64
		b.Conversions[0].SaleAmount = &big
		record(t, s, b)
		columns, clicks := exported(t, s, ExportQuery{View: "clicks"})
		same(t, "the first columns", columns[:3], []subfive.Column{
			{Name: "click_id", Kind: subfive.ColumnText}, {Name: "clicked_at", Kind: subfive.ColumnTime}, {Name: "clicked_at_ms", Kind: subfive.ColumnWhole},
		})
		want := map[string]any{
			"click_id": "click1", "clicked_at": noon.Add(-time.Hour), "clicked_at_ms": noon.Add(-time.Hour).UnixMilli(),
			"visit_no": int64(2), "cost": subfive.Micros(420_001), "cost_micros": int64(420_001), "lp_viewed_at": noon.Add(-30*time.Minute + 7*time.Millisecond),
			"has_fbclid": int64(1), "ip_family": int64(4), "cost_currency": "USD", "offer_id": "",
		}
		got := map[string]any{}
		for name := range want {
			got[name] = clicks[0][name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("click (-want +got):\n%s", diff)
		}
		_, conversions := exported(t, s, ExportQuery{View: "conversions"})
		v := conversions[0]
		same(t, "conversion", []any{v["sale_amount"], v["payout"], v["click_cost"], v["backfilled"], v["received_at"], v["sub1"], v["approved_at"]},
			[]any{big, subfive.Micros(42_500_000), subfive.Micros(420_001), int64(0), noon, "red", nil})
		_, private := exported(t, s, ExportQuery{View: "clicks_private"})
		same(t, "private", []any{private[0]["client_addr"], private[0]["platform_params"]}, []any{"192.0.2.1", `{"fbclid":"IwAR1"}`})
		if clicks[0]["client_addr"] != nil || v["client_addr"] != nil {
			t.Error("an address is in a view that is not private")
		}
	})
}

// What comes in meanwhile hinders nothing, and nobody waits for a slow reader.
func TestExportWhileRowsComeIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		many(t, s, MaxPage+1, "google")
		rows := 0
		err := s.Export(t.Context(), ExportQuery{View: "clicks"}, func([]subfive.Column) error { return nil }, func([]any) error {
			if rows++; rows == 1 {
				b := sale(MaxPage + 5)
				b.Clicks[0].ClickedAt = noon
				record(t, s, b)
			}
			return nil
		})
		if err != nil || rows != MaxPage+2 {
			t.Errorf("%d rows, %v", rows, err)
		}
	})
}

func TestExportEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		record(t, s, sale(1), sale(2))
		stop, calls := errors.New("enough"), 0
		head := func([]subfive.Column) error { return nil }
		row := func([]any) error {
			calls++
			return stop
		}
		if err := s.Export(t.Context(), ExportQuery{View: "clicks"}, head, row); !errors.Is(err, stop) || calls != 1 {
			t.Errorf("after %d rows %v", calls, err)
		}
		if err := s.Export(t.Context(), ExportQuery{View: "clicks"}, func([]subfive.Column) error { return stop }, row); !errors.Is(err, stop) || calls != 1 {
			t.Errorf("head: after %d rows %v", calls, err)
		}
		if err := s.Export(t.Context(), ExportQuery{View: "settings"}, head, row); !errors.Is(err, ErrBadQuery) {
			t.Errorf("no view: %v", err)
		}
	})
}
