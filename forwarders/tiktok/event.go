package tiktok

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"subfive"
	"subfive/forwarders"
	"subfive/identity"
)

// event is one element of "data". TikTok takes keys that it does not know in
// silence: the golden files hold the names.
type event struct {
	Name       string      `json:"event"`
	Time       int64       `json:"event_time"` // Unix seconds
	ID         string      `json:"event_id"`   // a string: a number is refused
	User       userData    `json:"user"`
	Page       pageData    `json:"page"`
	Limited    *bool       `json:"limited_data_use,omitempty"`
	Properties *properties `json:"properties,omitempty"`
}

// userData is who it was: digests, but for what TikTok takes in clear.
type userData struct {
	Ttclid     string   `json:"ttclid,omitempty"`
	Ttp        string   `json:"ttp,omitempty"`
	Email      string   `json:"email,omitempty"`
	Phone      string   `json:"phone,omitempty"`
	ExternalID []string `json:"external_id,omitempty"`
	FirstName  string   `json:"first_name,omitempty"`
	LastName   string   `json:"last_name,omitempty"`
	Zip        string   `json:"zip_code,omitempty"`
	City       string   `json:"city,omitempty"`    // in clear
	State      string   `json:"state,omitempty"`   // in clear
	Country    string   `json:"country,omitempty"` // in clear
	Address    string   `json:"ip,omitempty"`
	UserAgent  string   `json:"user_agent,omitempty"`
	Locale     string   `json:"locale,omitempty"`
}

type pageData struct {
	URL      string `json:"url"`
	Referrer string `json:"referrer,omitempty"`
}

type properties struct {
	Currency string      `json:"currency,omitempty"`
	Value    json.Number `json:"value,omitempty"`
	OrderID  string      `json:"order_id,omitempty"`
}

// Event renders a delivery. It refuses what TikTok would refuse, for one bad
// event fails all that travel with it, what TikTok would take in silence and
// could do nothing with, and what the visitor did not allow.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	if err := f.check(d); err != nil {
		return nil, err
	}
	e := event{
		Name:    d.EventName,
		Time:    d.EventTime.Unix(),
		ID:      d.EventID,
		User:    user(d),
		Page:    pageData{URL: f.page(d), Referrer: f.referrer(d)},
		Limited: f.limited(d),
	}
	if e.Page.URL == "" {
		return nil, errors.New("no page to name as page.url: set default_event_source_url")
	}
	if err := e.User.check(); err != nil {
		return nil, err
	}
	var err error
	if e.Properties, err = props(d); err != nil {
		return nil, err
	}
	return forwarders.EncodeEvent(e)
}

// check refuses a delivery by what was frozen on it, and by its mode.
func (f *forwarder) check(d subfive.Delivery) error {
	switch d.Kind {
	case subfive.KindConversion, subfive.KindApproval:
	case subfive.KindRetraction:
		if d.EventName == "" || slices.Contains(standardEvents(), d.EventName) {
			return errors.New("an event can't be taken back at TikTok: set on_reversal to an event name of your own, such as Refund, or to none")
		}
	case subfive.KindRestatement:
		return errors.New("an event's value can't be changed at TikTok: set on_payout_change to none")
	}
	switch {
	case d.EventName == "":
		return errors.New("no event name")
	case d.EventID == "":
		return errors.New("no event ID: TikTok could not tell a repeat")
	case d.EventTime.Unix() <= 0:
		return errors.New("no event time")
	case d.Mode == subfive.ModeTest && f.settings.TestEventCode == "":
		return errors.New(noTestCode)
	}
	return nil
}

// standardEvents are those that TikTok optimizes for, the retired names that it
// converts into them too: one of them would add to what a reversal means to
// take away.
func standardEvents() []string {
	return []string{
		"AddPaymentInfo", "AddToCart", "AddToWishlist", "ApplicationApproval", "CompleteRegistration", "Contact",
		"CustomizeProduct", "Download", "FindLocation", "InitiateCheckout", "Lead", "Purchase", "Schedule", "Search",
		"StartTrial", "SubmitApplication", "Subscribe", "ViewContent",
		"CompletePayment", "SubmitForm", "ClickButton", "PlaceAnOrder", "Pageview",
	}
}

// limited returns limited_data_use: true where the delivery asks for it, else
// what the settings say, or nil.
func (f *forwarder) limited(d subfive.Delivery) *bool {
	if d.LimitedUse {
		yes := true
		return &yes
	}
	return f.settings.LimitedDataUse
}

// user gathers what is known of the visitor. Address and browser are the
// click's: the postback came from the network's server.
func user(d subfive.Delivery) userData {
	country := d.User[subfive.UserCountry]
	clear := func(field string) string {
		v, _ := identity.TikTok(field, d.User[field], country)
		return v
	}
	digest := func(field string) string { return identity.Hash(clear(field)) }
	u := userData{
		Ttclid:    ttclid(d),
		Ttp:       ttp(d),
		Email:     digest(subfive.UserEmail),
		Phone:     digest(subfive.UserPhone),
		FirstName: digest(subfive.UserFirstName),
		LastName:  digest(subfive.UserLastName),
		Zip:       digest(subfive.UserZip),
		City:      clear(subfive.UserCity),
		State:     clear(subfive.UserRegion),
		Country:   clear(subfive.UserCountry),
	}
	if id := digest(subfive.UserID); id != "" {
		u.ExternalID = append(u.ExternalID, id)
	}
	if c := d.Click; c != nil {
		if c.ID != "" {
			u.ExternalID = append(u.ExternalID, identity.Hash(c.ID))
		}
		u.Address = identity.Address(c.Request.ClientAddr)
		u.UserAgent = strings.ToValidUTF8(strings.TrimSpace(c.Request.UserAgent), "\uFFFD")
		u.Locale = locale(*c)
	}
	return u
}

// check refuses an event with none of the keys that TikTok matches by: it would
// be accepted and lost.
func (u userData) check() error {
	if u.Ttclid != "" || u.Ttp != "" || u.Email != "" || u.Phone != "" || u.ExternalID != nil || u.Address != "" && u.UserAgent != "" {
		return nil
	}
	return errors.New("nothing is known by which TikTok could find the visitor: no click ID, cookie, e-mail address, phone number or user ID, nor address and browser together")
}

// props returns what it was worth, and the network's order. Nothing else of the
// postback leaves: its subs may name what was advertised to whom.
func props(d subfive.Delivery) (*properties, error) {
	p := properties{OrderID: strings.ToValidUTF8(d.Conversion.OrderID, "\uFFFD")}
	if d.Value != nil {
		currency, ok := subfive.Currency(d.Value.Currency)
		if !ok {
			return nil, fmt.Errorf("currency %q is not an ISO 4217 code: convert the value first", d.Value.Currency)
		}
		if !strings.Contains(currencies, " "+currency+" ") {
			return nil, fmt.Errorf("TikTok counts no money in %s: convert the value to USD by value.multiply and value.currency", currency)
		}
		p.Currency, p.Value = currency, json.Number(d.Value.Amount.String())
	}
	if p == (properties{}) {
		return nil, nil
	}
	return &p, nil
}

// currencies are those that TikTok documents for properties.currency. What it
// does with another is documented nowhere.
const currencies = " AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL HUF IDR ILS INR ISK " +
	"JPY KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES " +
	"VND ZAR "
