package google

import (
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

// clickID is the click by one of its three IDs: Google takes one alone. Both APIs
// call them alike.
type clickID struct {
	GCLID  string `json:"gclid,omitempty"`
	GBRAID string `json:"gbraid,omitempty"`
	WBRAID string `json:"wbraid,omitempty"`
}

// clickOf returns the click's ID, byte for byte. A gclid says more than the
// others. In direct mode the network brings it and nobody saw the click.
func clickOf(d subfive.Delivery) clickID {
	for _, param := range []string{paramGCLID, paramGBRAID, paramWBRAID} {
		id := ""
		if d.Click != nil {
			id = d.Click.Params[param]
		}
		if id == "" && d.Conversion.DirectParam == param {
			id = d.Conversion.DirectValue
		}
		if id == "" || !utf8.ValidString(id) {
			continue
		}
		switch param {
		case paramGCLID:
			return clickID{GCLID: id}
		case paramGBRAID:
			return clickID{GBRAID: id}
		}
		return clickID{WBRAID: id}
	}
	return clickID{}
}

// standsIn reports whether it is one that takes no user data beside it.
func (c clickID) standsIn() bool { return c.GBRAID+c.WBRAID != "" }

// check refuses a delivery by what was frozen on it.
func check(d subfive.Delivery) error {
	switch {
	case d.EventID == "":
		return errors.New("no event ID: Google could not tell a repeat")
	case !utf8.ValidString(d.EventID):
		return errors.New("the event ID is not UTF-8")
	case d.Kind == subfive.KindRestatement && d.Value == nil:
		return errors.New("no value to change the conversion's to")
	case follows(d.Kind) && d.ConversionID == "":
		return errors.New("no conversion ID: Google could not tell which conversion it is about")
	case d.EventTime.Year() < 2000 || d.EventTime.Year() > 9999:
		return errors.New("no event time, or one before the year 2000")
	case d.Click != nil && latest(d).Sub(d.Click.ClickedAt) > maxAge:
		return errors.New("the click is more than 90 days old, and Google takes nothing of it any more")
	}
	return nil
}

// follows reports whether a kind changes a conversion that was told before.
func follows(k subfive.Kind) bool {
	return k == subfive.KindRetraction || k == subfive.KindRestatement
}

// transaction returns the ID that Google tells conversions apart by. What changes
// a conversion bears that one's: under an ID of its own it would be another.
func transaction(d subfive.Delivery) string {
	if follows(d.Kind) {
		return d.OriginalID()
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

// happened returns when it did, never later than when the delivery was made: a
// network's clock may be ahead.
func happened(d subfive.Delivery) time.Time {
	if !d.CreatedAt.IsZero() && d.EventTime.After(d.CreatedAt) {
		return d.CreatedAt.UTC()
	}
	return d.EventTime.UTC()
}

// second returns when it happened in whole seconds, and after its click.
func second(d subfive.Delivery) time.Time {
	at := happened(d).Truncate(time.Second)
	if d.Click != nil && !at.After(d.Click.ClickedAt) {
		at = d.Click.ClickedAt.UTC().Truncate(time.Second).Add(time.Second)
	}
	return at
}

// The words about consent that Google wants to know.
const (
	consentUserData        = subfive.FieldAdUserData
	consentPersonalization = subfive.FieldAdPersonalization
)

// consented returns GRANTED or DENIED if the visitor said so in so many words,
// with his click or by way of the network, the more careful of both. What was not
// said stays open, "": it is never taken for granted.
func consented(d subfive.Delivery, name string) string {
	said := subfive.ConsentWord(d.Conversion.Consent[name])
	if d.Click != nil {
		said = said.Careful(subfive.ConsentWord(d.Click.Consent[name]))
	}
	if said == subfive.ConsentUnknown {
		return ""
	}
	return strings.ToUpper(string(said))
}

// worth returns an amount as both APIs write it, "" for no value. A value in no
// currency is refused: Google would take it for one in the account's.
func worth(value *subfive.Money) (amount, currency string, err error) {
	if value == nil {
		return "", "", nil
	}
	currency, ok := subfive.Currency(value.Currency)
	switch {
	case !ok:
		return "", "", fmt.Errorf("currency %q is not an ISO 4217 code", value.Currency)
	case value.Amount < 0:
		return "", "", fmt.Errorf("value %s is negative", value.Amount)
	}
	return value.Amount.String(), currency, nil
}

// person is who it was, in the form that Google matches by: digests, but for the
// place. What is not known is "".
type person struct {
	email, phone, givenName, familyName, regionCode, postalCode string
}

// personOf gathers what is known of the visitor.
func personOf(user map[string]string) person {
	if len(user) == 0 {
		return person{}
	}
	clear := func(field string) string {
		v, _ := identity.Google(field, user[field], user[subfive.UserCountry])
		return v
	}
	p := person{email: identity.Hash(clear(subfive.UserEmail)), phone: identity.Hash(clear(subfive.UserPhone))}
	a := person{
		givenName: identity.Hash(clear(subfive.UserFirstName)), familyName: identity.Hash(clear(subfive.UserLastName)),
		regionCode: clear(subfive.UserCountry), postalCode: clear(subfive.UserZip),
	}
	if !slices.Contains([]string{a.givenName, a.familyName, a.regionCode, a.postalCode}, "") { // of use only when complete
		a.email, a.phone = p.email, p.phone
		return a
	}
	return p
}

// nobody says why nothing is known that Google could match by.
func (s *settings) nobody() error {
	why := "and user_data is off"
	if s.UserData {
		why = "and no email, phone or full postal address"
		if s.API == apiGoogleAds {
			why = "and no email or phone"
		}
	}
	return errors.New("nothing is known that Google could match by: no gclid, gbraid or wbraid, " + why)
}
