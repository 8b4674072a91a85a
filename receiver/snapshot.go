package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"subfive"
)

// WriteSnapshot keeps the set-up at path, so that clicks and postbacks can be
// served while the database is down at start. The file is replaced at once and
// only for its owner. Platform settings and networks' API keys are left out:
// routing needs no platform's token.
func WriteSnapshot(path string, s subfive.Setup) error {
	s.Networks = slices.Clone(s.Networks)
	for i := range s.Networks {
		s.Networks[i].APIKey = ""
	}
	s.Destinations = slices.Clone(s.Destinations)
	for i := range s.Destinations {
		s.Destinations[i].Settings = ""
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if err := replaceFile(path, data); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// replaceFile writes a new file beside path, forces it to disk and gives it the
// name: a crash leaves the old file or the new one.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadSnapshot returns the set-up that WriteSnapshot kept. Its error wraps
// fs.ErrNotExist when there is none yet.
func ReadSnapshot(path string) (subfive.Setup, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return subfive.Setup{}, fmt.Errorf("read snapshot: %w", err)
	}
	var s subfive.Setup
	if err := json.Unmarshal(data, &s); err != nil {
		return subfive.Setup{}, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return s, nil
}
