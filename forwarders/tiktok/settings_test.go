package tiktok

import (
	"strings"
	"testing"

	"subfive/forwarders/forwardertest"
)

func TestSettings(t *testing.T) {
	const id, tok = "pixel_code: C1\n", "access_token: t\n"
	const all = id + tok + "api_version: v1.4\ntest_event_code: TEST1\npartner_name: acme\ndefault_event_source_url: https://lp.example.com\n" +
		"omit_referrer: true\nlimited_data_use: true\n"
	tests := map[string]struct{ yaml, says string }{
		"least":                 {id + tok, ""},
		"all":                   {all, ""},
		"no pixel":              {tok, "pixel_code is missing"},
		"pixel by URL":          {"pixel_code: https://x\n" + tok, "letters and digits"},
		"no token":              {id, "access_token is missing"},
		"token with Bearer":     {id + "access_token: Bearer abc\n", "Bearer"},
		"token in two lines":    {id + "access_token: \"a\\nb\"\n", "access_token contains"},
		"version without v":     {id + tok + "api_version: \"1.3\"\n", "api_version"},
		"version with a path":   {id + tok + "api_version: v1.3/..\n", "api_version"},
		"partner of two words":  {id + tok + "partner_name: a b\n", "partner_name"},
		"test code in words":    {id + tok + "test_event_code: my test\n", "test_event_code"},
		"page without scheme":   {id + tok + "default_event_source_url: lp.example.com\n", "default_event_source_url"},
		"limited to a state":    {id + tok + "limited_data_use: CA\n", "limited_data_use"},
		"two faults, both told": {id + "api_version: x\n", "\napi_version"},
		"misspelled":            {id + tok + "acces_token: x\n", "acces_token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Platform().New(forwardertest.Decode([]byte(tt.yaml)), nil)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}
