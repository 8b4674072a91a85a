package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// minPassphrase is how many characters a passphrase has at least.
const minPassphrase = 16

// LoadKey returns the key for NewVault: from secret, if it is set, else from the
// file at path, which is made, readable by its owner alone, if there is none.
// created says that it was: whoever loses that file loses what it seals.
//
// secret is 32 bytes in hex or base64, or any passphrase of 16 characters or
// more. A passphrase should be random: the key is no harder to guess than it.
func LoadKey(secret, path string) (key []byte, created bool, err error) {
	if secret = strings.TrimSpace(secret); secret != "" {
		key, err = parseSecret(secret)
		return key, false, err
	}
	key, err = readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	switch err = createKey(path); {
	case errors.Is(err, fs.ErrExist): // another process was faster
	case err != nil:
		return nil, false, fmt.Errorf("create key file: %w", err)
	default:
		created = true
	}
	key, err = readKey(path)
	return key, created, err
}

func parseSecret(secret string) ([]byte, error) {
	if key, ok := decodeKey(secret); ok {
		return key, nil
	}
	if utf8.RuneCountInString(secret) < minPassphrase {
		return nil, fmt.Errorf("secret_key is too short: give 32 bytes in hex or base64, or a passphrase of at least %d characters", minPassphrase)
	}
	return derive([]byte(secret), "passphrase", KeySize)
}

// decodeKey reads KeySize bytes in hex or any base64.
func decodeKey(s string) ([]byte, bool) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString,
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(s); err == nil && len(key) == KeySize {
			return key, true
		}
	}
	return nil, false
}

func readKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	key, ok := decodeKey(strings.TrimSpace(string(b)))
	if !ok {
		return nil, fmt.Errorf("read key file: %s does not hold %d bytes in hex or base64; restore it from a backup", path, KeySize)
	}
	return key, nil
}

// createKey writes a new key to path, on disk and complete when it appears
// there. It fails with fs.ErrExist when another process made one meanwhile.
func createKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return err
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
