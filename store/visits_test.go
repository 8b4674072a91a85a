package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestVisitsAreKeptAndClicksEnriched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		click := b.Clicks[0]
		view := subfive.Visit{ID: "vs_2", ClickID: click.ID, Kind: subfive.GoalLandingView, At: noon.Add(time.Minute), PageURL: "https://lp.example.com/", Params: map[string]string{"_fbp": "x"}}
		other := subfive.Visit{ID: "vs_1", ClickID: "not-yet", Kind: subfive.GoalLandingClick, At: noon}
		b.Visits = []subfive.Visit{view, other}
		record(t, s, b)
		record(t, s, subfive.Batch{At: noon, Visits: []subfive.Visit{{ID: "vs_2", ClickID: "another", Kind: "lp_click", At: noon}}}) // the first record wins

		known, err := s.Lookup(t.Context(), subfive.Lookup{VisitIDs: []string{"vs_1", "vs_3"}, ClickIDs: []string{click.ID, "not-yet"}, WithWaiting: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]subfive.Visit{other, view}, known.Visits); diff != "" {
			t.Errorf("visits (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]bool{"vs_1": true}, known.Stored); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}

		enriched := known.Clicks[click.ID]
		enriched.PageURL, enriched.LandingID = view.PageURL, "lp1"
		record(t, s, subfive.Batch{At: noon, Enriched: []subfive.Click{enriched}})
		if err := s.RecordBatch(t.Context(), subfive.Batch{At: noon, Enriched: []subfive.Click{enriched}}); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("a click that moved was replaced: %v", err)
		}
		known, err = s.Lookup(t.Context(), subfive.Lookup{ClickIDs: []string{click.ID}})
		if err != nil {
			t.Fatal(err)
		}
		got := known.Clicks[click.ID]
		if got.Version != 1 || got.PageURL != view.PageURL {
			t.Errorf("version %d, page %q", got.Version, got.PageURL)
		}
		if known.Visits != nil {
			t.Error("visits that nobody asked for")
		}
	})
}
