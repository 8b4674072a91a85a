package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestRecent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var judged []subfive.Judged
		var clicks []subfive.Click
		for n := 1; n <= 4; n++ {
			b := sale(n)
			at := noon.Add(time.Duration(n) * time.Hour)
			b.Postbacks[0].Postback.ReceivedAt, b.Postbacks[0].Postback.Request.Raw = at, "sealed"
			b.Clicks[0].ClickedAt, b.Clicks[0].Request.Raw = at, "sealed"
			record(t, s, b)
			j, c := b.Postbacks[0], b.Clicks[0]
			j.Postback.Request.Raw, c.Request.Raw, j.Trace, j.GroupID = "", "", nil, ""
			judged, clicks = append([]subfive.Judged{j}, judged...), append([]subfive.Click{c}, clicks...)
		}
		gotPostbacks, err := s.RecentPostbacks(t.Context(), noon.Add(2*time.Hour), 2)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(judged[:2], gotPostbacks); diff != "" {
			t.Errorf("postbacks, at most two (-want +got):\n%s", diff)
		}
		gotClicks, err := s.RecentClicks(t.Context(), noon.Add(2*time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(clicks[:3], gotClicks); diff != "" {
			t.Errorf("clicks since then (-want +got):\n%s", diff)
		}
	})
}
