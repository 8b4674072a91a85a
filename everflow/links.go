package everflow

import (
	"net/url"
	"strings"

	"subfive"
)

// Options say which postback URL is wanted.
type Options struct {
	// Offer is the offer of a Specific postback; the zero Offer makes the URL of
	// a Global one. Only its ClickSlot is used: the slot of the tracking link
	// that carries our click ID, sub5 when empty.
	Offer subfive.Offer
	// ConversionID adds {conversion_id}, the best key there is. Ask for it only
	// when the network's macro list offers it: Everflow sends an unknown macro as
	// it stands.
	ConversionID bool
}

// PostbackURL returns the URL to paste into Everflow's postback form, its
// braces unencoded as Everflow wants them. The first four parameters are those
// of the network's guide; the goal and the sale amount tell upsells and renewals
// apart, which share a transaction_id.
func PostbackURL(publicURL string, e subfive.Endpoint, o Options) string {
	slot := slotOf(o.Offer)
	param := e.ClickParam
	if param == "" {
		param = "click_id"
	}
	query := []string{
		url.QueryEscape(param) + "={" + slot + "}",
		"payout={payout}",
		"offer_id={offer_id}",
		"tx_id={transaction_id}",
	}
	if e.Key != "" {
		query = append(query, "key="+url.QueryEscape(e.Key))
	}
	query = append(query, "event_id={event_id}", "event_name={event_name}", "sale_amount={sale_amount}")
	if o.ConversionID {
		query = append(query, "conversion_id={conversion_id}")
	}
	path := "/conversion"
	if e.ID != "" && e.ID != subfive.DefaultEndpoint {
		path += "/" + url.PathEscape(e.ID)
	}
	return strings.TrimRight(publicURL, "/") + path + "?" + strings.Join(query, "&")
}

// Extras are the macros worth adding to a PostbackURL, the surest first: what
// tells conversions apart or explains them, and is not in the URL yet.
func Extras(macros []Macro) []Macro {
	var all []Macro
	for _, confidence := range []Confidence{Confirmed, Likely, Unclear} {
		for _, name := range []string{
			"conversion_id", "order_id", "currency", "coupon_code", "is_event", "sub1", "sub2", "sub3", "sub4", "source_id", "adv1",
		} {
			for _, m := range macros {
				if m.Name == name && m.Confidence == confidence {
					all = append(all, m)
				}
			}
		}
	}
	return all
}
