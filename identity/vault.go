package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a Vault's key in bytes.
const KeySize = 32

// ErrWrongKey says that a box was sealed with another key.
var ErrWrongKey = errors.New("sealed with another key")

// Vault seals values so that they can be stored: nobody without the key reads
// or changes them, or moves them to another field. It is safe for concurrent
// use.
//
// A box is the key's ID, a dot, and the nonce and AES-256-GCM ciphertext in
// URL-safe base64. Nonces are random: 2^32 boxes of a key keep the chance that
// two of them repeat below 2^-32.
type Vault struct {
	id     string
	fields cipher.AEAD
	bytes  cipher.AEAD
	mac    []byte
}

// NewVault returns the Vault of a key of KeySize bytes, as LoadKey gives it. Each
// use has a key of its own, derived from it.
func NewVault(key []byte) (*Vault, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("make vault: the key has %d bytes, not %d", len(key), KeySize)
	}
	id, err := derive(key, "key id", 4)
	if err != nil {
		return nil, err
	}
	mac, err := derive(key, "mac of user data", KeySize)
	if err != nil {
		return nil, err
	}
	fields, err := aead(key, "user data")
	if err != nil {
		return nil, err
	}
	bytes, err := aead(key, "bytes")
	if err != nil {
		return nil, err
	}
	return &Vault{id: hex.EncodeToString(id), fields: fields, bytes: bytes, mac: mac}, nil
}

func derive(key []byte, purpose string, size int) ([]byte, error) {
	sub, err := hkdf.Key(sha256.New, key, nil, "subfive: "+purpose, size)
	if err != nil {
		return nil, fmt.Errorf("derive key for %s: %w", purpose, err)
	}
	return sub, nil
}

func aead(key []byte, purpose string) (cipher.AEAD, error) {
	sub, err := derive(key, purpose, KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, fmt.Errorf("make cipher for %s: %w", purpose, err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher for %s: %w", purpose, err)
	}
	return gcm, nil
}

// KeyID names the key, and tells nothing about it.
func (v *Vault) KeyID() string { return v.id }

// Seal returns a field's value in a box that only Open opens, under the same
// field. mac is the same for all values that mean the same person, however they
// are written, and for their digest; it is "" for a value of white space alone.
func (v *Vault) Seal(field, value string) (box, mac string, err error) {
	return v.seal(v.fields, []byte(value), field), v.Mac(field, value), nil
}

// Mac returns the mac that Seal gives to a field's value: it finds what was
// sealed earlier.
func (v *Vault) Mac(field, value string) string {
	same, ok := Meta(field, value, "")
	if !ok {
		same = fold(value)
	}
	if same == "" {
		return ""
	}
	h := hmac.New(sha256.New, v.mac)
	h.Write([]byte(field))
	h.Write([]byte{0})
	h.Write([]byte(Hash(same)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Open returns the value that Seal put into a box of this field.
func (v *Vault) Open(field, box string) (string, error) {
	plain, err := v.open(v.fields, box, field)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", field, err)
	}
	return string(plain), nil
}

// SealBytes returns b in a box that only OpenBytes opens: raw requests and
// settings. where names the place of the value: a box moved elsewhere does not
// open.
func (v *Vault) SealBytes(b []byte, where string) (string, error) {
	return v.seal(v.bytes, b, where), nil
}

// OpenBytes returns what SealBytes put into a box.
func (v *Vault) OpenBytes(box, where string) ([]byte, error) {
	plain, err := v.open(v.bytes, box, where)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where, err)
	}
	return plain, nil
}

func (v *Vault) seal(c cipher.AEAD, plain []byte, field string) string {
	return v.id + "." + base64.RawURLEncoding.EncodeToString(c.Seal(nil, nil, plain, []byte(field)))
}

func (v *Vault) open(c cipher.AEAD, box, field string) ([]byte, error) {
	id, text, ok := strings.Cut(box, ".")
	if !ok {
		return nil, errors.New("not a sealed value")
	}
	if id != v.id {
		return nil, fmt.Errorf("%w: it has ID %.16q, ours is %s", ErrWrongKey, id, v.id)
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("not a sealed value: %w", err)
	}
	plain, err := c.Open(nil, nil, sealed, []byte(field))
	if err != nil {
		return nil, fmt.Errorf("damaged, or of another field: %w", err)
	}
	return plain, nil
}
