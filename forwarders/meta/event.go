package meta

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

// event is one element of "data".
type event struct {
	Name     string      `json:"event_name"`
	Time     int64       `json:"event_time"` // Unix seconds
	ID       string      `json:"event_id"`
	Source   string      `json:"action_source"`
	URL      string      `json:"event_source_url"`
	Referrer string      `json:"referrer_url,omitempty"`
	Options  []string    `json:"data_processing_options,omitzero"`
	Country  *int        `json:"data_processing_options_country,omitempty"`
	State    *int        `json:"data_processing_options_state,omitempty"`
	User     userData    `json:"user_data"`
	Custom   *customData `json:"custom_data,omitempty"`
}

// userData is who it was: digests in lists, the rest as it came.
type userData struct {
	Email      []string `json:"em,omitempty"`
	Phone      []string `json:"ph,omitempty"`
	FirstName  []string `json:"fn,omitempty"`
	LastName   []string `json:"ln,omitempty"`
	Gender     []string `json:"ge,omitempty"`
	Birthdate  []string `json:"db,omitempty"`
	City       []string `json:"ct,omitempty"`
	Region     []string `json:"st,omitempty"`
	Zip        []string `json:"zp,omitempty"`
	Country    []string `json:"country,omitempty"`
	ExternalID []string `json:"external_id,omitempty"`
	Address    string   `json:"client_ip_address,omitempty"`
	UserAgent  string   `json:"client_user_agent,omitempty"`
	Fbc        string   `json:"fbc,omitempty"`
	Fbp        string   `json:"fbp,omitempty"`
}

type customData struct {
	Currency string      `json:"currency,omitempty"`
	Value    json.Number `json:"value,omitempty"`
	OrderID  string      `json:"order_id,omitempty"`
}

// Event renders a delivery. It refuses what Meta would refuse, for one bad event
// fails all that travel with it. Age is not its affair: it knows no clock, and the
// delivery's deadline sees to it.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	if err := f.check(d); err != nil {
		return nil, err
	}
	e := event{
		Name:     d.EventName,
		Time:     d.EventTime.Unix(),
		ID:       d.EventID,
		Source:   "website",
		URL:      f.page(d),
		Referrer: f.referrer(d),
		User:     user(d),
	}
	if e.URL == "" {
		return nil, errors.New("no page to name as event_source_url: set default_event_source_url")
	}
	if err := e.User.check(); err != nil {
		return nil, err
	}
	if err := f.limit(&e, d.LimitedUse); err != nil {
		return nil, err
	}
	var err error
	if e.Custom, err = custom(d); err != nil {
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
			return errors.New("an event can't be taken back at Meta: set on_reversal to an event name of your own, such as Refund, or to none")
		}
	case subfive.KindRestatement:
		return errors.New("an event's value can't be changed at Meta: set on_payout_change to none")
	}
	switch {
	case d.EventName == "":
		return errors.New("no event name")
	case d.EventID == "":
		return errors.New("no event ID: Meta could not tell a repeat")
	case d.EventTime.Unix() <= 0:
		return errors.New("no event time")
	case d.Mode == subfive.ModeTest && f.settings.TestEventCode == "":
		return errors.New(noTestCode)
	}
	return nil
}

// standardEvents are those that Meta optimizes for: one of them would add to
// what a reversal means to take away.
func standardEvents() []string {
	return []string{
		"PageView", "ViewContent", "Search", "AddToCart", "AddToWishlist", "InitiateCheckout", "AddPaymentInfo",
		purchase, "Lead", "CompleteRegistration", "Contact", "CustomizeProduct", "Donate", "FindLocation", "Schedule",
		"StartTrial", "SubmitApplication", "Subscribe",
	}
}

const purchase = "Purchase"

// limit sets the data processing options: Limited Data Use where the settings or
// the delivery ask for it. Where Meta shall find out the state, it does so by the
// visitor's address.
func (f *forwarder) limit(e *event, limited bool) error {
	s := f.settings
	e.Options = s.ProcessingOptions
	if limited {
		e.Options = []string{limitedDataUse}
	}
	if len(e.Options) == 0 {
		return nil
	}
	e.Country, e.State = s.ProcessingCountry, s.ProcessingState
	if e.Country == nil {
		e.Country, e.State = new(int), new(int)
	}
	return f.Limits("", e.User.Address)
}

// Limits reports whether the state is set, or there is an address by which Meta
// finds it out.
func (f *forwarder) Limits(_, address string) error {
	if state := f.settings.ProcessingState; (state == nil || *state == 0) && identity.Address(address) == "" {
		return errors.New("limited data use: the visitor's address is unknown, and data_processing_options_state is not set")
	}
	return nil
}

// user gathers what is known of the visitor. Address and browser are the
// click's: the postback came from the network's server.
func user(d subfive.Delivery) userData {
	country := d.User[subfive.UserCountry]
	digest := func(field string) []string {
		v, ok := identity.Meta(field, d.User[field], country)
		if !ok {
			return nil
		}
		return []string{identity.Hash(v)}
	}
	u := userData{
		Email:      digest(subfive.UserEmail),
		Phone:      digest(subfive.UserPhone),
		FirstName:  digest(subfive.UserFirstName),
		LastName:   digest(subfive.UserLastName),
		Gender:     digest(subfive.UserGender),
		Birthdate:  digest(subfive.UserBirthdate),
		City:       digest(subfive.UserCity),
		Region:     digest(subfive.UserRegion),
		Zip:        digest(subfive.UserZip),
		Country:    digest(subfive.UserCountry),
		ExternalID: digest(subfive.UserID),
		Fbc:        fbc(d),
		Fbp:        fbp(d),
	}
	if c := d.Click; c != nil {
		if c.ID != "" {
			u.ExternalID = append(u.ExternalID, identity.Hash(c.ID))
		}
		u.Address = identity.Address(c.Request.ClientAddr)
		u.UserAgent = strings.ToValidUTF8(strings.TrimSpace(c.Request.UserAgent), "\uFFFD")
	}
	return u
}

// check refuses too little: Meta calls an event invalid whose keys all lie in
// one of these sets (error 100, subcode 2804050).
func (u userData) check() error {
	has := u.keys()
	for _, tooLittle := range [][]string{
		{"ct", "country", "st", "zp", "ge", "client_user_agent"},
		{"db", "client_user_agent"},
		{"fn", "ge"},
		{"ln", "ge"},
	} {
		if !slices.ContainsFunc(has, func(key string) bool { return !slices.Contains(tooLittle, key) }) {
			if len(has) == 0 {
				return errors.New("nothing is known of the visitor: no click, no user data")
			}
			return fmt.Errorf("too little is known of the visitor for Meta: only %s", strings.Join(has, ", "))
		}
	}
	return nil
}

// keys returns Meta's names of what is there.
func (u userData) keys() []string {
	all := []struct {
		key   string
		known bool
	}{
		{"em", u.Email != nil},
		{"ph", u.Phone != nil},
		{"fn", u.FirstName != nil},
		{"ln", u.LastName != nil},
		{"ge", u.Gender != nil},
		{"db", u.Birthdate != nil},
		{"ct", u.City != nil},
		{"st", u.Region != nil},
		{"zp", u.Zip != nil},
		{"country", u.Country != nil},
		{"external_id", u.ExternalID != nil},
		{"client_ip_address", u.Address != ""},
		{"client_user_agent", u.UserAgent != ""},
		{"fbc", u.Fbc != ""},
		{"fbp", u.Fbp != ""},
	}
	var has []string
	for _, k := range all {
		if k.known {
			has = append(has, k.key)
		}
	}
	return has
}

// custom returns what it was worth, and the network's order. Nothing else of
// the postback leaves: its subs may name what was advertised to whom.
func custom(d subfive.Delivery) (*customData, error) {
	c := customData{OrderID: strings.ToValidUTF8(d.Conversion.OrderID, "\uFFFD")}
	if d.Value != nil {
		currency, ok := subfive.Currency(d.Value.Currency)
		if !ok {
			return nil, fmt.Errorf("currency %q is not an ISO 4217 code: convert the value first", d.Value.Currency)
		}
		c.Currency, c.Value = currency, json.Number(d.Value.Amount.String())
	}
	if c.Value == "" && d.EventName == purchase {
		return nil, errors.New("a Purchase needs a value and a currency: the conversion has none")
	}
	if c == (customData{}) {
		return nil, nil
	}
	return &c, nil
}
