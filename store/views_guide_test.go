package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// Which sub-parameters convert, and what the visitors of one day were worth, is
// one query, with and without an ad platform behind them.
func TestReportsBySubAndClickDay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		subs := []map[string]string{{"sub1": "red", "sub2": "x"}, {"sub1": "red"}, {"sub1": "blue"}, nil}
		for i, kept := range subs {
			b := sale(i + 1)
			b.Conversions[0].Subs = kept
			if i == 2 { // an organic visitor
				b.Clicks[0].Platform, b.Clicks[0].Params = "", nil
			}
			if i == 3 { // without a click
				b.Clicks, b.Conversions[0].Verdict, b.Conversions[0].AttributedClickID = nil, subfive.VerdictNoClickID, ""
			}
			record(t, s, b)
		}
		read := func(query string) (rows []string) {
			t.Helper()
			err := s.Query(t.Context(), query, func([]string) error { return nil }, func(row []any) error {
				rows = append(rows, fmt.Sprint(row...))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		got := read("SELECT coalesce(sub1, 'none') || ' ' || count(*) || ' ' || CAST(sum(payout_micros) / 10000 AS bigint) FROM v_conversions WHERE counts_conversion = 1 GROUP BY sub1 ORDER BY coalesce(sub1, 'none')")
		if diff := cmp.Diff([]string{"blue 1 4250", "none 1 4250", "red 2 8500"}, got); diff != "" {
			t.Errorf("by sub1 (-want +got):\n%s", diff)
		}
		day := noon.Format("2006-01-02")
		got = read("SELECT coalesce(click_day, 'none') || ' ' || count(*) FROM v_conversions WHERE counts_conversion = 1 GROUP BY click_day ORDER BY 1")
		if diff := cmp.Diff([]string{day + " 3", "none 1"}, got); diff != "" {
			t.Errorf("by the day of the click (-want +got):\n%s", diff)
		}
	})
}
