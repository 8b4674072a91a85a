package reddit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"subfive"
	"subfive/forwarders"
	"subfive/identity"
)

// event is one element of "data.events". Reddit refuses a key it does not know,
// and the whole request with it.
type event struct {
	At       int64     `json:"event_at"` // Unix milliseconds
	Source   string    `json:"action_source"`
	URL      string    `json:"event_source_url,omitempty"`
	Type     eventType `json:"type"`
	ClickID  string    `json:"click_id,omitempty"`
	User     *user     `json:"user,omitempty"`
	Metadata metadata  `json:"metadata"`
}

// user is who it was: digests, and the rest as it came.
type user struct {
	Email      string             `json:"email,omitempty"`
	Phone      string             `json:"phone_number,omitempty"`
	ExternalID string             `json:"external_id,omitempty"`
	Address    string             `json:"ip_address,omitempty"`
	UserAgent  string             `json:"user_agent,omitempty"`
	UUID       string             `json:"uuid,omitempty"`
	Options    *processingOptions `json:"data_processing_options,omitempty"`
}

type processingOptions struct {
	Modes   []string `json:"modes"`
	Country string   `json:"country"`
	Region  string   `json:"region,omitempty"`
}

type metadata struct {
	ConversionID string      `json:"conversion_id"`
	Value        json.Number `json:"value,omitempty"` // in the currency's major unit
	Currency     string      `json:"currency,omitempty"`
}

// Event renders a delivery. It refuses what Reddit would refuse, for one bad
// event fails all that travel with it. Age is not its affair: it knows no clock,
// and the delivery's deadline sees to it.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	kind, err := f.check(d)
	if err != nil {
		return nil, err
	}
	e := event{
		Source:   "WEBSITE",
		URL:      f.page(d),
		Type:     kind,
		ClickID:  clickID(d),
		Metadata: metadata{ConversionID: d.EventID},
	}
	if e.At, err = eventAt(d); err != nil {
		return nil, err
	}
	who := userOf(d)
	if e.ClickID == "" && !who.known() {
		return nil, errors.New("nothing is known that Reddit could match by: no rdt_cid, no _rdt_uuid, " +
			"no email, phone or user ID, and not both address and user agent")
	}
	if who.Options, err = f.limit(d); err != nil {
		return nil, err
	}
	if who != (user{}) {
		e.User = &who
	}
	if err := e.Metadata.worth(kind, d.Value); err != nil {
		return nil, err
	}
	return forwarders.EncodeEvent(e)
}

// check refuses a delivery by what was frozen on it, and by its mode, and
// returns the type of the event it is.
func (f *forwarder) check(d subfive.Delivery) (eventType, error) {
	kind, err := typeOf(d.EventName)
	switch d.Kind {
	case subfive.KindConversion, subfive.KindApproval:
	case subfive.KindRetraction:
		if d.EventName == "" || err == nil && kind.Tracking != custom {
			return kind, errors.New("an event can't be taken back at Reddit: set on_reversal to an event name of your own, such as Refund, or to none")
		}
	case subfive.KindRestatement:
		return kind, errors.New("an event's value can't be changed at Reddit: set on_payout_change to none")
	}
	switch {
	case err != nil:
		return kind, err
	case d.EventID == "":
		return kind, errors.New("no event ID: Reddit could not tell a repeat")
	case d.Mode == subfive.ModeTest && f.settings.TestID == "":
		return kind, errors.New(noTestID)
	}
	return kind, nil
}

// eventAt returns when it happened, in milliseconds, and never later than when
// the delivery was made: an event of the future fails its whole request, and a
// network's clock may be ahead.
func eventAt(d subfive.Delivery) (int64, error) {
	at := d.EventTime
	if !d.CreatedAt.IsZero() && at.After(d.CreatedAt) {
		at = d.CreatedAt
	}
	if at.Before(time.UnixMilli(1e12)) { // fewer digits, and Reddit would read seconds
		return 0, errors.New("no event time, or one before 2001-09-09")
	}
	return at.UnixMilli(), nil
}

// limit returns the data processing options: Limited Data Use where the
// settings or the delivery ask for it, else nil. Reddit wants the country with
// it: the settings', else the visitor's.
func (f *forwarder) limit(d subfive.Delivery) (*processingOptions, error) {
	s := f.settings
	if len(s.ProcessingOptions) == 0 && !d.LimitedUse {
		return nil, nil
	}
	o := processingOptions{Modes: []string{limitedDataUse}, Country: s.ProcessingCountry, Region: s.ProcessingRegion}
	if o.Country == "" && d.Click != nil {
		o.Country = strings.ToUpper(identity.Country(d.Click.Visitor.Country))
	}
	if o.Country == "" {
		o.Country = strings.ToUpper(identity.Country(d.User[subfive.UserCountry]))
	}
	if err := f.Limits(o.Country, ""); err != nil {
		return nil, err
	}
	return &o, nil
}

// Limits reports whether there is a country to limit the use of data by.
func (f *forwarder) Limits(country, _ string) error {
	if country == "" && f.settings.ProcessingCountry == "" {
		return errors.New("limited data use: the visitor's country is unknown, and Reddit wants one: set data_processing_options_country")
	}
	return nil
}

// userOf gathers what is known of the visitor. Address and browser are the
// click's: the postback came from the network's server.
func userOf(d subfive.Delivery) user {
	country := d.User[subfive.UserCountry]
	digest := func(field string) string {
		v, _ := identity.Reddit(field, d.User[field], country)
		return identity.Hash(v)
	}
	u := user{
		Email:      digest(subfive.UserEmail),
		Phone:      digest(subfive.UserPhone),
		ExternalID: digest(subfive.UserID),
		UUID:       uuid(d),
	}
	if c := d.Click; c != nil {
		u.Address = identity.Address(c.Request.ClientAddr)
		if agent := strings.TrimSpace(c.Request.UserAgent); !identity.IsHash(agent) { // a digest is no browser
			u.UserAgent = strings.ToValidUTF8(agent, "\uFFFD")
		}
	}
	return u
}

// known reports whether there is something to match by. An address without a
// browser, or a browser without an address, is shared by too many.
func (u user) known() bool {
	return u.Email != "" || u.Phone != "" || u.ExternalID != "" || u.UUID != "" || u.Address != "" && u.UserAgent != ""
}

// worth sets value and currency, where the type may have them. A value in no
// currency is refused: Reddit would take it for one in the account's.
func (m *metadata) worth(kind eventType, value *subfive.Money) error {
	if value == nil || !kind.valued {
		return nil
	}
	currency, ok := subfive.Currency(value.Currency)
	switch {
	case !ok:
		return fmt.Errorf("currency %q is not an ISO 4217 code", value.Currency)
	case value.Amount < 0:
		return fmt.Errorf("value %s is negative, which Reddit refuses", value.Amount)
	}
	m.Value, m.Currency = json.Number(value.Amount.String()), currency
	return nil
}
