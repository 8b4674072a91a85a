package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"subfive"
)

// many records n sales of clicks on a platform, two a moment.
func many(t *testing.T, s *Store, n int, platform string) {
	t.Helper()
	for from := 0; from < n; from += 100 {
		all := subfive.Batch{At: noon, Versions: map[string]int64{}}
		for i := from; i < min(n, from+100); i++ {
			b := sale(i, "google-main")
			b.Clicks[0].Platform = platform
			b.Deliveries[0].CreatedAt = noon.Add(time.Duration(i/2) * time.Second)
			b.Conversions[0].ReceivedAt = b.Deliveries[0].CreatedAt
			all.Positions = b.Positions
			all.Clicks = append(all.Clicks, b.Clicks...)
			all.Postbacks = append(all.Postbacks, b.Postbacks...)
			all.Groups = append(all.Groups, b.Groups...)
			all.Conversions = append(all.Conversions, b.Conversions...)
			all.Deliveries = append(all.Deliveries, b.Deliveries...)
			for k, v := range b.Versions {
				all.Versions[k] = v
			}
		}
		record(t, s, all)
	}
}

// newest are the conversions of many, newest first; of one moment the greater
// ID first.
func newest(from, to int) []string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("%09d cv_%d", i/2, i))
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	for i, id := range ids {
		_, ids[i], _ = strings.Cut(id, " ")
	}
	return ids
}

func TestEachDelivery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		n := 2*MaxPage + 3
		many(t, s, n, "google")
		var got []string
		err := s.EachDelivery(t.Context(), DeliveryFilter{DestinationID: "google-main", Limit: 1}, func(d subfive.Delivery) error {
			if d.Click == nil || d.Click.Platform != "google" || d.Conversion.ID != d.ConversionID {
				t.Errorf("delivery %s has click %v and conversion %q", d.ID, d.Click, d.Conversion.ID)
			}
			got = append(got, d.ConversionID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "all", got, newest(0, n))
		if err := s.EachDelivery(t.Context(), DeliveryFilter{DestinationID: "other"}, func(subfive.Delivery) error { return errors.New("called") }); err != nil {
			t.Errorf("of another: %v", err)
		}
		stop, calls := errors.New("enough"), 0
		err = s.EachDelivery(t.Context(), DeliveryFilter{}, func(subfive.Delivery) error {
			calls++
			return stop
		})
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("after %d calls %v", calls, err)
		}
	})
}

func TestEachClicked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		n := MaxPage + 3
		many(t, s, n, "google")
		meta := sale(n, "meta-eu")
		alone := sale(n + 1)
		alone.Clicks, alone.Conversions[0].AttributedClickID = nil, ""
		record(t, s, meta, alone)
		ids := func(f ClickedFilter) []string {
			t.Helper()
			var got []string
			err := s.EachClicked(t.Context(), f, func(c subfive.Conversion, click subfive.Click) error {
				if click.ID != c.AttributedClickID || click.Platform != f.Platform {
					t.Errorf("conversion %s of click %q has click %q of %s", c.ID, c.AttributedClickID, click.ID, click.Platform)
				}
				got = append(got, c.ID)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		same(t, "all", ids(ClickedFilter{Platform: "google"}), newest(0, n))
		same(t, "another platform", ids(ClickedFilter{Platform: "meta"}), []string{fmt.Sprint("cv_", n)})
		same(t, "bounded", ids(ClickedFilter{Platform: "google", Since: noon.Add(time.Second), Until: noon.Add(3 * time.Second)}), newest(2, 6))
		same(t, "nobody's", ids(ClickedFilter{Platform: "reddit"}), []string(nil))
		stop := errors.New("enough")
		if err := s.EachClicked(t.Context(), ClickedFilter{Platform: "google"}, func(subfive.Conversion, subfive.Click) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
		if err := s.EachClicked(t.Context(), ClickedFilter{Platform: "\xff"}, nil); !errors.Is(err, ErrBadQuery) {
			t.Errorf("a platform that is no text: %v", err)
		}
	})
}
