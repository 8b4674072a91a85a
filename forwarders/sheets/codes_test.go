package sheets

import (
	"strconv"
	"strings"
	"testing"

	"subfive/forwarders"
)

// TestDictionaryIsWhatIsRead holds that each word of the script, and each
// status, has the class that the dictionary says.
func TestDictionaryIsWhatIsRead(t *testing.T) {
	f := &forwarder{}
	script := map[string]bool{}
	for _, e := range scriptWords() {
		script[e.Code] = true
	}
	for _, e := range dictionary() {
		t.Run(e.Code, func(t *testing.T) {
			a := forwarders.Answer{Status: 200, Sent: true}
			status, err := strconv.Atoi(strings.ReplaceAll(strings.TrimPrefix(e.Code, "http_"), "*", "500"))
			switch {
			case script[e.Code]:
				a.Body = []byte(`{"ok":false,"error":"` + e.Code + `"}`)
			case e.Code != "*" && err == nil:
				a.Status = status
			default:
				return // Google's pages: testdata/answers has them
			}
			o := f.Read(1, a).All
			if o.Class != e.Class {
				t.Errorf("it is read as %s, the dictionary says %s", o.Class, e.Class)
			}
			if got := Platform().Explain(o.Class, o.Code, ""); got.Means != e.Means || got.Do != e.Do {
				t.Errorf("it is explained as %q", got.Means)
			}
		})
	}
}
