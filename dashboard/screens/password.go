package screens

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
)

// Passwords hashes passwords, no more than a few at once: each takes 64 MiB, and
// anybody may ask to sign in.
type Passwords struct {
	room   *semaphore.Weighted // KiB
	params *argon2id.Params
	// nobody is the hash that is compared where there is none, so that it takes no
	// less time.
	nobody string
}

// passwordRoom is how much memory hashing may take, in KiB.
const passwordRoom = 128 << 10

// NewPasswords returns Passwords that take at most 128 MiB.
func NewPasswords() *Passwords {
	return newPasswords(&argon2id.Params{Memory: 64 << 10, Iterations: 3, Parallelism: 2, SaltLength: 16, KeyLength: 32})
}

func newPasswords(params *argon2id.Params) *Passwords {
	salt, key := strings.Repeat("A", 22), strings.Repeat("A", 43) // of no password
	return &Passwords{
		room: semaphore.NewWeighted(passwordRoom), params: params,
		nobody: fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", params.Memory, params.Iterations, params.Parallelism, salt, key),
	}
}

// Hash returns what is kept of a password.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.room.Acquire(ctx, int64(p.params.Memory)); err != nil {
		return "", fmt.Errorf("wait to hash a password: %w", err)
	}
	defer p.room.Release(int64(p.params.Memory))
	return argon2id.CreateHash(password, p.params)
}

// Match reports whether a hash is a password's. None matches "", which takes as
// long.
func (p *Passwords) Match(ctx context.Context, password, hash string) (bool, error) {
	if err := p.room.Acquire(ctx, int64(p.params.Memory)); err != nil {
		return false, fmt.Errorf("wait to compare a password: %w", err)
	}
	defer p.room.Release(int64(p.params.Memory))
	against := hash
	if hash == "" {
		against = p.nobody
	}
	same, err := argon2id.ComparePasswordAndHash(password, against)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return same && hash != "", nil
}

// The bounds of a password, in characters; no longer one is worth its hashing.
const (
	minPassword = 12
	maxPassword = 512
)

// CheckPassword says what is wrong with a new password of somebody: "" is
// nothing. Length is what counts.
func CheckPassword(password, name string) string {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return "The password has characters that are no text: type others."
	case n < minPassword:
		return fmt.Sprintf("The password has %d characters: take %d or more. A few words that nobody else would put together are good.", n, minPassword)
	case n > maxPassword:
		return fmt.Sprintf("The password has %d characters: take at most %d.", n, maxPassword)
	case name != "" && strings.Trim(strings.ReplaceAll(strings.ToLower(password), strings.ToLower(name), ""), "0123456789 .!-_") == "":
		return "The password is little more than the name: take one that cannot be guessed from it."
	case strings.Trim(password, password[:1]) == "":
		return "The password is one character, repeated: take another."
	}
	return ""
}
