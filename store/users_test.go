package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"subfive"
)

// newUser is a new user, whose ID is made of his name.
func newUser(name string, role subfive.Role) subfive.User {
	return subfive.User{ID: "us_" + name, Name: name, Role: role}
}

func addUser(t *testing.T, s *Store, name string, role subfive.Role, at time.Time) subfive.User {
	t.Helper()
	u, err := s.AddUser(t.Context(), "ann", newUser(name, role), at)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// sameAudit compares all lines of the audit, in whatever order: of one moment
// there is none.
func sameAudit(t *testing.T, s *Store, want ...string) {
	t.Helper()
	all, err := s.Audits(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s -> %s", l.Actor, l.Action, l.Subject, l.Old, l.New))
	}
	slices.Sort(lines)
	slices.Sort(want)
	same(t, "audit", lines, want)
}

func TestUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
		ann, bob := addUser(t, s, "ann", subfive.RoleOwner, at(0)), addUser(t, s, "bob", subfive.RoleAnalyst, at(1))
		if _, err := s.AddUser(ctx, "ann", newUser("bob", subfive.RoleOwner), at(2)); !errors.Is(err, ErrTaken) {
			t.Errorf("a name twice: %v", err)
		}
		if has, err := s.HasOwner(ctx); has || err != nil {
			t.Errorf("an owner who can't sign in counts: %t, %v", has, err)
		}
		if err := s.SetPassword(ctx, "ann", ann.ID, "hash", "", at(3)); err != nil {
			t.Fatal(err)
		}
		if has, err := s.HasOwner(ctx); !has || err != nil {
			t.Errorf("owner: %t, %v", has, err)
		}
		buyer, analyst, zone, theme := subfive.RoleBuyer, subfive.RoleAnalyst, "Europe/Berlin", subfive.ThemeDark
		if _, err := s.ChangeUser(ctx, "ann", ann.ID, UserChange{Role: &buyer}, at(4)); !errors.Is(err, ErrLastOwner) {
			t.Errorf("the last owner is none any more: %v", err)
		}
		if _, err := s.ArchiveUser(ctx, "ann", ann.ID, at(4)); !errors.Is(err, ErrLastOwner) {
			t.Errorf("the last owner is archived: %v", err)
		}
		got, err := s.ChangeUser(ctx, "ann", bob.ID, UserChange{Role: &buyer, Zone: &zone, Theme: &theme}, at(5))
		bob.Role, bob.Zone, bob.Theme = buyer, zone, theme
		if err != nil {
			t.Error(err)
		}
		same(t, "changed", got, bob)
		if _, err := s.ChangeUser(ctx, "ann", bob.ID, UserChange{Role: &buyer}, at(6)); err != nil { // nothing
			t.Error(err)
		}
		if _, err := s.ArchiveUser(ctx, "ann", bob.ID, at(7)); err != nil {
			t.Error(err)
		}
		for what, try := range map[string]func() error{
			"change": func() error {
				_, err := s.ChangeUser(ctx, "ann", bob.ID, UserChange{Role: &analyst}, at(8))
				return err
			},
			"archive":  func() error { _, err := s.ArchiveUser(ctx, "ann", bob.ID, at(8)); return err },
			"password": func() error { return s.SetPassword(ctx, "ann", bob.ID, "h", "", at(8)) },
			"link": func() error {
				return s.AddLink(ctx, "ann", subfive.OneTimeLink{Hash: "x", Purpose: subfive.LinkPassword, UserID: bob.ID, CreatedAt: at(8), ExpiresAt: at(38)})
			},
			"one who is not": func() error { _, err := s.User(ctx, "us_x"); return err },
		} {
			if err := try(); !errors.Is(err, subfive.ErrNotFound) {
				t.Errorf("%s of who is archived: %v", what, err)
			}
		}
		back, err := s.AddUser(ctx, "ann", subfive.User{ID: "us_other", Name: "bob", Role: subfive.RoleAnalyst}, at(9))
		if err != nil {
			t.Error(err)
		}
		same(t, "back", back, subfive.User{ID: bob.ID, Name: "bob", Role: subfive.RoleAnalyst, CreatedAt: at(9), SessionsFrom: at(9)})
		ann.HasPassword, ann.SessionsFrom = true, at(3)
		all, err := s.Users(ctx)
		if err != nil {
			t.Error(err)
		}
		same(t, "all", all, []subfive.User{ann, back})
		named, hash, err := s.UserNamed(ctx, "ann")
		if err != nil || hash != "hash" {
			t.Errorf("hash %q, %v", hash, err)
		}
		same(t, "named", named, ann)
		sameAudit(t, s,
			`ann create user ann:  -> {"name":"ann","role":"owner"}`,
			`ann create user bob:  -> {"name":"bob","role":"analyst"}`,
			`ann password user ann:  -> `,
			`ann update user bob: {"name":"bob","role":"analyst"} -> {"name":"bob","role":"buyer","zone":"Europe/Berlin","theme":"dark"}`,
			`ann archive user bob: {"name":"bob","role":"buyer","zone":"Europe/Berlin","theme":"dark"} -> `,
			`ann restore user bob: {"name":"bob","role":"buyer","zone":"Europe/Berlin","theme":"dark"} -> {"name":"bob","role":"analyst"}`,
		)
	})
}

// Two owners who archive each other at the same moment: one stays.
func TestOneOwnerStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ids := []string{"ann", "bob"}
		for _, name := range ids {
			u := addUser(t, s, name, subfive.RoleOwner, noon)
			if err := s.SetPassword(t.Context(), "ann", u.ID, "h", "", noon); err != nil {
				t.Fatal(err)
			}
		}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range ids {
			both.Go(func() { _, errs[i] = s.ArchiveUser(t.Context(), ids[i], "us_"+ids[1-i], noon) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ErrLastOwner) {
			t.Errorf("both said: %v", errs)
		}
	})
}

func TestUserSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ann := addUser(t, s, "ann", subfive.RoleOwner, noon)
		begin := func(hash string, minutes int) subfive.UserSession {
			t.Helper()
			at := noon.Add(time.Duration(minutes) * time.Minute)
			v := subfive.UserSession{
				Hash: hash, UserID: ann.ID, Data: []byte{0, 1, 255}, Address: "203.0.113.7", UserAgent: "Mozilla/5.0", CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(time.Hour),
			}
			if err := s.AddSession(ctx, v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		of := func(minutes int) []subfive.UserSession {
			t.Helper()
			all, err := s.SessionsOf(ctx, ann.ID, noon.Add(time.Duration(minutes)*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		one, two := begin("one", 0), begin("two", 1)
		same(t, "both", of(2), []subfive.UserSession{two, one})
		same(t, "one has run out", of(60), []subfive.UserSession{two})
		if got, err := s.User(ctx, ann.ID); err != nil || !got.SignedInAt.Equal(two.CreatedAt) {
			t.Errorf("signed in %v, %v", got.SignedInAt, err)
		}
		if err := errors.Join(s.KeepSession(ctx, "two", []byte("more"), two.ExpiresAt), s.SeeSession(ctx, "two", "203.0.113.8", noon.Add(5*time.Minute))); err != nil {
			t.Error(err)
		}
		two.Data, two.Address, two.SeenAt = []byte("more"), "203.0.113.8", noon.Add(5*time.Minute)
		got, err := s.Session(ctx, "two", noon)
		if err != nil {
			t.Error(err)
		}
		same(t, "kept", got, two)
		// What has ended is not begun anew by who still holds it.
		if err := errors.Join(s.EndSession(ctx, "one"), s.EndSession(ctx, "one"), s.KeepSession(ctx, "one", []byte("x"), one.ExpiresAt)); err != nil {
			t.Error(err)
		}
		if _, err := s.Session(ctx, "one", noon); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("after its end: %v", err)
		}
		begin("three", 6)
		later := noon.Add(7 * time.Minute)
		if err := s.SetPassword(ctx, "ann", ann.ID, "hash", "two", later); err != nil {
			t.Error(err)
		}
		two.CreatedAt = later
		same(t, "after another password", of(8), []subfive.UserSession{two})
		bob := addUser(t, s, "bob", subfive.RoleOwner, noon)
		if err := s.SetPassword(ctx, "ann", bob.ID, "hash", "", later); err != nil {
			t.Error(err)
		}
		if _, err := s.ArchiveUser(ctx, "bob", ann.ID, later); err != nil {
			t.Error(err)
		}
		same(t, "after the archive", of(8), []subfive.UserSession(nil))
		begin("four", 70)
		begin("five", 200)
		var n int64
		if err := s.read(ctx, s.screens, func(tx *tx) error {
			return tx.row(ctx, "count sessions", func() string { return "SELECT count(*) FROM user_sessions" }, nil, &n)
		}); err != nil || n != 1 {
			t.Errorf("%d sessions are kept, %v", n, err)
		}
	})
}

func TestSetupLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		add := func(hash string, purpose subfive.LinkPurpose, user string, at time.Time) {
			t.Helper()
			if err := s.AddLink(ctx, "cli", subfive.OneTimeLink{Hash: hash, Purpose: purpose, UserID: user, CreatedAt: at, ExpiresAt: at.Add(subfive.LinkLife)}); err != nil {
				t.Fatal(err)
			}
		}
		over := func(what, hash string, at time.Time) {
			t.Helper()
			_, _, readErr := s.Link(ctx, hash, at)
			_, useErr := s.UseLink(ctx, hash, subfive.Arrival{First: newUser("eve", ""), Password: "p"}, at)
			if !errors.Is(readErr, subfive.ErrLinkOver) || !errors.Is(useErr, subfive.ErrLinkOver) {
				t.Errorf("%s: read %v, used %v", what, readErr, useErr)
			}
		}
		add("first", subfive.LinkFirst, "", noon)
		add("first too", subfive.LinkFirst, "", noon) // another process of the same tracker
		over("unknown", "none", noon)
		over("expired", "first", noon.Add(subfive.LinkLife))
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() {
				_, errs[i] = s.UseLink(ctx, "first", subfive.Arrival{First: newUser("ann", subfive.RoleAnalyst), Password: "hash", Zone: "UTC"}, noon)
			})
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), subfive.ErrLinkOver) {
			t.Errorf("two used it: %v", errs)
		}
		ann, hash, err := s.UserNamed(ctx, "ann")
		if err != nil || hash != "hash" {
			t.Errorf("hash %q, %v", hash, err)
		}
		same(t, "the first", ann, subfive.User{ID: "us_ann", Name: "ann", Role: subfive.RoleOwner, Zone: "UTC", HasPassword: true, CreatedAt: noon, SessionsFrom: noon})
		over("used", "first", noon)
		over("there is an owner", "first too", noon)

		add("old", subfive.LinkPassword, ann.ID, noon)
		add("new", subfive.LinkPassword, ann.ID, noon)
		over("a newer one was made", "old", noon)
		l, u, err := s.Link(ctx, "new", noon)
		if err != nil || l.Purpose != subfive.LinkPassword {
			t.Errorf("link %+v, %v", l, err)
		}
		same(t, "whose", u, ann)
		if u, err = s.UseLink(ctx, "new", subfive.Arrival{Password: "other"}, noon.Add(time.Minute)); err != nil || u.ID != ann.ID || u.Zone != "UTC" {
			t.Errorf("%+v, %v", u, err)
		}
		if _, hash, _ = s.UserNamed(ctx, "ann"); hash != "other" {
			t.Errorf("hash %q", hash)
		}
		add("in", subfive.LinkSignIn, ann.ID, noon)
		if u, err = s.UseLink(ctx, "in", subfive.Arrival{}, noon); err != nil || !u.HasPassword {
			t.Errorf("%+v, %v", u, err)
		}
		over("signed in", "in", noon)
		sameAudit(t, s,
			`ann create user ann:  -> {"name":"ann","role":"owner"}`,
			`ann password user ann:  -> `,
			`cli link user ann:  -> `,
			`cli link user ann:  -> `,
			`ann password user ann:  -> `,
			`cli link user ann:  -> `,
		)
	})
}

// Who was added but never came in, may be the first owner, too.
func TestFirstOwnerWasAdded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ann := addUser(t, s, "ann", subfive.RoleAnalyst, noon)
		if err := s.AddLink(t.Context(), "", subfive.OneTimeLink{Hash: "first", Purpose: subfive.LinkFirst, CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		u, err := s.UseLink(t.Context(), "first", subfive.Arrival{First: subfive.User{ID: "us_new", Name: "ann"}, Password: "h"}, noon)
		if err != nil || u.ID != ann.ID || u.Role != subfive.RoleOwner || !u.HasPassword {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		token := func(id, name string) subfive.APIToken {
			return subfive.APIToken{ID: id, Name: name, Scope: subfive.ScopeRead, Last4: "wxyz", CreatedBy: "ann", CreatedAt: noon}
		}
		one := token("tk_1", "nightly")
		if err := s.AddToken(ctx, one, "hash"); err != nil {
			t.Fatal(err)
		}
		if err := s.AddToken(ctx, token("tk_2", "nightly"), "other"); !errors.Is(err, ErrTaken) {
			t.Errorf("a name twice: %v", err)
		}
		if err := errors.Join(s.TokenUsed(ctx, "tk_1", noon.Add(2*time.Minute)), s.TokenUsed(ctx, "tk_1", noon.Add(time.Minute))); err != nil {
			t.Error(err)
		}
		one.LastUsedAt = noon.Add(2 * time.Minute)
		got, err := s.Token(ctx, "hash")
		if err != nil {
			t.Error(err)
		}
		same(t, "by its hash", got, one)
		if _, err := s.Token(ctx, "nightly"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("unknown: %v", err)
		}
		for range 2 { // the second time nothing happens
			if got, err = s.RevokeToken(ctx, "bob", "tk_1", noon.Add(time.Hour)); err != nil {
				t.Error(err)
			}
		}
		one.RevokedAt = noon.Add(time.Hour)
		same(t, "revoked", got, one)
		if _, err := s.Token(ctx, "hash"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("revoked: %v", err)
		}
		if _, err := s.RevokeToken(ctx, "bob", "tk_9", noon); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("revoke what is not: %v", err)
		}
		if err := s.AddToken(ctx, token("tk_3", "nightly"), "third"); err != nil {
			t.Errorf("the name is free again: %v", err)
		}
		all, err := s.Tokens(ctx)
		if err != nil {
			t.Error(err)
		}
		same(t, "all", all, []subfive.APIToken{one, token("tk_3", "nightly")})
		sameAudit(t, s,
			`ann create token nightly:  -> {"name":"nightly","scope":"read","last4":"wxyz"}`,
			`bob revoke token nightly: {"name":"nightly","scope":"read","last4":"wxyz"} -> `,
			`ann create token nightly:  -> {"name":"nightly","scope":"read","last4":"wxyz"}`,
		)
	})
}

func TestSavedViews(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		save := func(id, owner, page, name, query string) subfive.View {
			t.Helper()
			v, err := s.SaveView(ctx, subfive.View{ID: id, Owner: owner, Page: page, Name: name, Query: query, CreatedAt: noon})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		save("vw_1", "us_ann", "reports", "By ad", "by=ad")
		again := save("vw_2", "us_ann", "reports", "By ad", "by=ad&range=7d")
		dead := save("vw_3", "us_ann", "outbound", "Dead", "status=dead")
		save("vw_4", "us_bob", "reports", "By ad", "by=ad")
		same(t, "saved again", again, subfive.View{ID: "vw_1", Owner: "us_ann", Page: "reports", Name: "By ad", Query: "by=ad&range=7d", CreatedAt: noon})
		views := func(page string) []subfive.View {
			t.Helper()
			all, err := s.SavedViews(ctx, "us_ann", page)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		same(t, "all", views(""), []subfive.View{dead, again})
		same(t, "of a page", views("reports"), []subfive.View{again})
		if _, err := s.DeleteView(ctx, "us_ann", "vw_4"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("another's: %v", err)
		}
		got, err := s.DeleteView(ctx, "us_ann", "vw_1")
		if err != nil {
			t.Error(err)
		}
		same(t, "deleted", got, again)
		same(t, "left", views(""), []subfive.View{dead})
	})
}
