package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"subfive"
)

func namesOf(hits []Hit) (ids []string) {
	for _, h := range hits {
		ids = append(ids, h.Kind+" "+h.ID)
	}
	return ids
}

func TestSearch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for i := range 3 {
			b := sale(i, "meta-eu")
			b.Clicks[0].Params = map[string]string{"fbclid": fmt.Sprintf("IwAR%d_x", i), "_fbp": "fb.1"}
			record(t, s, b)
		}
		b := sale(1, "meta-eu")
		click, postback, conversion, delivery := b.Clicks[0].ID, b.Postbacks[0].Postback.ID, b.Conversions[0].ID, b.Deliveries[0].ID
		all := []string{"click " + click, "postback " + postback, "conversion " + conversion, "delivery " + delivery}
		for what, id := range map[string]string{
			"a click": click, "a postback": postback, "a conversion": conversion, "a delivery": delivery,
			"a transaction": b.Conversions[0].TransactionID, "a platform's click": "IwAR1_x", "with spaces around": "  IwAR1_x ",
		} {
			hits, err := s.Search(t.Context(), id)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got := namesOf(hits)
			slices.Sort(got)
			want := slices.Clone(all)
			slices.Sort(want)
			same(t, what, got, want)
		}
		hits, err := s.Search(t.Context(), delivery)
		if err != nil || hits[0].ID != delivery || hits[0].Name != "meta-eu" || hits[0].Amount == nil || hits[0].At.IsZero() {
			t.Errorf("the delivery is not first, or not described: %+v, %v", hits, err)
		}
		for _, none := range []string{"IwAR9_x", "fb.1", "", " ", "a\x00b", "\xff", "IWAR1_X"} {
			if hits, err := s.Search(t.Context(), none); err != nil || len(hits) > 0 {
				t.Errorf("%q: %v, %v", none, hits, err)
			}
		}
	})
}

// What retention takes away is found no more.
func TestSearchForgets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for i := range 2 {
			b := sale(i, "meta-eu")
			b.Clicks[0].Params = map[string]string{"gclid": fmt.Sprintf("Cj%d", i)}
			b.Clicks[0].UserData = map[string]subfive.Sealed{"email": {Box: "b", Mac: fmt.Sprintf("mac%d", i)}}
			record(t, s, b)
		}
		traces, err := s.Trace(t.Context(), Person{IDs: []string{sale(0, "meta-eu").Clicks[0].ID}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Erase(t.Context(), traces, "ann", noon); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]bool{"Cj0": false, "Cj1": true} {
			hits, err := s.Search(t.Context(), id)
			same(t, id, []any{len(hits) > 0, err}, []any{want, error(nil)})
		}
		for mac, want := range map[string]bool{"mac0": false, "mac1": true, "mac": false} {
			hits, back, err := s.SearchMacs(t.Context(), []string{mac})
			same(t, mac, []any{len(hits) > 0, back, err}, []any{want, time.Time{}, error(nil)})
		}
		var left int
		if err := s.Query(t.Context(), "SELECT platform_click FROM clicks", func([]string) error { return nil }, func(values []any) error {
			if values[0] != int64(0) {
				left++
			}
			return nil
		}); err != nil || left != 1 {
			t.Errorf("%d clicks are found by their platform's ID: %v", left, err)
		}
	})
}
