package everflow

import (
	"encoding/json"
	"testing"
	"time"
)

// Whatever a row holds, it is read or refused; what is read has what is needed.
func FuzzAPIRow(f *testing.F) {
	for _, seed := range []string{
		`{"conversion_id":"c1","status":"approved","conversion_unix_timestamp":1763985600,"revenue":30.5,"is_event":false,"event":"Base"}`,
		`{"conversion_id":17,"status":"x","conversion_unix_timestamp":"1763985600","payout":1e-7,"sub5":"01jd3c4z9y8x7w6v5t4s3r2q1p"}`,
		`{"relationship":{"offer":{"network_offer_id":5}},"is_scrub":1}`, `{"relationship":[]}`, `[]`, `null`, `{"a":`,
	} {
		f.Add(seed)
	}
	api, err := NewAPI(APIConfig{Key: "k", Now: func() time.Time { return time.Unix(1_763_985_600, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, row string) {
		p, err := api.read(json.RawMessage(row))
		if err != nil {
			return
		}
		if p.NetworkConversionID == "" || p.NetworkAt.IsZero() || p.Status == "" || p.Goal() == "" {
			t.Errorf("%s is read as %+v", row, p)
		}
	})
}
