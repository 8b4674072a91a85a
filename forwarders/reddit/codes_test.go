package reddit

import (
	"strconv"
	"strings"
	"testing"

	"subfive/forwarders"
)

// TestDictionaryIsWhatIsRead holds that each entry of a status has the class
// that an answer of it gets, from the API and from a gateway.
func TestDictionaryIsWhatIsRead(t *testing.T) {
	f := &forwarder{}
	for _, e := range dictionary() {
		if e.Code == codeInvalid || e.Code == codeCount {
			continue // they are no status: testdata/answers has them
		}
		t.Run(e.Code+"/"+e.Subcode, func(t *testing.T) {
			status, err := strconv.Atoi(strings.ReplaceAll(e.Code, "?", "7"))
			if err != nil {
				t.Fatal(err)
			}
			message := "no"
			if e.Subcode == subcodeForm {
				message = "JSON error"
			}
			body := `{"error":{"message":"` + message + `"}}`
			o := f.Read(1, forwarders.Answer{Status: status, Body: []byte(body), Sent: true}).All
			if o.Class != e.Class {
				t.Errorf("%d is read as %s, the dictionary says %s", status, o.Class, e.Class)
			}
			if got := Platform().Explain(o.Class, o.Code, o.Subcode); got.Means != e.Means || got.Do != e.Do {
				t.Errorf("%d is explained as %q", status, got.Means)
			}
			if o := f.Read(1, forwarders.Answer{Status: status, Body: []byte("<html>"), Sent: true}).All; e.Subcode == "" && o.Class != e.Class {
				t.Errorf("a page with %d is read as %s, the dictionary says %s", status, o.Class, e.Class)
			}
		})
	}
}
