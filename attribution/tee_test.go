package attribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// judged decides one postback of an endpoint that is for one offer and has a
// tee.
func judged(t *testing.T, p subfive.Postback, k subfive.Known) subfive.Batch {
	t.Helper()
	p.ID, p.NetworkID, p.ReceivedAt = "pb_1", "everflow", noon
	r := Rules{Setup: subfive.Setup{
		Endpoints: []subfive.Endpoint{{ID: "default"}, {ID: "copied", Tee: "https://old.example/p", Offers: []string{"dream"}}},
		Offers:    []subfive.Offer{{ID: "dream", Network: "everflow", NetworkOfferID: "7"}, {ID: "other", Network: "everflow", NetworkOfferID: "8"}},
	}}
	return decide([]subfive.Record{{ID: p.ID, Kind: subfive.RecordPostback, Postback: &p}}, k, r, noon)
}

func TestWhoGetsACopy(t *testing.T) {
	owed := []subfive.Tee{{PostbackID: "pb_1", EndpointID: "copied", State: subfive.TeeWaiting, MadeAt: noon, NextAttemptAt: noon}}
	tests := map[string]struct {
		postback subfive.Postback
		known    subfive.Known
		want     []subfive.Tee
	}{
		"a sale":              {subfive.Postback{EndpointID: "copied", Via: subfive.ViaS2S, TransactionID: "t1"}, subfive.Known{}, owed},
		"by a pixel":          {subfive.Postback{EndpointID: "copied", Via: subfive.ViaPixel}, subfive.Known{}, owed},
		"a test":              {subfive.Postback{EndpointID: "copied", Via: subfive.ViaS2S, IsTest: true}, subfive.Known{}, owed},
		"quarantined":         {subfive.Postback{EndpointID: "copied", Via: subfive.ViaS2S, Reading: subfive.ReadingQuarantined}, subfive.Known{}, owed},
		"recorded already":    {subfive.Postback{EndpointID: "copied", Via: subfive.ViaS2S}, subfive.Known{Stored: map[string]bool{"pb_1": true}}, nil},
		"an endpoint without": {subfive.Postback{EndpointID: "default", Via: subfive.ViaS2S, TransactionID: "t1"}, subfive.Known{}, nil},
		"from the API":        {subfive.Postback{EndpointID: "copied", Via: subfive.ViaAPI, TransactionID: "t1"}, subfive.Known{}, nil},
		"imported":            {subfive.Postback{EndpointID: "copied", Via: subfive.ViaImport, TransactionID: "t1"}, subfive.Known{}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judged(t, tt.postback, tt.known).Tees); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An offer that an endpoint was not made for is named and credited all the same.
func TestAnotherEndpointsOffer(t *testing.T) {
	tests := map[string]struct {
		endpoint, offer string
		named           bool
	}{
		"its own, by number":        {"copied", "7", false},
		"its own, by our name":      {"copied", "dream", false},
		"another's":                 {"copied", "8", true},
		"not said":                  {"copied", "", false},
		"an endpoint for all there": {"default", "8", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := judged(t, subfive.Postback{EndpointID: tt.endpoint, Via: subfive.ViaS2S, TransactionID: "t1", ClickID: "c1", NetworkOfferID: tt.offer}, subfive.Known{})
			named := false
			for _, s := range b.Postbacks[0].Trace {
				named = named || s.Step == "endpoint" && s.Result == "another offer"
			}
			if named != tt.named || b.Postbacks[0].Verdict != subfive.VerdictWaiting || len(b.Conversions) != 1 {
				t.Errorf("named: %v, verdict %s, %d conversions", named, b.Postbacks[0].Verdict, len(b.Conversions))
			}
		})
	}
}

// A conversion that came by two endpoints is recorded once, and each place that a
// person looks at says so.
func TestAlsoReceivedBy(t *testing.T) {
	b := newBook(Rules{}, subfive.Known{}, noon)
	for i, endpoint := range []string{"default", "meta-only", "meta-only"} {
		b.postback(subfive.Postback{
			ID: "pb_" + string(rune('1'+i)), NetworkID: "everflow", EndpointID: endpoint, Via: subfive.ViaS2S, ReceivedAt: noon,
			TransactionID: "t1", NetworkConversionID: "n1", Hint: "first of all",
		}, subfive.Known{})
	}
	batch := b.close()
	if len(batch.Conversions) != 1 {
		t.Fatalf("%d conversions", len(batch.Conversions))
	}
	if diff := cmp.Diff([]string{"meta-only"}, batch.Conversions[0].AlsoReceivedBy); diff != "" {
		t.Error(diff)
	}
	var hints []string
	for _, j := range batch.Postbacks {
		hints = append(hints, string(j.Verdict)+": "+j.Postback.Hint)
	}
	second := `duplicate: first of all; endpoint "default" received this conversion, too: one postback is enough, remove one at the network`
	if diff := cmp.Diff([]string{"no_click_id: first of all", second, second}, hints); diff != "" {
		t.Error(diff)
	}
}
