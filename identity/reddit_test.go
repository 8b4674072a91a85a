package identity

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// redditFields are Reddit's words for our fields.
var redditFields = map[string]string{
	"email": fieldEmail, "phone": fieldPhone, "external_id": fieldUserID, "idfa": fieldIDFA, "aaid": fieldAAID,
	"conversion_id": fieldUserID, // trimmed as any ID is
}

func TestRedditVectors(t *testing.T) {
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
		if v.Platform != "reddit" {
			continue
		}
		walked++
		t.Run(v.Field+" "+v.Raw, func(t *testing.T) {
			var normalized string
			if v.Field == "ip_address_hashed_variant" { // an address goes out in the clear
				normalized = Address(v.Raw)
			} else {
				normalized, _ = Reddit(redditFields[v.Field], v.Raw, "")
			}
			if d := cmp.Diff(digest{v.Normalized, v.SHA256}, digest{normalized, Hash(normalized)}); d != "" {
				t.Error(d)
			}
		})
	}
	if walked != 13 {
		t.Errorf("walked %d vectors, want 13: the file was cut", walked)
	}
}

func TestRedditBeyondTheVectors(t *testing.T) {
	tests := map[string]struct{ field, raw, country, want string }{
		"plus before all":               {fieldEmail, "+promo@example.com", "", ""},
		"marks alone":                   {fieldEmail, "._-@example.com", "", ""},
		"two plus signs":                {fieldEmail, "a+b+c@example.com", "", "a@example.com"},
		"plus in the domain":            {fieldEmail, "a@b+c.example", "", "a@b+c.example"},
		"dots of the domain stay":       {fieldEmail, "J.D@Mail.Example.co.uk", "", "jd@mail.example.co.uk"},
		"letters of other scripts stay": {fieldEmail, "Jürgen.Ä@example.de", "", "jürgenä@example.de"},
		"letter and loose accent":       {fieldEmail, "e-\u0301@example.com", "", "e@example.com"},
		"relay address like MD5":        {fieldEmail, "d41d8cd98f00b204e9800998ecf8427e@example.com", "", "d41d8cd98f00b204e9800998ecf8427e@example.com"},
		"no at sign":                    {fieldEmail, "quinn", "", ""},
		"digest":                        {fieldEmail, strings.Repeat("AB", 32), "", strings.Repeat("ab", 32)},
		"MD5":                           {fieldEmail, "d41d8cd98f00b204e9800998ecf8427e", "", ""},
		"national, with its country":    {fieldPhone, "07911 123456", "United Kingdom", "+447911123456"},
		"national, of which country":    {fieldPhone, "07911 123456", "", ""},
		"extension in words":            {fieldPhone, "+1 650 555 1212 ext. 450", "", "+16505551212"},
		"an ID keeps its case":          {fieldUserID, " User_1 ", "", "User_1"},
		"an empty ID":                   {fieldUserID, " ", "", ""},
		"idfa of an owner who said no":  {fieldIDFA, "00000000-0000-0000-0000-000000000000", "", ""},
		"aaid that is none":             {fieldAAID, "38400000", "", ""},
		"a name is nothing to Reddit":   {fieldFirstName, "Jane", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Reddit(tt.field, tt.raw, tt.country)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Reddit(%s, %q) = %q, %v; want %q", tt.field, tt.raw, got, ok, tt.want)
			}
		})
	}
}

// FuzzReddit holds that what was normalized once is normal, and that nothing
// empty is ever hashed.
func FuzzReddit(f *testing.F) {
	fields := []string{fieldEmail, fieldPhone, fieldUserID, fieldIDFA, fieldAAID}
	for _, raw := range []string{
		"", " ", "Al.ice$+Apple@Example.Com", "+@a.b", "İ.x@a.b", "\u1100-\u1161@a.b", "a\u0345@a.b", "ǅ@a.b", "1-650-555   - 1212 x450",
		"38400000-8CF0-11BD-B23E-10B96E40000D", strings.Repeat("Ab", 32),
	} {
		for i := range fields {
			f.Add(uint8(i), raw, "us")
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, raw, country string) {
		field := fields[int(i)%len(fields)]
		once, ok := Reddit(field, raw, country)
		if ok != (once != "") || ok != (Hash(once) != "") || field == fieldEmail && strings.HasPrefix(once, "@") {
			t.Fatalf("Reddit(%s, %q) = %q, %v, hashed %q", field, raw, once, ok, Hash(once))
		}
		if !ok {
			return
		}
		if twice, _ := Reddit(field, once, country); twice != once {
			t.Errorf("Reddit(%s, %q) = %q, and of that %q", field, raw, once, twice)
		}
	})
}
