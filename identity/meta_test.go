package identity

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is one line of testdata/meta_tiktok.json: what a platform's
// documentation, or its libraries when run, make of a raw value.
type vector struct {
	Platform   string            `json:"platform"`
	Field      string            `json:"field"`
	Raw        string            `json:"raw"`
	Normalized string            `json:"normalized"`
	SHA256     string            `json:"sha256"`
	Use        string            `json:"use"` // contract, divergent, reject
	Context    map[string]any    `json:"context"`
	Other      map[string]string `json:"other_outputs"`
}

// metaKeys are Meta's words for our fields.
var metaKeys = map[string]string{
	"em": fieldEmail, "ph": fieldPhone, "fn": fieldFirstName, "ln": fieldLastName, "ct": fieldCity, "st": fieldRegion,
	"zp": fieldZip, "country": fieldCountry, "db": fieldBirthdate, "ge": fieldGender, "external_id": fieldUserID,
}

func metaVectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/meta_tiktok.json")
	if err != nil {
		t.Fatal(err)
	}
	var all, meta []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Platform == "meta" && v.Field != "fbc" { // package forwarders/meta walks fbc
			meta = append(meta, v)
		}
	}
	return meta
}

type digest struct{ Normalized, SHA256 string }

func TestMetaVectors(t *testing.T) {
	vectors := metaVectors(t)
	if len(vectors) < 75 {
		t.Fatalf("%d vectors: the file was cut", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Use+" "+v.Field+" "+v.Raw, func(t *testing.T) {
			want := digest{v.Normalized, v.SHA256}
			if v.Use == "reject" {
				want = digest{}
			}
			if v.Field == "client_ip_address" {
				if d := cmp.Diff(want.Normalized, Address(v.Raw)); d != "" {
					t.Error(d)
				}
				return
			}
			country, _ := v.Context["country"].(string)
			normalized, ok := Meta(metaKeys[v.Field], v.Raw, country)
			if ok == (v.Use == "reject") {
				t.Errorf("ok = %v", ok)
			}
			if d := cmp.Diff(want, digest{normalized, Hash(normalized)}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPhone(t *testing.T) {
	tests := map[string]struct{ raw, country, want string }{
		"documented, with country":               {"(650)555-1212", "US", "+16505551212"},
		"country by name":                        {"(650)555-1212", "United States", "+16505551212"},
		"national, trunk zero, country":          {"07911 123456", "gb", "+447911123456"},
		"international, another country's hint":  {"16505551212", "GB", "+16505551212"},
		"no plus, right for its country":         {"447911123456", "GB", "+447911123456"},
		"00 before a country code":               {"0044 7911 123456", "", "+447911123456"},
		"00 with a country whose prefix is 011":  {"0044 7911 123456", "US", "+447911123456"},
		"011 dialed from the United States":      {"011 44 7911 123456", "US", "+447911123456"},
		"001":                                    {"001 650 555 1212", "", "+16505551212"},
		"trunk zero in brackets":                 {"+44 (0)7911 123456", "", "+447911123456"},
		"trunk zero in brackets, after 00":       {"0049 (0)151 23456789", "", "+4915123456789"},
		"zero in brackets where there is none":   {"+34 (0)912 345 678", "", "+34912345678"},
		"Italy's zero belongs to the number":     {"+39 (0)6 6982 1234", "", "+390669821234"},
		"extension dropped":                      {"+1 415-555-0100 ext 22", "", "+14155550100"},
		"extension dropped, national":            {"415-555-0100 x22", "US", "+14155550100"},
		"range newer than our table":             {"+1 555-555-5555", "", "+15555555555"},
		"ten digits may be national":             {"6591234567", "", ""},
		"ten digits, TikTok's example":           {"(213)373-4253", "", ""},
		"plus in brackets, TikTok's example":     {"(+1)2133734253", "", "+12133734253"},
		"national, no country":                   {"07911123456", "", ""},
		"too long":                               {"+1234567890123456", "", ""},
		"no digits":                              {"n/a", "US", ""},
		"empty":                                  {"", "US", ""},
		"full-width digits":                      {"＋１６５０５５５１２１２", "", "+16505551212"},
		"a digest passes":                        {strings.Repeat("AB", 32), "US", strings.Repeat("ab", 32)},
		"a digest as the country is no country":  {"(650)555-1212", strings.Repeat("ab", 32), ""},
		"an MD5 digest is of no use":             {"d41d8cd98f00b204e9800998ecf8427e", "US", ""},
		"several thousand digits are not parsed": {strings.Repeat("1", 5000), "US", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Phone(tt.raw, tt.country); got != tt.want {
				t.Errorf("Phone(%.40q, %.10q) = %q, want %q", tt.raw, tt.country, got, tt.want)
			}
		})
	}
}

func TestMetaBeyondTheVectors(t *testing.T) {
	tests := map[string]struct{ field, raw, country, want string }{
		"two at signs":                       {fieldEmail, "a@b@example.com", "", ""},
		"empty label":                        {fieldEmail, "a@example..com", "", ""},
		"dot at the end":                     {fieldEmail, "a@example.", "", ""},
		"control character":                  {fieldEmail, "a\x00@example.com", "", ""},
		"non-ASCII address":                  {fieldEmail, "Jürgen@example.de", "", "jürgen@example.de"},
		"MD5":                                {fieldEmail, "d41d8cd98f00b204e9800998ecf8427e", "", ""},
		"MD5 in a name":                      {fieldLastName, "D41D8CD98F00B204E9800998ECF8427E", "", ""},
		"an ID may look like MD5":            {fieldUserID, "d41d8cd98f00b204e9800998ecf8427e", "", "d41d8cd98f00b204e9800998ecf8427e"},
		"digest of an ID":                    {fieldUserID, strings.Repeat("AB", 32), "", strings.Repeat("ab", 32)},
		"white space of all kinds":           {fieldFirstName, "\u2003 Ana\u00a0\t", "", "ana"},
		"typographic apostrophe":             {fieldLastName, "O’Brien", "", "obrien"},
		"zero-width space":                   {fieldLastName, "Smi\u200bth", "", "smith"},
		"joiner in a Persian name":           {fieldLastName, "علی\u200cزاده", "", "علی\u200cزاده"},
		"punctuation between letter, accent": {fieldFirstName, "e-\u0301", "", "é"},
		"punctuation alone":                  {fieldFirstName, " -.' ", "", ""},
		"not UTF-8":                          {fieldFirstName, "J\xf6rg", "", ""},
		"digits in a city":                   {fieldCity, "75018 Paris", "", "paris"},
		"state without country":              {fieldRegion, "New Jersey", "", "nj"},
		"state's name elsewhere":             {fieldRegion, "Montana", "bg", "montana"},
		"the state, not the capital":         {fieldRegion, "Washington", "us", "wa"},
		"the capital, with dots":             {fieldRegion, "Washington, D.C.", "USA", "dc"},
		"nine digits of ZIP":                 {fieldZip, "940351234", "us", "94035"},
		"nine digits elsewhere":              {fieldZip, "940351234", "br", "940351234"},
		"country, three letters, any case":   {fieldCountry, "aUt", "", "at"},
		"country, typographic":               {fieldCountry, "Côte d'Ivoire", "", "ci"},
		"country, ampersand or and":          {fieldCountry, "St. Kitts and Nevis", "", "kn"},
		"country, brackets":                  {fieldCountry, "Taiwan", "", "tw"},
		"no country":                         {fieldCountry, "xx", "", ""},
		"no country, by name":                {fieldCountry, "Atlantis", "", ""},
		"dots: day first":                    {fieldBirthdate, "03.04.1997", "", "19970403"},
		"no such day":                        {fieldBirthdate, "1997-02-30", "", ""},
		"day and month, no separator":        {fieldBirthdate, "16021997", "", ""},
		"sign in a date":                     {fieldBirthdate, "+9970216", "", ""},
		"four parts":                         {fieldBirthdate, "1997-02-16-1", "", ""},
		"an unknown field":                   {"shoe_size", "44", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Meta(tt.field, tt.raw, tt.country)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Meta(%s, %q) = %q, %v; want %q", tt.field, tt.raw, got, ok, tt.want)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	tests := map[string]struct{ raw, want string }{
		"IPv6, brackets and port": {"[2001:db8::1]:443", "2001:db8::1"},
		"IPv6, brackets":          {"[2001:db8::1]", "2001:db8::1"},
		"IPv4 in IPv6":            {"::ffff:203.0.113.9", "203.0.113.9"},
		"private first":           {"10.0.0.1, 203.0.113.9", "203.0.113.9"},
		"loopback":                {"127.0.0.1", ""},
		"link-local with zone":    {"fe80::1%eth0", ""},
		"carrier's inside":        {"100.64.1.1", ""},
		"unique local":            {"fd00::1", ""},
		"unspecified":             {"0.0.0.0", ""},
		"text":                    {"unknown", ""},
		"empty":                   {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Address(tt.raw); got != tt.want {
				t.Errorf("Address(%q) = %q, want %q", tt.raw, got, tt.want)
			}
		})
	}
}

func TestCountryListIsWhole(t *testing.T) {
	codes := map[string]bool{}
	for key, code := range countries() {
		if key == "" || len(code) != 2 {
			t.Errorf("%q → %q", key, code)
		}
		codes[code] = true
	}
	if len(codes) != 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249", len(codes))
	}
	if n := len(states()); n != 59 {
		t.Errorf("%d names of states and territories, want 59", n)
	}
}

// FuzzMeta holds two promises: what was normalized once is normal, and nothing
// empty is ever hashed. A phone number is normal in E.164; Meta's form has lost
// the "+" that says so, and FuzzPhone tests that field.
func FuzzMeta(f *testing.F) {
	fields := []string{
		fieldEmail, fieldFirstName, fieldLastName, fieldCity, fieldRegion, fieldZip, fieldCountry,
		fieldBirthdate, fieldGender, fieldUserID,
	}
	for _, raw := range []string{"", " ", "Jane@Example.com", "e-\u0301", "İstanbul", "N.Y.", "1-", "ß\u0307", "ǅ", "\u0345", "2/16/1997", "ab-" + strings.Repeat("c", 30), "a.\u0327\u0301"} {
		for i := range fields {
			f.Add(uint8(i), raw, "us")
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, raw, country string) {
		field := fields[int(i)%len(fields)]
		once, ok := Meta(field, raw, country)
		if ok != (once != "") || ok != (Hash(once) != "") {
			t.Fatalf("Meta(%s, %q) = %q, %v, hashed %q", field, raw, once, ok, Hash(once))
		}
		if !ok {
			return
		}
		if twice, _ := Meta(field, once, country); twice != once {
			t.Errorf("Meta(%s, %q) = %q, and of that %q", field, raw, once, twice)
		}
		if h := Hash(once); Hash(h) != h || !IsHash(h) {
			t.Errorf("Hash(%q) = %q, and of that %q", once, h, Hash(h))
		}
	})
}

func FuzzPhone(f *testing.F) {
	for _, raw := range []string{"", "+44 (0)7911 123456", "001 650 555 1212", "(+1)2133734253", "+1 800 FLOWERS", "tel:+1-650-555-1212;ext=2", "+390669821234", "0"} {
		f.Add(raw, "us")
		f.Add(raw, "")
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		once := Phone(raw, country)
		if once == "" {
			return
		}
		if !IsHash(once) && (once[0] != '+' || !allDigits(once[1:]) || len(once) < 8 || len(once) > 16) {
			t.Errorf("Phone(%q, %q) = %q is not E.164", raw, country, once)
		}
		if twice := Phone(once, country); twice != once {
			t.Errorf("Phone(%q, %q) = %q, and of that %q", raw, country, once, twice)
		}
	})
}
