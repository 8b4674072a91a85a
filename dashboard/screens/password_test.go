package screens

import (
	"context"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
)

// cheap hashes fast, for tests.
func cheap() *Passwords {
	return newPasswords(&argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	p := cheap()
	hash, err := p.Hash(t.Context(), "correct horse battery")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%q, %v", hash, err)
	}
	for name, tt := range map[string]struct {
		password, hash string
		want, wrong    bool
	}{
		"right":      {"correct horse battery", hash, true, false},
		"wrong":      {"correct horse batterY", hash, false, false},
		"empty":      {"", hash, false, false},
		"no hash":    {"", "", false, false},
		"not a hash": {"x", "x", false, true},
	} {
		got, err := p.Match(t.Context(), tt.password, tt.hash)
		if got != tt.want || (err != nil) != tt.wrong {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
	// What is asked for by many waits for room, and for no longer than the caller.
	if err := p.room.Acquire(t.Context(), passwordRoom); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, hashErr := p.Hash(ctx, "x")
	_, matchErr := p.Match(ctx, "x", hash)
	if hashErr == nil || matchErr == nil {
		t.Errorf("without room: %v, %v", hashErr, matchErr)
	}
}

func TestRealPasswords(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	hash, err := p.Hash(t.Context(), "correct horse battery")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=2$") {
		t.Fatalf("%q, %v", hash, err)
	}
	if ok, err := p.Match(t.Context(), "correct horse battery", hash); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	if ok, err := p.Match(t.Context(), "correct horse battery", ""); ok || err != nil {
		t.Errorf("of nobody: %t, %v", ok, err)
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"correct horse battery": "", "пароль-из-слов": "",
		"short": "has 5 characters", "": "has 0 characters", "elevenchars": "has 11 characters", strings.Repeat("ab", 257): "at most 512",
		"ann-ann-ann-2026!": "little more than the name", "aaaaaaaaaaaaaa": "one character", "aaaaaaaaaaaaa\xff": "no text",
	} {
		if got := CheckPassword(password, "ann"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", password, got)
		}
	}
}
