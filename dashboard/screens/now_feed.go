package screens

import (
	"net/url"
	"time"
)

// justIn are the postbacks that came last.
type justIn struct {
	Items []arrival
}

// arrival is one postback, and what it came to.
type arrival struct {
	ID           string    `json:"postback_id"`
	At           time.Time `json:"received_at"`
	Verdict      string    `json:"verdict"`
	Hint         string    `json:"hint"`
	Payout       *string   `json:"payout"`
	Currency     *string   `json:"payout_currency"`
	Goal         string    `json:"goal"`
	Status       string    `json:"network_status"`
	ConversionID string    `json:"conversion_id"`
	// Said is a line about it.
	Said string `json:"-"`
}

// Story is what its story is found by.
func (a arrival) Story() string {
	if a.ConversionID != "" {
		return a.ConversionID
	}
	return a.ID
}

// Money is what it pays, "" where that is not counted.
func (a arrival) Money() string {
	switch a.Verdict {
	case "duplicate", "status_change", "test", "not_a_conversion", "broken":
		return ""
	}
	if a.Payout == nil {
		return ""
	}
	currency := ""
	if a.Currency != nil {
		currency = *a.Currency
	}
	return money(*a.Payout, currency)
}

const justInRows = "10"

// justIn asks for the last postbacks, and for the conversions that they made.
func (r *request) justIn() (justIn, error) {
	var feed justIn
	if err := r.get("/postbacks", url.Values{"limit": {justInRows}}, &feed); err != nil {
		return feed, err
	}
	var made struct {
		Items []struct {
			ID       string  `json:"conversion_id"`
			Offer    *string `json:"offer_id"`
			Campaign *string `json:"campaign_id"`
			Currency *string `json:"payout_currency"`
		}
	}
	if len(feed.Items) > 0 {
		if err := r.get("/conversions", url.Values{"limit": {justInRows}}, &made); err != nil {
			return feed, err
		}
	}
	of, currencies := map[string]string{}, map[string]*string{}
	for _, c := range made.Items {
		of[c.ID], currencies[c.ID] = together(" · ", c.Offer, c.Campaign), c.Currency
	}
	for i := range feed.Items {
		a := &feed.Items[i]
		a.Said = a.line(of[a.ConversionID])
		if a.Currency == nil || *a.Currency == "" { // the postback did not say
			a.Currency = currencies[a.ConversionID]
		}
	}
	return feed, nil
}

// together joins the texts that there are.
func together(sep string, texts ...*string) (all string) {
	for _, t := range texts {
		if t == nil || *t == "" {
			continue
		}
		if all != "" {
			all += sep
		}
		all += *t
	}
	return all
}

// line says about a postback what its verdict leaves open.
func (a arrival) line(credited string) string {
	if a.Goal != "" && a.Goal != "base" {
		credited = together(" · ", &credited, &a.Goal)
	}
	switch a.Verdict {
	case "matched", "direct", "outside_window", "before_click":
		return credited
	case "waiting":
		return "no such click yet"
	case "unmatched":
		return "its click never came"
	case "duplicate":
		return "of one that is there already"
	case "possible_duplicate":
		return "it counts as nothing until someone decides"
	case "status_change":
		return "now " + a.Status
	case "payout_change":
		return "the payout is another now"
	case "test":
		return "it counts nowhere"
	}
	return a.Hint
}
