package everflow

import (
	"testing"

	"subfive"
)

func TestPostbackURL(t *testing.T) {
	const site = "https://trk.example.com"
	tests := map[string]struct {
		publicURL string
		endpoint  subfive.Endpoint
		options   Options
		want      string
	}{
		"global": {
			site,
			subfive.Endpoint{ID: "default", ClickParam: "click_id"},
			Options{},
			site + "/conversion?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}" +
				"&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}",
		},
		"specific, offer with its own slot, endpoint with a key": {
			site,
			subfive.Endpoint{ID: "meta-only", Key: "s3cr&t"},
			Options{Offer: subfive.Offer{ClickSlot: "sub3"}},
			site + "/conversion/meta-only?click_id={sub3}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}" +
				"&key=s3cr%26t&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}",
		},
		"conversion ID asked for, slash after the host, other parameter": {
			site + "/",
			subfive.Endpoint{ClickParam: "cid"},
			Options{ConversionID: true},
			site + "/conversion?cid={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}" +
				"&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}&conversion_id={conversion_id}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := PostbackURL(test.publicURL, test.endpoint, test.options); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}
