package relay

import (
	"strconv"
	"strings"
	"testing"

	"subfive/forwarders"
)

// TestDictionaryIsWhatIsRead holds that each status has the class that the
// dictionary says.
func TestDictionaryIsWhatIsRead(t *testing.T) {
	f := &forwarder{}
	for _, e := range dictionary() {
		if e.Code == codeNotSuccess {
			continue // testdata/answers has it
		}
		t.Run(e.Code, func(t *testing.T) {
			status, err := strconv.Atoi(strings.NewReplacer("http_", "", "?", "7", "*", "503").Replace(e.Code))
			if err != nil {
				t.Fatal(err)
			}
			o := f.Read(1, forwarders.Answer{Status: status, Sent: true}).All
			if o.Class != e.Class {
				t.Errorf("%d is read as %s, the dictionary says %s", status, o.Class, e.Class)
			}
			if got := Platform().Explain(o.Class, o.Code, ""); got.Means != e.Means || got.Do != e.Do {
				t.Errorf("%d is explained as %q", status, got.Means)
			}
		})
	}
}
