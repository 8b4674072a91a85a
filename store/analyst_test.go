package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"subfive/internal/pgtest"
)

// createAnalyst creates the role; the server of the tests may have it already.
const createAnalyst = `DO $$ BEGIN
	CREATE ROLE subfive_analyst NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$`

// The analyst's role reads all views but the private one and no table, whether it
// was there before the views or not.
func TestAnalystReadsAllButThePrivateView(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Prepared(t, "store", migrateAndClose)
	s := openTest(t, dsn, WithoutMigrate())
	record(t, s, sale(1, "meta-eu"))
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.ExecContext(t.Context(), createAnalyst); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"clicks": "denied", "settings": "denied", "conversions": "denied"}
	for _, view := range viewNames() {
		want[view] = "read"
	}
	want["v_clicks_private"] = "denied"
	look := func(when string) {
		t.Helper()
		got := map[string]string{}
		for name := range want {
			got[name], err = asAnalyst(t.Context(), db, "SELECT count(*) FROM "+name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	look("a role younger than the views")
	if err := s.putSetting(t.Context(), viewsSetting, "older"); err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	look("views younger than the role")
	for _, statement := range []string{"DELETE FROM v_attempt_items", "UPDATE v_attempts SET class = ''"} {
		if got, err := asAnalyst(t.Context(), db, statement); got != "denied" || err != nil {
			t.Errorf("%s: %s, %v", statement, got, err)
		}
	}
}

// asAnalyst runs a statement as the role and undoes it.
func asAnalyst(ctx context.Context, db *sql.DB, statement string) (how string, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if _, err := tx.ExecContext(ctx, "SET LOCAL ROLE "+analystRole); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, statement)
	if pq.As(err, pqerror.InsufficientPrivilege) != nil {
		return "denied", nil
	}
	return "read", err
}
