package main

import (
	"testing"

	"subfive"
	"subfive/identity"
)

// A phone number is written in one form when it comes in, while the country is
// known: the same person is then found again, whichever way he wrote it.
func TestPhonesAreNormalizedWhenTheyComeIn(t *testing.T) {
	vault, err := identity.NewVault(make([]byte, identity.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	s := sealer{vault}
	for name, tt := range map[string]struct{ field, value, country, want string }{
		"national, with a country":    {subfive.UserPhone, "(650) 555-1212", "US", "+16505551212"},
		"national, German":            {subfive.UserPhone, "030 901820", "DE", "+4930901820"},
		"international":               {subfive.UserPhone, "+44 (0)20 7946 0018", "", "+442079460018"},
		"unreadable is kept as it is": {subfive.UserPhone, "call me", "US", "call me"},
		"national, country unknown":   {subfive.UserPhone, "030 901820", "", "030 901820"},
		"another field":               {subfive.UserEmail, "A@Example.com", "US", "A@Example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			sealed, err := s.Seal(tt.field, tt.value, tt.country)
			if err != nil {
				t.Fatal(err)
			}
			got, err := vault.Open(tt.field, sealed.Box)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
			if sealed.Mac != vault.Mac(tt.field, tt.want) {
				t.Error("the mac is not that of the value kept")
			}
		})
	}
}
