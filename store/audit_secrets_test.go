package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// The audit tells that a secret was set, by whom and when, and never which.
func TestAuditTellsOfSecrets(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
		apply := func(by string, n subfive.Network) {
			t.Helper()
			at = at.Add(time.Minute)
			if err := s.Apply(t.Context(), by, []ResourceChange{{Kind: KindNetwork, ID: n.ID, Value: n, Origin: OriginAPI}}, at); err != nil {
				t.Fatal(err)
			}
		}
		apply("ana", subfive.Network{ID: "a", Region: "us"})
		apply("ben", subfive.Network{ID: "a", Region: "us", APIKey: "first"})
		set := at
		apply("cem", subfive.Network{ID: "a", Region: "eu", APIKey: "first"})
		apply("ana", subfive.Network{ID: "b", APIKey: "one"})
		apply("dan", subfive.Network{ID: "b", APIKey: "two"})
		// What only looks like the mark is none.
		odd := subfive.Source{ID: "odd", Platform: "other", Params: map[string]string{"a": "1", "sealed": "x"}}
		if err := s.Apply(t.Context(), "ana", []ResourceChange{{Kind: KindSource, ID: "odd", Value: odd, Origin: OriginAPI}}, at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}

		lines, err := s.SealedBy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for subject, l := range lines {
			got[subject] = l.Actor
			if strings.Contains(l.New, "first") || strings.Contains(l.New, "two") {
				t.Errorf("the audit shows a secret: %s", l.New)
			}
		}
		if diff := cmp.Diff(map[string]string{"network a": "ben", "network b": "dan"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if when := lines["network a"].At; !when.Equal(set) {
			t.Errorf("set %s, want %s", when, set)
		}
		line, err := s.AuditLine(t.Context(), lines["network a"].ID)
		if err != nil {
			t.Fatal(err)
		}
		if plain, sealed := Unmarked(line.New); !sealed || plain != `{"id":"a","region":"us"}` || line.Old != plain {
			t.Errorf("%+v", line)
		}
		if id := AuditID(2, 0); id != line.ID {
			t.Errorf("the line's ID is %s, not %s", line.ID, id)
		}
		for _, id := range []string{"au_none", "\x00"} {
			if _, err := s.AuditLine(t.Context(), id); !errors.Is(err, subfive.ErrNotFound) {
				t.Errorf("line %q: %v", id, err)
			}
		}
	})
}

func TestNotes(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		for _, want := range []string{"", "a", "b"} {
			if want != "" {
				if err := s.PutNote(t.Context(), "setup", want); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Note(t.Context(), "setup"); err != nil || got != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		}
	})
}

func TestRespecified(t *testing.T) {
	now := subfive.Destination{ID: "m", Platform: "meta", Mode: subfive.ModeLive, Settings: "access_token: t\n", Account: "meta:1"}
	before := now
	before.Mode = subfive.ModeDryRun
	spec, err := Spec(before)
	if err != nil || strings.Contains(spec, "access_token") {
		t.Fatalf("%s, %v", spec, err)
	}
	got, err := Respecified(KindDestination, spec, now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
