package sheets

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"subfive"
	"subfive/forwarders"
)

// maxCell is how many characters a cell holds. Google's editor says so; a longer
// one fails the whole request.
const maxCell = 50_000

// row is one conversion by the names of its columns: texts, numbers and
// booleans. What is not known is not there.
type row map[string]any

// Event renders a delivery as a row. It refuses what a sheet can't hold.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	switch {
	case d.EventID == "":
		return nil, errors.New("no event ID: the script could not tell a repeat")
	case d.EventTime.IsZero():
		return nil, errors.New("no event time")
	}
	r := row{}
	r.addEvent(d)
	r.addConversion(d.Conversion)
	if d.Click != nil {
		r.addClick(*d.Click)
	}
	if f.settings.AllowSensitive {
		for name, v := range d.Conversion.Subs {
			r.text(name, v)
		}
	}
	for name, v := range r {
		if text, ok := v.(string); ok && utf8.RuneCountInString(text) > maxCell {
			return nil, fmt.Errorf("%s has more than %d characters, which is all that a cell holds", name, maxCell)
		}
	}
	return forwarders.EncodeEvent(r)
}

func (r row) addEvent(d subfive.Delivery) {
	r.text("id", rowID(d))
	r.text("kind", string(d.Kind))
	r["test"] = d.Mode == subfive.ModeTest
	r.text("event_name", d.EventName)
	r.moment("event_time", d.EventTime)
	if d.Value != nil {
		r.amount("value", &d.Value.Amount)
		r.text("value_currency", d.Value.Currency)
	}
	r.text("conversion_id", d.ConversionID)
}

// rowID is what the script deduplicates by: the event ID, and for a later
// restatement its generation too. A conversion may be restated many times under
// one event ID, and each time is a row.
func rowID(d subfive.Delivery) string {
	if d.Kind == subfive.KindRestatement && d.Generation > 1 {
		return d.EventID + "-" + strconv.Itoa(d.Generation)
	}
	return d.EventID
}

func (r row) addConversion(c subfive.Conversion) {
	r.text("network_id", c.NetworkID)
	r.text("transaction_id", c.TransactionID)
	r.text("order_id", c.OrderID)
	r.text("goal", c.Goal())
	r.text("status", string(c.Status))
	if c.Seq > 0 {
		r["seq"] = c.Seq
	}
	r.moment("converted_at", c.ConvertedAt)
	r.amount("payout", c.Payout)
	r.amount("sale_amount", c.SaleAmount)
	r.text("currency", c.Currency)
	r.text("campaign_id", c.CampaignID)
	r.text("source_id", c.SourceID)
	r.text("offer_id", c.OfferID)
	r.text("network_offer_id", c.NetworkOfferID)
	r.text("click_id", c.ReceivedClickID)
	r.text("click_id", c.AttributedClickID)
	if c.DirectParam != "" {
		r.text("param."+c.DirectParam, c.DirectValue)
	}
}

func (r row) addClick(c subfive.Click) {
	r.text("click_id", c.ID)
	r.moment("clicked_at", c.ClickedAt)
	r.text("platform", c.Platform)
	r.text("landing_id", c.LandingID)
	for name, v := range c.Params {
		r.text("param."+name, v)
	}
}

// text sets a column, unless there is nothing to say.
func (r row) text(name, v string) {
	if v != "" {
		r[name] = v
	}
}

func (r row) moment(name string, at time.Time) {
	if !at.IsZero() {
		r[name] = at.UTC().Format(time.RFC3339)
	}
}

// amount sets a column to a number, so that no sheet's language takes its point
// for something else.
func (r row) amount(name string, m *subfive.Micros) {
	if m != nil {
		r[name] = json.Number(m.String())
	}
}
