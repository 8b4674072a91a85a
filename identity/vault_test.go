package identity

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newVault(t testing.TB, fill byte) *Vault {
	t.Helper()
	v, err := NewVault(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVaultReturnsWhatItWasGiven(t *testing.T) {
	v := newVault(t, 1)
	for name, value := range map[string]string{
		"as it was written": "  Jane@Example.COM ", "empty": "", "not UTF-8": "J\xf6rg", "long": strings.Repeat("a", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			box, _, err := v.Seal(fieldEmail, value)
			if err != nil {
				t.Fatal(err)
			}
			if again, _, _ := v.Seal(fieldEmail, value); again == box {
				t.Error("two boxes of one value are equal")
			}
			if value != "" && strings.Contains(box, value) || strings.ContainsAny(box, "+/= ") {
				t.Errorf("box %.60q", box)
			}
			if got, err := v.Open(fieldEmail, box); got != value || err != nil {
				t.Errorf("Open = %.40q, %v", got, err)
			}
			raw, err := v.SealBytes([]byte(value), "here")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := v.OpenBytes(raw, "here"); string(got) != value || err != nil {
				t.Errorf("OpenBytes = %.40q, %v", got, err)
			}
		})
	}
}

func TestVaultOpensOnlyItsOwn(t *testing.T) {
	v, other := newVault(t, 1), newVault(t, 2)
	box, _, err := v.Seal(fieldEmail, "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(fieldPhone, box); err == nil {
		t.Error("opened as another field")
	}
	if _, err := v.OpenBytes(box, "here"); err == nil {
		t.Error("opened as bytes")
	}
	raw, err := v.SealBytes([]byte("jane@example.com"), "here")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open("", raw); err == nil {
		t.Error("bytes opened as a field")
	}
	if _, err := other.Open(fieldEmail, box); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	forged := other.KeyID() + box[strings.IndexByte(box, '.'):]
	if _, err := other.Open(fieldEmail, forged); err == nil || errors.Is(err, ErrWrongKey) {
		t.Errorf("another key, its ID forged: %v", err)
	}
	for i := range len(box) {
		damaged := []byte(box)
		damaged[i] ^= 1
		if got, err := v.Open(fieldEmail, string(damaged)); err == nil {
			t.Fatalf("byte %d changed, and it opened as %q", i, got)
		}
	}
	for _, text := range []string{"", ".", "jane@example.com", box[:len(box)-8], box + "AAAA", v.KeyID() + "."} {
		if _, err := v.Open(fieldEmail, text); err == nil {
			t.Errorf("%q opened", text)
		}
	}
}

func TestMacIsThePersons(t *testing.T) {
	v := newVault(t, 1)
	tests := map[string]struct {
		field string
		same  []string
	}{
		"e-mail":         {fieldEmail, []string{"Jane@Example.com", " jane@example.COM\n", Hash("jane@example.com")}},
		"phone":          {fieldPhone, []string{"+44 (0)7911 123456", "0044 7911 123456", Hash("447911123456")}},
		"national phone": {fieldPhone, []string{"07911 123456", " 07911 123456"}},
		"name":           {fieldLastName, []string{"O'Brien", "o’brien"}},
		"unknown field":  {"shoe_size", []string{"XL", "xl "}},
	}
	seen := map[string]string{"": "nothing"}
	for name, tt := range tests {
		first := v.Mac(tt.field, tt.same[0])
		if was, ok := seen[first]; ok {
			t.Errorf("%s has the mac of %s", name, was)
		}
		seen[first] = name
		for _, value := range tt.same {
			if _, mac, err := v.Seal(tt.field, value); mac != first || err != nil {
				t.Errorf("%s: %q has mac %q, %q has %q (%v)", name, value, mac, tt.same[0], first, err)
			}
		}
	}
	if v.Mac(fieldEmail, "x@example.com") == v.Mac(fieldUserID, "x@example.com") {
		t.Error("one mac for two fields")
	}
	if v.Mac(fieldEmail, "x@example.com") == newVault(t, 2).Mac(fieldEmail, "x@example.com") {
		t.Error("one mac for two keys")
	}
	if mac := v.Mac(fieldEmail, " \t"); mac != "" {
		t.Errorf("white space has mac %q", mac)
	}
}

func TestVaultServesManyAtOnce(t *testing.T) {
	v := newVault(t, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				box, _, err := v.Seal(fieldCity, "Zürich")
				if got, openErr := v.Open(fieldCity, box); err != nil || openErr != nil || got != "Zürich" {
					t.Errorf("%q, %v, %v", got, err, openErr)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewVaultWantsAWholeKey(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewVault(make([]byte, n)); err == nil {
			t.Errorf("took a key of %d bytes", n)
		}
	}
}

func TestLoadKeyFromSecret(t *testing.T) {
	ones := bytes.Repeat([]byte{0xfb}, KeySize)
	tests := map[string]struct {
		secret string
		want   []byte // nil: some key of 32 bytes
		fails  bool
	}{
		"hex":                  {secret: strings.Repeat("FB", 32), want: ones},
		"base64":               {secret: "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", want: ones},
		"URL-safe base64":      {secret: "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s", want: ones},
		"passphrase":           {secret: "correct horse battery"},
		"passphrase too short": {secret: "fifteen letters", fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			key, created, err := LoadKey(tt.secret+"\n", path)
			if (err != nil) != tt.fails || created {
				t.Fatalf("created %v, err %v", created, err)
			}
			if err != nil && strings.Contains(err.Error(), tt.secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
			if !tt.fails && len(key) != KeySize || tt.want != nil && !bytes.Equal(key, tt.want) {
				t.Errorf("key %x", key)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a key file was made though there is a secret")
			}
		})
	}
	a, _, _ := LoadKey("correct horse battery", "")
	b, _, _ := LoadKey("correct horse battery", "")
	c, _, _ := LoadKey("correct horse batterz", "")
	if !bytes.Equal(a, b) || bytes.Equal(a, c) {
		t.Error("a passphrase must give one key, another one another")
	}
}

func TestLoadKeyFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "key")
	key, created, err := LoadKey("", path)
	if err != nil || !created || len(key) != KeySize {
		t.Fatalf("first: %x, %v, %v", key, created, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	again, created, err := LoadKey("", path)
	if err != nil || created || !bytes.Equal(again, key) {
		t.Errorf("second: %x, %v, %v; first was %x", again, created, err, key)
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("left behind: %v, %v", all, err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, created, err := LoadKey("", path); err == nil || created {
		t.Error("a damaged key file was taken, or replaced")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "short\n" {
		t.Errorf("the damaged file was touched: %q, %v", b, err)
	}
}

func TestLoadKeyMakesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	keys := make([][]byte, 8)
	made := make([]bool, len(keys))
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], made[i], err = LoadKey("", path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	for i := range keys {
		if !bytes.Equal(keys[i], keys[0]) {
			t.Errorf("key %d differs", i)
		}
		if made[i] {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d callers say that they created it", count)
	}
}

func FuzzOpen(f *testing.F) {
	v := newVault(f, 1)
	box, _, _ := v.Seal(fieldEmail, "jane@example.com")
	f.Add(box)
	f.Add(v.KeyID() + ".AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := v.Open(fieldEmail, text); err == nil && got != "jane@example.com" {
			t.Errorf("%q opened as %q", text, got)
		}
	})
}
