package main

import (
	"testing"

	"subfive"
	"subfive/identity"
)

// The country that a postback brought is opened, whatever it was called, and is
// not known when the key does not open it.
func TestCountryIn(t *testing.T) {
	vault, err := identity.NewVault(make([]byte, identity.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.NewVault(append(make([]byte, identity.KeySize-1), 1))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		by    *identity.Vault
		value string
		want  string
	}{
		"a code":        {vault, "de", "DE"},
		"three letters": {vault, "USA", "US"},
		"a name":        {vault, "Germany", "DE"},
		"no country":    {vault, "nowhere", ""},
		"another key":   {other, "DE", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			box, mac, err := tt.by.Seal(subfive.UserCountry, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if got := countryIn(vault)(subfive.Sealed{Box: box, Mac: mac}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
