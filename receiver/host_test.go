package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// A host that is not for something answers it with 404, but for a postback.
func TestWhatAHostServes(t *testing.T) {
	serves := func(host string) (clicks, postbacks bool) {
		return host == "clicks.example", host == "postbacks.example"
	}
	hint := `host "%" is not for postbacks: it was taken all the same; use https://trk.example/conversion`
	tests := map[string]struct {
		url    string
		status int
		hint   string // of the record, % is the host; "": none
	}{
		"a click":                         {"http://clicks.example/c/spring", http.StatusFound, ""},
		"a click at a postback host":      {"http://postbacks.example/c/spring", http.StatusNotFound, ""},
		"an alias at a postback host":     {"http://postbacks.example/old/path", http.StatusNotFound, ""},
		"the way on at a postback host":   {"http://postbacks.example/go/" + clickID + "/dream", http.StatusNotFound, ""},
		"a postback":                      {"http://postbacks.example/conversion?click_id=" + clickID, http.StatusOK, ""},
		"a postback at a click host":      {"http://clicks.example/conversion?click_id=" + clickID, http.StatusOK, hint},
		"one at a host for neither":       {"http://ops.example/Conversion/?click_id=" + clickID, http.StatusOK, hint},
		"what looks like one":             {"http://postbacks.example/konversion?payout=1&tx_id=2", http.StatusOK, ""},
		"what looks like one, click host": {"http://clicks.example/konversion?payout=1&tx_id=2", http.StatusNotFound, ""},
		"our click ID anywhere":           {"http://clicks.example/x?click_id=" + clickID, http.StatusOK, hint},
		"a probe":                         {"http://ops.example/livez", http.StatusOK, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &journal{}
			cfg := config(j)
			cfg.Serves, cfg.PublicURL = serves, "https://trk.example"
			w := do(serve(cfg), get(tt.url))
			if w.Code != tt.status {
				t.Errorf("answered with %d", w.Code)
			}
			var hints []string
			for _, r := range j.records() {
				if r.Kind == subfive.RecordPostback {
					_, after, _ := strings.Cut(r.Postback.Hint, "host ")
					hints = append(hints, after)
				}
			}
			if tt.hint != "" {
				host, _, _ := strings.Cut(strings.TrimPrefix(tt.url, "http://"), "/")
				want := strings.TrimPrefix(strings.ReplaceAll(tt.hint, "%", host), "host ")
				for i, h := range hints {
					hints[i] = h[:min(len(h), len(want))]
				}
				if diff := cmp.Diff([]string{want}, hints); diff != "" {
					t.Error(diff)
				}
			} else if strings.Contains(strings.Join(hints, ""), "not for postbacks") {
				t.Errorf("hints %q", hints)
			}
		})
	}
}
