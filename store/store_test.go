package store

import (
	"database/sql"
	"testing"
)

func TestPing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		for _, v := range viewNames() {
			if err := s.read(t.Context(), s.screens, func(tx *tx) error {
				return tx.query(t.Context(), v, func() string { return "SELECT * FROM " + v }, nil, func(r *sql.Rows) error { return nil })
			}); err != nil {
				t.Error(err)
			}
		}
	})
}
