package subfive_test

import (
	"strings"
	"testing"
	"time"

	"subfive"
)

func TestMaskAddresses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":                     {"spring sale", "spring sale"},
		"an address":                  {"jane.doe+x@mail.example.com", "***"},
		"in a sentence":               {"from jane@example.com, again", "from ***, again"},
		"of another alphabet":         {"жанна@пример.рф", "***"},
		"in a path":                   {"https://lp.example.com/u/jane@example.com/thanks", "https://lp.example.com/u/***/thanks"},
		"escaped":                     {"https://lp.example.com/?q=jane%40example.com&x=1", "https://lp.example.com/?q=***&x=1"},
		"escaped twice":               {"jane%2540example.com", "***"},
		"its plus and dot escaped":    {"jane%2Bx%40example%2Ecom", "***"},
		"two":                         {"a@b.cc;d@e.ff", "***;***"},
		"a version":                   {"lib@1.2.3", "lib@1.2.3"},
		"a handle":                    {"https://example.com/@jane.doe/x", "https://example.com/@jane.doe/x"},
		"a place on a map":            {"/maps/@48.85,2.35,12z", "/maps/@48.85,2.35,12z"},
		"without a domain":            {"jane@localhost", "jane@localhost"},
		"a phone":                     {"+4915112345678", "***"},
		"a phone, written nicely":     {"call +49 (151) 123-45678 now", "call *** now"},
		"two phones":                  {"+4915112345678+4915112345679", "***"},
		"two phones, escaped":         {"q=%2B4915112345678%2B4915112345679&x=1", "q=***&x=1"},
		"a phone in a URL":            {"https://lp.example.com/?q=%2B4915112345678&x=1", "https://lp.example.com/?q=***&x=1"},
		"too short for a phone":       {"+4915112", "+4915112"},
		"digits without a plus":       {"4915112345678", "4915112345678"},
		"a time with an offset":       {"2026-11-24T09:00:00+00:00", "2026-11-24T09:00:00+00:00"},
		"a sum":                       {"1+4915112345678", "1+4915112345678"},
		"base64":                      {"aGVs/+12345678", "aGVs/+12345678"},
		"an escape that is no letter": {"100%25 off, 50%", "100%25 off, 50%"},
		"a click ID":                  {"IwAR-_%2B%20x", "IwAR-_%2B%20x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := subfive.MaskAddresses(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What a request brings is masked while its sender waits: neither time nor
// length may grow faster than what he sent.
func TestMaskAddressesIsQuick(t *testing.T) {
	for name, part := range map[string]string{
		"phones": "%2B12345678", "phones, apart": "+12345678 ", "addresses": "a@b.cc", "escapes": "%25", "almost a phone": "+1234567 ",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(part, (64<<10)/len(part))
			began := time.Now()
			masked := subfive.MaskAddresses(text)
			if took := time.Since(began); took > 2*time.Second || len(masked) > len(text) {
				t.Errorf("%d bytes became %d in %s", len(text), len(masked), took)
			}
		})
	}
}

// FuzzMaskAddresses holds that nothing is left to mask.
func FuzzMaskAddresses(f *testing.F) {
	f.Add("jane@example.com +4915112345678 %40")
	f.Fuzz(func(t *testing.T, text string) {
		masked := subfive.MaskAddresses(text)
		if again := subfive.MaskAddresses(masked); again != masked {
			t.Errorf("%q became %q, and then %q", text, masked, again)
		}
	})
}
