package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"subfive"
)

func TestAuditPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
		for i := range 5 { // two at each moment
			page := subfive.LandingPage{ID: fmt.Sprint("lp", i), URL: "https://lp.example/"}
			if err := s.Apply(t.Context(), "ann", []ResourceChange{{Kind: KindLandingPage, ID: page.ID, Value: page, Origin: OriginAPI}}, at.Add(time.Duration(i/2)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := s.Audits(t.Context(), 100)
		if err != nil || len(whole) != 5 {
			t.Fatalf("%d lines, %v", len(whole), err)
		}
		var all []Audit
		after, sizes := "", []int{}
		for {
			lines, next, err := s.AuditPage(t.Context(), 2, after)
			if err != nil {
				t.Fatal(err)
			}
			all, sizes = append(all, lines...), append(sizes, len(lines))
			if after = next; next == "" {
				break
			}
		}
		same(t, "pages", sizes, []int{2, 2, 1})
		same(t, "the whole audit", all, whole)
		if lines, next, err := s.AuditPage(t.Context(), 5, ""); len(lines) != 5 || next != "" || err != nil {
			t.Errorf("the only page: %d lines, next %q, %v", len(lines), next, err)
		}
		for _, limit := range []int{0, MaxPage + 1} {
			if _, _, err := s.AuditPage(t.Context(), limit, ""); !errors.Is(err, ErrBadQuery) {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
		if _, _, err := s.AuditPage(t.Context(), 1, "none"); !errors.Is(err, ErrBadQuery) {
			t.Errorf("a cursor of somebody else: %v", err)
		}
	})
}
