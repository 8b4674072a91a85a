package identity

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// googleFields are Google's words for our fields.
var googleFields = map[string]string{
	"email": fieldEmail, "phone": fieldPhone, "given_name": fieldFirstName, "family_name": fieldLastName, "region_code": fieldCountry,
}

func TestGoogleVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/reddit_google.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	walked := 0
	for _, v := range vectors {
		if !strings.HasPrefix(v.Platform, "google") {
			continue
		}
		walked++
		t.Run(v.Platform+" "+v.Field+" "+v.Raw, func(t *testing.T) {
			normalized, _ := Google(googleFields[v.Field], v.Raw, "")
			sum := Hash(normalized)
			switch {
			case v.Field == "region_code": // it goes out in the clear
				sum = ""
			case v.Platform == "google_datamanager_base64":
				raw, err := hex.DecodeString(sum)
				if err != nil {
					t.Fatal(err)
				}
				sum = base64.StdEncoding.EncodeToString(raw)
			}
			if d := cmp.Diff(digest{v.Normalized, v.SHA256}, digest{normalized, sum}); d != "" {
				t.Error(d)
			}
		})
	}
	if walked != 20 {
		t.Errorf("walked %d vectors, want 20: the file was cut", walked)
	}
}

func TestGoogleBeyondTheVectors(t *testing.T) {
	tests := map[string]struct{ field, raw, country, want string }{
		"plus elsewhere stays":       {fieldEmail, "user.name+NYC@Example.com", "", "user.name+nyc@example.com"},
		"plus at Gmail goes":         {fieldEmail, "cloudy.sanfrancisco+shopping@gmail.com", "", "cloudysanfrancisco@gmail.com"},
		"nothing but a tag":          {fieldEmail, "+tag@gmail.com", "", ""},
		"dots around nothing":        {fieldEmail, ".+.@googlemail.com", "", ""},
		"like Gmail":                 {fieldEmail, "a.b+c@gmail.com.example", "", "a.b+c@gmail.com.example"},
		"digest":                     {fieldEmail, strings.Repeat("AB", 32), "", strings.Repeat("ab", 32)},
		"MD5":                        {fieldEmail, "d41d8cd98f00b204e9800998ecf8427e", "", ""},
		"national, with its country": {fieldPhone, "07911 123456", "United Kingdom", "+447911123456"},
		"national, of which country": {fieldPhone, "07911 123456", "", ""},
		"name with marks":            {fieldLastName, " O'Brien-Smith ", "", "obriensmith"},
		"name of another script":     {fieldFirstName, "Łukasz", "", "łukasz"},
		"hashed name":                {fieldFirstName, strings.Repeat("AB", 32), "", strings.Repeat("ab", 32)},
		"postal code":                {fieldZip, " 94035-1234", "us", "94035-1234"},
		"postal code with letters":   {fieldZip, "sw1a 1aa\n", "gb", "sw1a 1aa"},
		"hashed postal code":         {fieldZip, strings.Repeat("ab", 32), "us", ""},
		"country by name":            {fieldCountry, "Germany", "", "DE"},
		"postal code not UTF-8":      {fieldZip, "1\xff", "us", ""},
		"hashed country":             {fieldCountry, strings.Repeat("ab", 32), "", ""},
		"a city is nothing to it":    {fieldCity, "Paris", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Google(tt.field, tt.raw, tt.country)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Google(%s, %q) = %q, %v; want %q", tt.field, tt.raw, got, ok, tt.want)
			}
		})
	}
}

// FuzzGoogle holds that what was normalized once is normal, and that nothing
// empty is ever hashed.
func FuzzGoogle(f *testing.F) {
	fields := []string{fieldEmail, fieldPhone, fieldFirstName, fieldLastName, fieldZip, fieldCountry}
	for _, raw := range []string{
		"", " ", "Jane.Doe+ads@googlemail.com", "+@gmail.com", "e.\u0301@gmail.com", "a \u0301@a.b", "1 800 555 0100", "İ@gmail.com", strings.Repeat("Ab", 32), "ß1",
	} {
		for i := range fields {
			f.Add(uint8(i), raw, "us")
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, raw, country string) {
		field := fields[int(i)%len(fields)]
		once, ok := Google(field, raw, country)
		if ok != (once != "") || ok != (Hash(once) != "") || field == fieldEmail && strings.HasPrefix(once, "@") {
			t.Fatalf("Google(%s, %q) = %q, %v, hashed %q", field, raw, once, ok, Hash(once))
		}
		if !ok {
			return
		}
		if twice, _ := Google(field, once, country); twice != once {
			t.Errorf("Google(%s, %q) = %q, and of that %q", field, raw, once, twice)
		}
	})
}
