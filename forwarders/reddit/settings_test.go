package reddit

import (
	"strings"
	"testing"

	"subfive/forwarders/forwardertest"
)

func TestSettings(t *testing.T) {
	const id, tok = "pixel_id: a2_abc123\n", "access_token: t\n"
	const country = "data_processing_options_country: "
	tests := map[string]struct{ yaml, says string }{
		"least":                 {id + tok, ""},
		"pixel of a person":     {"pixel_id: t2_abc123\n" + tok, ""},
		"all":                   {id + tok + "test_id: t2_x\npartner: ACME_1\ndefault_event_source_url: https://lp.example.com\ndata_processing_options: [LDU]\n" + country + "US\ndata_processing_options_region: US-CA\n", ""},
		"bare region":           {id + tok + country + "CA\ndata_processing_options_region: QC\n", ""},
		"options: none":         {id + tok + "data_processing_options: []\n", ""},
		"no pixel":              {tok, "pixel_id is missing"},
		"pixel by number":       {"pixel_id: \"123\"\n" + tok, "not the form"},
		"pixel with a path":     {"pixel_id: a2_abc/..\n" + tok, "not the form"},
		"no token":              {id, "access_token is missing"},
		"token in two lines":    {id + "access_token: \"a\\nb\"\n", "access_token contains"},
		"partner in lower case": {id + tok + "partner: acme\n", "not a name in capitals"},
		"test ID with a space":  {id + tok + "test_id: a b\n", "test_id"},
		"page without a scheme": {id + tok + "default_event_source_url: lp.example.com\n", "not an http"},
		"unknown option":        {id + tok + "data_processing_options: [ALL]\n" + country + "US\n", "it is [LDU]"},
		"limited twice":         {id + tok + "data_processing_options: [LDU, LDU]\n" + country + "US\n", "it is [LDU]"},
		"limited nowhere":       {id + tok + "data_processing_options: [LDU]\n", "country is missing"},
		"region of no country":  {id + tok + "data_processing_options_region: CA\n", "needs data_processing_options_country"},
		"country in lower case": {id + tok + country + "us\n", "two capitals"},
		"country by name":       {id + tok + country + "France\n", "two capitals"},
		"no such country":       {id + tok + country + "XX\n", "two capitals"},
		"region of another":     {id + tok + country + "US\ndata_processing_options_region: CA-QC\n", "not the code of a part"},
		"region by name":        {id + tok + country + "US\ndata_processing_options_region: California\n", "not the code of a part"},
		"unknown setting":       {id + tok + "ad_account: x\n", "ad_account"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Platform().New(forwardertest.Decode([]byte(tt.yaml)), nil)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}
