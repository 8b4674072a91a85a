package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// ErrNotEmbedded says that the database is a server's: it is backed up by the
// server's own tools.
var ErrNotEmbedded = errors.New("the database is PostgreSQL's")

// BackupTo writes a copy of the SQLite database to a new file, as it is at one
// moment; nobody waits for it. On PostgreSQL it returns ErrNotEmbedded.
func (s *Store) BackupTo(ctx context.Context, path string) (err error) {
	if s.dialect != dialectSQLite {
		return ErrNotEmbedded
	}
	// A connection of its own: the writer's would keep the intake waiting.
	db := sql.OpenDB(s.connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// Schema returns the number of the newest migration that this program knows.
func Schema() (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/"+string(dialectSQLite)+"/*.sql")
	for _, f := range files {
		number, _, _ := strings.Cut(f[strings.LastIndexByte(f, '/')+1:], "_")
		n, bad := strconv.ParseInt(number, 10, 64)
		if bad != nil {
			return 0, fmt.Errorf("migration %s: %w", f, bad)
		}
		newest = max(newest, n)
	}
	return newest, err
}
