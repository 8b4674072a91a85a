package tiktok

import (
	"strings"
	"testing"

	"subfive/forwarders"
)

// TestDictionaryIsWhatIsRead holds that each entry has the class that an answer
// of its code gets, under whatever status.
func TestDictionaryIsWhatIsRead(t *testing.T) {
	f := &forwarder{settings: settings{AccessToken: "a-token"}}
	for _, e := range dictionary() {
		if e.Class == "" {
			continue // read by the status
		}
		t.Run(e.Code, func(t *testing.T) {
			code := strings.ReplaceAll(e.Code, "?", "9")
			for _, status := range []int{200, 401} {
				o := f.Read(1, forwarders.Answer{Status: status, Body: []byte(`{"code":` + code + `,"message":"x"}`), Sent: true}).All
				if o.Class != e.Class {
					t.Errorf("HTTP %d and %s is read as %s, the dictionary says %s", status, code, o.Class, e.Class)
				}
				if got := Platform().Explain(o.Class, o.Code, ""); got.Means != e.Means || got.Do != e.Do {
					t.Errorf("%s is explained as %q", code, got.Means)
				}
			}
		})
	}
}
