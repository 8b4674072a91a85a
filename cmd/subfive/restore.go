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
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"subfive/identity"
	"subfive/store"
)

// restoring is how the folder begins that a restore unpacks into, inside the
// data folder: that may be a mount, which nothing can be renamed over.
const restoring = ".restore-"

// maxManifest bounds what is read before anything is checked.
const maxManifest = 16 << 20

// archiveName is a name that an archive may hold: nothing leads out of the
// folder.
var archiveName = regexp.MustCompile(`^(subfive\.db|key|node|routes\.json|subfive\.yaml|journal/[0-9A-Za-z-]+\.segment)$`)

func newRestore(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE --data-dir DIR",
		Short: "Make a data folder from a backup",
		Long: `Unpacks a backup into an empty or new folder, checks each file against its checksum first, and says what is
still to be done: the key, if it is not in the backup, and the database, if that is PostgreSQL's. Then start serve
with that folder: it records what the journal holds beyond the database. Never run the old serve beside it.`,
		Example: "  subfive restore subfive-2026-11-24.tar.gz --data-dir /var/lib/subfive",
		Args:    exactly(1, "the backup"),
		RunE: func(c *cobra.Command, args []string) error {
			if a.dataDir == "" {
				return usagef("restore: say into which folder with --data-dir DIR; it must be empty")
			}
			m, err := unpack(c.Context(), args[0], a.dataDir)
			if err != nil {
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			return a.restored(m)
		},
	}
}

// unpack fills the data folder. All is checked before anything has its name.
func unpack(ctx context.Context, file, dir string) (m manifest, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, err
	}
	if err := demandEmpty(dir); err != nil {
		return m, err
	}
	tmp, err := os.MkdirTemp(dir, restoring)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if m, err = readArchive(ctx, file, tmp); err != nil {
		return m, err
	}
	// The database comes last: while it is missing, the folder is not restored.
	for _, name := range []string{journalDir, snapshotName, configFile, keyFile, nodeFile, databaseFile} {
		err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	// A folder with a name is no new one: without its key nothing starts there.
	if _, err := nodeName(dir); err != nil {
		return m, err
	}
	return m, syncFolder(dir)
}

// demandEmpty refuses a folder with anything in it but what a restore that was
// killed left, which it clears away.
func demandEmpty(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		switch {
		case f.Name() == "lost+found":
		case strings.HasPrefix(f.Name(), restoring):
			if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is not empty: it has %s; name an empty folder with --data-dir, nothing is ever overwritten", dir, f.Name())
		}
	}
	return nil
}

// readArchive unpacks an archive into a folder and holds it to its manifest.
func readArchive(ctx context.Context, file, to string) (m manifest, err error) {
	in, err := os.Open(file)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	zip, err := gzip.NewReader(in)
	if err != nil {
		return m, fmt.Errorf("not a backup: %w", err)
	}
	r := tar.NewReader(zip)
	if m, err = readManifest(r); err != nil {
		return m, err
	}
	if err := os.Mkdir(filepath.Join(to, journalDir), 0o700); err != nil {
		return m, err
	}
	for _, want := range m.Files {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if err := unpackFile(r, want, to); err != nil {
			return m, fmt.Errorf("%s: %w", want.Name, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return m, errors.New("there is more in it than its manifest says")
	}
	return m, nil
}

func readManifest(r *tar.Reader) (m manifest, err error) {
	h, err := r.Next()
	if err != nil || h.Name != manifestName {
		return m, errors.New("not a backup: it does not begin with a manifest")
	}
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	newest, err := store.Schema()
	if err != nil {
		return m, err
	}
	if m.Format != backupFormat || m.Schema > newest {
		return m, fmt.Errorf("it was made by subfive %s, which is newer than this one; restore it with that version", m.Version)
	}
	for _, f := range m.Files {
		if !archiveName.MatchString(f.Name) || f.Size < 0 {
			return m, fmt.Errorf("the manifest names %q, which no backup has", f.Name)
		}
	}
	return m, nil
}

func unpackFile(r *tar.Reader, want manifestFile, to string) (err error) {
	h, err := r.Next()
	if err != nil {
		return fmt.Errorf("the backup ends before it: %w", err)
	}
	if h.Name != want.Name || h.Size != want.Size || h.Typeflag != tar.TypeReg {
		return fmt.Errorf("the manifest says %d bytes, and %q comes with %d", want.Size, h.Name, h.Size)
	}
	out, err := os.OpenFile(filepath.Join(to, filepath.FromSlash(want.Name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.CopyN(io.MultiWriter(out, sum), r, want.Size)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 {
		return errors.New("damaged: its checksum is not the manifest's")
	}
	return nil
}

// restored says what is still to be done.
func (a *app) restored(m manifest) error {
	dir := a.dataDir
	fmt.Fprintf(a.stdout, "%s is restored: subfive %s, %s\n", dir, m.Version, m.MadeAt.Format("2006-01-02 15:04 UTC"))
	key := filepath.Join(dir, keyFile)
	if exists(key) {
		id, err := keyID(key)
		if err != nil {
			return err
		}
		if id != m.KeyID {
			return fmt.Errorf("the key in the backup is not the one that the data was sealed with: find that one, its ID is %s", m.KeyID)
		}
	} else {
		fmt.Fprintf(a.stdout, "Next: put the key (ID %s) at %s, or set secret_key. serve refuses to start without it.\n", m.KeyID, key)
	}
	if m.Database != "sqlite" {
		fmt.Fprintln(a.stdout, "Next: the database is not in this backup:\n  pg_restore --clean --if-exists --no-owner --dbname=\"$SUBFIVE_DATABASE_URL\" FILE.pgdump")
	}
	start := "subfive serve --data-dir " + dir
	if config := filepath.Join(dir, configFile); exists(config) {
		start += " --config " + config
	}
	fmt.Fprintf(a.stdout, "Then: %s\n", start)
	return nil
}

// keyID names the key of a file.
func keyID(path string) (string, error) {
	key, _, err := identity.LoadKey("", path)
	if err != nil {
		return "", err
	}
	vault, err := identity.NewVault(key)
	if err != nil {
		return "", err
	}
	return vault.KeyID(), nil
}
