package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/internal/pgtest"
)

func columnTypes(ctx context.Context, db *sql.DB, view string) (types []*sql.ColumnType, err error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+view+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	return rows.ColumnTypes()
}

// A column is of the kind that its name says: PostgreSQL knows.
func TestColumnKinds(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("postgres", pgtest.Prepared(t, "store", migrateAndClose))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	kinds := map[string]subfive.ColumnKind{
		"TEXT": subfive.ColumnText, "INT2": subfive.ColumnWhole, "INT4": subfive.ColumnWhole, "INT8": subfive.ColumnWhole,
		"TIMESTAMPTZ": subfive.ColumnTime,
	}
	for _, view := range viewNames() {
		types, err := columnTypes(t.Context(), db, view)
		if err != nil {
			t.Fatal(err)
		}
		got, want := map[string]subfive.ColumnKind{}, map[string]subfive.ColumnKind{}
		for _, c := range types {
			got[c.Name()] = columnKind(c.Name())
			kind, ok := kinds[c.DatabaseTypeName()]
			switch {
			case ok:
			case c.DatabaseTypeName() == "NUMERIC" && got[c.Name()] == subfive.ColumnRatio: // a quotient
				kind = subfive.ColumnRatio
			case c.DatabaseTypeName() == "NUMERIC":
				kind = subfive.ColumnDecimal
			default:
				t.Errorf("%s.%s is of PostgreSQL's type %s", view, c.Name(), c.DatabaseTypeName())
			}
			want[c.Name()] = kind
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-PostgreSQL's +by its name):\n%s", view, diff)
		}
		for name := range maps.Keys(got) {
			if got[name] == subfive.ColumnDecimal && name != "click_cost" {
				if _, ok := got[name+"_micros"]; !ok {
					t.Errorf("%s.%s has no %s_micros beside it", view, name, name)
				}
			}
		}
	}
}
