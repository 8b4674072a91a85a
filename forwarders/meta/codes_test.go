package meta

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"subfive/forwarders"
)

// TestDictionaryIsWhatIsRead holds that each entry of a number has the class
// that an answer of it gets.
func TestDictionaryIsWhatIsRead(t *testing.T) {
	f := &forwarder{}
	fill := strings.NewReplacer("[0-4]", "3", "?", "7", "-*", "-3")
	for _, e := range dictionary() {
		t.Run(e.Code+"/"+e.Subcode, func(t *testing.T) {
			if e.Class == "" || e.Code == codeCount {
				return // read by the status, or from a success
			}
			body := fmt.Sprintf(`{"error":{"message":"x","code":%s,"error_subcode":%s}}`, fill.Replace(e.Code), cmp.Or(e.Subcode, "0"))
			o := f.Read(1, forwarders.Answer{Status: 400, Body: []byte(body), At: noon, Sent: true}).All
			if o.Class != e.Class {
				t.Errorf("%s is read as %s, the dictionary says %s", body, o.Class, e.Class)
			}
			if got := Platform().Explain(o.Class, o.Code, o.Subcode); got.Means != e.Means || got.Do != e.Do {
				t.Errorf("%s is explained as %q", body, got.Means)
			}
		})
	}
}
