package store

import "context"

// notePrefix keeps the names of notes apart from those of the store's own
// settings.
const notePrefix = "note/"

// Note returns what was noted under a name, "" if nothing was.
func (s *Store) Note(ctx context.Context, name string) (string, error) {
	value, err := s.setting(ctx, notePrefix+name)
	return value, wrap("read the note "+name, err)
}

// PutNote replaces what was noted under a name.
func (s *Store) PutNote(ctx context.Context, name, value string) error {
	return wrap("note "+name, s.putSetting(ctx, notePrefix+name, value))
}
