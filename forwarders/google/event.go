package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"subfive"
	"subfive/identity"
)

// What Google's ads leave behind: the ID of a click, and the two that stand in
// for it where Apple's rules forbid one.
const (
	paramGCLID  = "gclid"
	paramGBRAID = "gbraid"
	paramWBRAID = "wbraid"
)

// event is one element of "events". Google refuses a key it does not know.
type event struct {
	References  []string      `json:"destinationReferences"`
	Transaction string        `json:"transactionId"`
	At          string        `json:"eventTimestamp"` // RFC 3339
	Source      string        `json:"eventSource"`
	Ad          adIdentifiers `json:"adIdentifiers,omitzero"`
	User        *userData     `json:"userData,omitempty"`
	Consent     consent       `json:"consent,omitzero"`
	Value       json.Number   `json:"conversionValue,omitempty"` // in the currency's major unit
	Currency    string        `json:"currency,omitempty"`
}

// adIdentifiers is the click: one of its three IDs, and the browser it came from.
type adIdentifiers struct {
	GCLID  string `json:"gclid,omitempty"`
	GBRAID string `json:"gbraid,omitempty"`
	WBRAID string `json:"wbraid,omitempty"`
	Device device `json:"landingPageDeviceInfo,omitzero"`
}

type device struct {
	UserAgent string `json:"userAgent,omitempty"`
	IPAddress string `json:"ipAddress,omitempty"`
}

type consent struct {
	UserData        string `json:"adUserData,omitempty"`
	Personalization string `json:"adPersonalization,omitempty"`
}

// Event renders a delivery. It refuses what Google would refuse, for one bad
// event fails all that travel with it, and what the visitor did not allow.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	if err := f.check(d); err != nil {
		return nil, err
	}
	at, err := eventAt(d)
	if err != nil {
		return nil, err
	}
	e := event{References: []string{reference}, Transaction: transaction(d), At: at, Source: "WEB", Consent: consentOf(d.Click)}
	e.Ad.identify(d)
	if f.settings.UserData && e.Ad.GBRAID+e.Ad.WBRAID == "" {
		e.User = userOf(d.User)
	}
	if e.Ad == (adIdentifiers{}) && e.User == nil {
		return nil, errors.New("nothing is known that Google could match by: no gclid, gbraid or wbraid, " + f.noUser())
	}
	e.Ad.Device = f.deviceOf(d)
	if err := e.worth(d.Value); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // what Google gave goes back as it was
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("render event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (f *forwarder) noUser() string {
	if f.settings.UserData {
		return "and no email, phone or full postal address"
	}
	return "and user_data is off"
}

// check refuses a delivery by what was frozen on it and by consent.
func (f *forwarder) check(d subfive.Delivery) error {
	switch d.Kind {
	case subfive.KindConversion, subfive.KindApproval:
	case subfive.KindRestatement:
		if d.Value == nil {
			return errors.New("no value to change the conversion's to")
		}
	case subfive.KindRetraction:
		return errors.New("a conversion can't be taken back through the Data Manager API: set on_reversal to none and retract it in Google Ads")
	}
	switch {
	case d.EventID == "":
		return errors.New("no event ID: Google could not tell a repeat")
	case !utf8.ValidString(d.EventID):
		return errors.New("the event ID is not UTF-8")
	case d.Click != nil && latest(d).Sub(d.Click.ClickedAt) > maxAge:
		return errors.New("the click is more than 90 days old, and Google takes nothing of it any more")
	}
	for _, s := range f.settings.RefuseWhen {
		if said(d.Click, s) {
			return fmt.Errorf("the visitor's click says %q, and refuse_when lists it", string(s))
		}
	}
	return nil
}

// transaction returns the ID that Google tells repeats by. A restatement bears
// the conversion's: under one of its own it would be another conversion.
func transaction(d subfive.Delivery) string {
	if d.Kind == subfive.KindRestatement {
		return strings.TrimSuffix(d.EventID, "-"+string(subfive.KindRestatement))
	}
	return d.EventID
}

// latest is when it is told, or happened if that is not known.
func latest(d subfive.Delivery) time.Time {
	if d.CreatedAt.After(d.EventTime) {
		return d.CreatedAt
	}
	return d.EventTime
}

// eventAt returns when it happened, to the millisecond, so that it stays after
// its click; and never later than when the delivery was made, for a network's
// clock may be ahead.
func eventAt(d subfive.Delivery) (string, error) {
	at := d.EventTime
	if !d.CreatedAt.IsZero() && at.After(d.CreatedAt) {
		at = d.CreatedAt
	}
	if at.Year() < 2000 || at.Year() > 9999 {
		return "", errors.New("no event time, or one before the year 2000")
	}
	return at.UTC().Format("2006-01-02T15:04:05.999Z07:00"), nil
}

// said reports whether a click carries the signal.
func said(c *subfive.Click, s signal) bool {
	if c == nil {
		return false
	}
	switch s {
	case signalDenied:
		return strings.EqualFold(c.Consent["consent_ad_user_data"], "denied")
	case signalGPC:
		return c.Consent["sec_gpc"] == "1"
	case signalGPP:
		return c.Consent["gpp"] != ""
	}
	return false
}

// consentOf returns what the visitor said in so many words. What was not said
// stays open: it is never taken for granted.
func consentOf(c *subfive.Click) consent {
	if c == nil {
		return consent{}
	}
	word := func(name string) string {
		switch strings.ToLower(c.Consent[name]) {
		case "granted":
			return "CONSENT_GRANTED"
		case "denied":
			return "CONSENT_DENIED"
		}
		return ""
	}
	return consent{word("consent_ad_user_data"), word("consent_ad_personalization")}
}

// identify sets the click's ID, byte for byte: Google takes one alone, and a
// gclid says more than the others. In direct mode the network brings it and
// nobody saw the click.
func (a *adIdentifiers) identify(d subfive.Delivery) {
	for _, p := range []struct {
		param string
		into  *string
	}{{paramGCLID, &a.GCLID}, {paramGBRAID, &a.GBRAID}, {paramWBRAID, &a.WBRAID}} {
		id := ""
		if d.Click != nil {
			id = d.Click.Params[p.param]
		}
		if id == "" && d.Conversion.DirectParam == p.param {
			id = d.Conversion.DirectValue
		}
		if id != "" && utf8.ValidString(id) {
			*p.into = id
			return
		}
	}
}

// notOfUse are the countries whose visitors' addresses Google does not use and
// does not want: the European Economic Area, the United Kingdom, Switzerland.
const notOfUse = " AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "

// deviceOf returns the browser of the click: the postback came from the
// network's server. The address goes along only where the buyer wants it to.
func (f *forwarder) deviceOf(d subfive.Delivery) device {
	if d.Click == nil {
		return device{}
	}
	var v device
	if agent := strings.TrimSpace(d.Click.Request.UserAgent); !identity.IsHash(agent) { // a digest is no browser
		v.UserAgent = strings.ToValidUTF8(agent, "\uFFFD")
	}
	country, _ := identity.Google(subfive.UserCountry, d.User[subfive.UserCountry], "")
	if f.settings.IPAddress && (country == "" || !strings.Contains(notOfUse, " "+country+" ")) {
		v.IPAddress = identity.Address(d.Click.Request.ClientAddr)
	}
	return v
}

// worth sets value and currency. A value in no currency is refused: Google would
// take it for one in the account's.
func (e *event) worth(value *subfive.Money) error {
	if value == nil {
		return nil
	}
	currency, ok := subfive.Currency(value.Currency)
	switch {
	case !ok:
		return fmt.Errorf("currency %q is not an ISO 4217 code", value.Currency)
	case value.Amount < 0:
		return fmt.Errorf("value %s is negative", value.Amount)
	}
	e.Value, e.Currency = json.Number(value.Amount.String()), currency
	return nil
}

// userData is who it was.
type userData struct {
	Identifiers []userIdentifier `json:"userIdentifiers"`
}

// userIdentifier is exactly one of its fields; email and phone are digests.
type userIdentifier struct {
	Email   string   `json:"emailAddress,omitempty"`
	Phone   string   `json:"phoneNumber,omitempty"`
	Address *address `json:"address,omitempty"`
}

// address is of use only when complete. The names are digests.
type address struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
	RegionCode string `json:"regionCode"`
	PostalCode string `json:"postalCode"`
}

// userOf gathers what is known of the visitor, nil for nothing.
func userOf(user map[string]string) *userData {
	clear := func(field string) string {
		v, _ := identity.Google(field, user[field], user[subfive.UserCountry])
		return v
	}
	all := []userIdentifier{{Email: identity.Hash(clear(subfive.UserEmail))}, {Phone: identity.Hash(clear(subfive.UserPhone))}}
	a := address{
		identity.Hash(clear(subfive.UserFirstName)), identity.Hash(clear(subfive.UserLastName)),
		clear(subfive.UserCountry), clear(subfive.UserZip),
	}
	if a.GivenName != "" && a.FamilyName != "" && a.RegionCode != "" && a.PostalCode != "" {
		all = append(all, userIdentifier{Address: &a})
	}
	all = slices.DeleteFunc(all, func(u userIdentifier) bool { return u == (userIdentifier{}) })
	if len(all) == 0 {
		return nil
	}
	return &userData{all}
}
