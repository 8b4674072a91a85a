package identity

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tiktokKeys are TikTok's words for our fields.
var tiktokKeys = map[string]string{
	"email": fieldEmail, "phone": fieldPhone, "first_name": fieldFirstName, "last_name": fieldLastName, "zip_code": fieldZip,
	"city": fieldCity, "state": fieldRegion, "country": fieldCountry, "external_id": fieldUserID,
}

// tiktokClear are those that TikTok takes in clear.
var tiktokClear = []string{fieldCity, fieldRegion, fieldCountry}

func tiktokVectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/meta_tiktok.json")
	if err != nil {
		t.Fatal(err)
	}
	var all, tiktok []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Platform == "tiktok" && v.Field != "ttclid" { // package forwarders/tiktok walks ttclid
			tiktok = append(tiktok, v)
		}
	}
	return tiktok
}

func TestTikTokVectors(t *testing.T) {
	vectors := tiktokVectors(t)
	if len(vectors) != 21 {
		t.Fatalf("%d vectors, want 21", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Use+" "+v.Field+" "+v.Raw, func(t *testing.T) {
			want := digest{v.Normalized, v.SHA256}
			if v.Use == "reject" {
				want = digest{}
			}
			field := tiktokKeys[v.Field]
			country, _ := v.Context["country"].(string)
			normalized, ok := TikTok(field, v.Raw, country)
			if ok == (v.Use == "reject") {
				t.Errorf("ok = %v", ok)
			}
			got := digest{normalized, ""}
			if !slices.Contains(tiktokClear, field) {
				got.SHA256 = Hash(normalized)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTikTokBeyondTheVectors(t *testing.T) {
	hashed := strings.Repeat("AB", 32)
	tests := map[string]struct{ field, raw, country, want string }{
		"TikTok's example of an address": {fieldEmail, " ALICE_abc@gmail.com ", "", "alice_abc@gmail.com"},
		"plus, tag and dots stay":        {fieldEmail, "A.B+C@example.com", "", "a.b+c@example.com"},
		"national number, country":       {fieldPhone, "(213)373-4253", "US", "+12133734253"},
		"fifteen digits, none is cut":    {fieldPhone, "+49 15112 3456789", "", "+49151123456789"},
		"hashed number":                  {fieldPhone, hashed, "", strings.ToLower(hashed)},
		"hashed ZIP":                     {fieldZip, hashed, "", strings.ToLower(hashed)},
		"ZIP+4, whole":                   {fieldZip, "94035-1234", "US", "940351234"},
		"postal code of Japan":           {fieldZip, "〒150-0001", "JP", "1500001"},
		"one character is no code":       {fieldZip, "-1 ", "", ""},
		"leading zeros":                  {fieldZip, "01067", "DE", "01067"},
		"city, digits stay":              {fieldCity, "Paris 18e", "", "paris18e"},
		"city, letters of all scripts":   {fieldCity, "São Tomé", "", "sãotomé"},
		"city, no joiners, no marks":     {fieldCity, "علی\u200cآباد²+", "", "علیآباد"},
		"city, hashed":                   {fieldCity, hashed, "", ""},
		"city, hashed in brackets":       {fieldCity, "(" + hashed + ")", "", ""},
		"state by name":                  {fieldRegion, "New York", "United States", "ny"},
		"province":                       {fieldRegion, "Île-de-France", "FR", "îledefrance"},
		"state, hashed":                  {fieldRegion, hashed, "", ""},
		"country by name":                {fieldCountry, "Deutschland", "", "de"},
		"country, three letters":         {fieldCountry, "DEU", "", "de"},
		"country, hashed":                {fieldCountry, hashed, "", ""},
		"an ID's case stays":             {fieldUserID, " User_123 ", "", "User_123"},
		"no field for a birthdate":       {fieldBirthdate, "1997-02-16", "", ""},
		"no field for a hashed one":      {fieldBirthdate, hashed, "", ""},
		"no field for gender":            {fieldGender, "f", "", ""},
		"an unknown field":               {"shoe_size", "44", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := TikTok(tt.field, tt.raw, tt.country)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("TikTok(%s, %q) = %q, %v; want %q", tt.field, tt.raw, got, ok, tt.want)
			}
		})
	}
}

// The digests are those printed in TikTok's documentation: one phone number has
// another at Meta.
func TestTikTokHashesAsDocumented(t *testing.T) {
	email, _ := TikTok(fieldEmail, " ALICE_abc@gmail.com ", "")
	phone, _ := TikTok(fieldPhone, "(+1)2133734253", "")
	metaPhone, _ := Meta(fieldPhone, "(+1)2133734253", "")
	got := []string{Hash(email), Hash(phone)}
	want := []string{
		"848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f",
		"9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if Hash(metaPhone) == got[1] {
		t.Error("Meta's digest of a phone number is TikTok's")
	}
}

// FuzzTikTok holds that what was normalized once is normal, that nothing empty
// is ever hashed, and that what goes out in clear is no digest.
func FuzzTikTok(f *testing.F) {
	fields := []string{
		fieldEmail, fieldPhone, fieldFirstName, fieldLastName, fieldCity, fieldRegion, fieldZip, fieldCountry, fieldUserID,
	}
	for _, raw := range []string{"", " ", "Jane@Example.com", "e-\u0301", "İstanbul", "N.Y.", "1-", "ß\u0307", "+44 (0)7911 123456", "a.\u0327\u0301", "(" + strings.Repeat("ab", 32) + ")"} {
		for i := range fields {
			f.Add(uint8(i), raw, "us")
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, raw, country string) {
		field := fields[int(i)%len(fields)]
		once, ok := TikTok(field, raw, country)
		if ok != (once != "") || ok != (Hash(once) != "") {
			t.Fatalf("TikTok(%s, %q) = %q, %v, hashed %q", field, raw, once, ok, Hash(once))
		}
		if !ok {
			return
		}
		if twice, _ := TikTok(field, once, country); twice != once {
			t.Errorf("TikTok(%s, %q) = %q, and of that %q", field, raw, once, twice)
		}
		if IsHash(once) && slices.Contains(tiktokClear, field) {
			t.Errorf("TikTok(%s, %q) = %q, a digest in clear", field, raw, once)
		}
	})
}
