package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/journal"
	"subfive/store"
)

// backupFormat is the archive's own version.
const backupFormat = 1

// manifestName is the first file in an archive.
const manifestName = "manifest.json"

// The files of an archive, which are those of a data folder. The file of the
// settings lies elsewhere in life, under any name.
const (
	databaseFile = "subfive.db"
	keyFile      = "key"
	nodeFile     = "node"
	configFile   = "subfive.yaml"
	journalDir   = "journal"
)

// manifest says what an archive holds.
type manifest struct {
	Format   int            `json:"format"`
	Version  string         `json:"version"` // of the program that made it
	MadeAt   time.Time      `json:"made_at"`
	Database string         `json:"database"` // sqlite: in here; postgres: not
	Schema   int64          `json:"schema"`
	KeyID    string         `json:"key_id"` // of the key that opens what is sealed
	Files    []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func newBackup(a *app) *cobra.Command {
	var withKey bool
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup while serve runs",
		Long: `Writes one archive (tar, gzip) with the database as it is at one moment, what the journal holds beyond it, the
settings' file, and a manifest with checksums. A running serve is not disturbed. FILE appears when it is whole.

The key file, DATA_DIR/key, is not in it unless you say --with-key: without the key nobody who finds the backup can
read e-mail addresses, phone numbers or tokens in it, and neither can you. Keep a copy of the key elsewhere. IP
addresses and user agents are not sealed: keep the backup like the data itself.

With PostgreSQL the database is not in the archive. Run the pg_dump that is printed before each backup; what came
between the two is in the journal's segments here, and a restore records it.`,
		Example: `  subfive backup /var/backups/subfive-2026-11-24.tar.gz
  subfive backup --with-key /mnt/safe/subfive.tar.gz`,
		Args: exactly(1, "the file to write"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.backup(c.Context(), s, args[0], withKey) })
		},
	}
	c.Flags().BoolVar(&withKey, "with-key", false, "put the key file into the archive, too")
	return c
}

func (a *app) backup(ctx context.Context, s session, file string, withKey bool) (err error) {
	if exists(file) {
		return usagef("backup: %s is there already; name a new file", file)
	}
	if withKey && s.file.Server.SecretKey != "" {
		return usagef("backup: the key comes from secret_key, not from a file; leave --with-key out and keep secret_key elsewhere")
	}
	// Beside the file, so that the last step is a rename.
	tmp, err := os.MkdirTemp(filepath.Dir(file), ".subfive-backup-")
	if err != nil {
		return fmt.Errorf("backup: %w; name a file in a folder that can be written to", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	m, err := a.gather(ctx, s, tmp, withKey)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	archive := filepath.Join(tmp, "archive")
	if err := writeArchive(archive, tmp, m); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Rename(archive, file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	var size int64
	for _, f := range m.Files {
		size += f.Size
	}
	fmt.Fprintf(a.stdout, "%s: %s, %d bytes before compression\n", file, count(len(m.Files), "file", "files"), size)
	if m.Database != "sqlite" {
		fmt.Fprintf(a.stdout, "The database is NOT in it. Dump it before each backup:\n  pg_dump --format=custom --file=%s.pgdump \"$SUBFIVE_DATABASE_URL\"\n", strings.TrimSuffix(file, ".tar.gz"))
	}
	if !withKey {
		fmt.Fprintf(a.stdout, "The key is NOT in it, and a restore needs it: keep a copy of %s elsewhere.\n", keyPlace(s))
	}
	return nil
}

// keyPlace is where the key is.
func keyPlace(s session) string {
	if s.file.Server.SecretKey != "" {
		return "secret_key"
	}
	return filepath.Join(s.file.Server.DataDir, keyFile)
}

// gather copies all that belongs in an archive to a folder.
func (a *app) gather(ctx context.Context, s session, to string, withKey bool) (manifest, error) {
	m := manifest{Format: backupFormat, Version: subfive.Version, MadeAt: a.now(), Database: s.Dialect(), KeyID: s.vault.KeyID()}
	var err error
	if m.Schema, err = store.Schema(); err != nil {
		return m, err
	}
	// The positions come first and the journal last: what the database did not
	// have then is in a segment that is copied.
	recorded, err := s.JournalPositions(ctx)
	if err != nil {
		return m, err
	}
	switch err := s.BackupTo(ctx, filepath.Join(to, databaseFile)); {
	case errors.Is(err, store.ErrNotEmbedded):
		recorded = nil // the dump may be older than these: all segments are copied
	case err != nil:
		return m, err
	}
	dir := s.file.Server.DataDir
	if err := os.Mkdir(filepath.Join(to, journalDir), 0o700); err != nil {
		return m, err
	}
	if _, err := journal.Copy(ctx, filepath.Join(dir, journalDir), filepath.Join(to, journalDir), recorded); err != nil {
		return m, err
	}
	from := map[string]string{nodeFile: filepath.Join(dir, nodeFile), snapshotName: filepath.Join(dir, snapshotName), configFile: a.path()}
	if withKey {
		from[keyFile] = filepath.Join(dir, keyFile)
	}
	for name, path := range from {
		if err := copyIfThere(path, filepath.Join(to, name)); err != nil {
			return m, err
		}
	}
	m.Files, err = listFiles(to)
	return m, err
}

// copyIfThere copies a small file, if it is there.
func copyIfThere(from, to string) error {
	if from == "" {
		return nil
	}
	b, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// listFiles lists the files below a folder with their checksums, in order.
func listFiles(dir string) (files []manifestFile, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		h := sha256.New()
		n, err := io.Copy(h, f)
		files = append(files, manifestFile{Name: filepath.ToSlash(name), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))})
		return errors.Join(err, f.Close())
	})
	return files, err
}

// writeArchive writes the manifest and its files, and sees them on disk.
func writeArchive(path, dir string, m manifest) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	zip := gzip.NewWriter(out)
	w := tar.NewWriter(zip)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	header := func(name string, size int64) error {
		return w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.MadeAt, Format: tar.FormatPAX})
	}
	if err := header(manifestName, int64(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, f := range m.Files {
		if err := header(f.Name, f.Size); err != nil {
			return err
		}
		if err := appendFile(w, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), zip.Close(), out.Sync())
}

func appendFile(w io.Writer, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
