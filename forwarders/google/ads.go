package google

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"subfive"
	"subfive/forwarders"
)

const (
	adsHost = "https://googleads.googleapis.com/"
	// scopeAds is what the credentials must have been given.
	scopeAds = "https://www.googleapis.com/auth/adwords"
	// adsTime is the one form of a moment that the Google Ads API takes.
	adsTime = "2006-01-02 15:04:05-07:00"
)

// ads speaks to the Google Ads API: uploadClickConversions, and for what became
// of a conversion uploadConversionAdjustments.
type ads struct{ account }

// Kinds are all of them.
func (*ads) Kinds() []subfive.Kind { return Platform().Kinds }

// clickConversion is one element of "conversions". Google refuses a key it does
// not know.
type clickConversion struct {
	clickID
	Action   string          `json:"conversionAction"`
	At       string          `json:"conversionDateTime"`
	Value    json.Number     `json:"conversionValue,omitempty"` // in the currency's major unit
	Currency string          `json:"currencyCode,omitempty"`
	OrderID  string          `json:"orderId"`
	Consent  adsConsent      `json:"consent,omitzero"`
	User     []adsIdentifier `json:"userIdentifiers,omitempty"`
}

// adsConsent has no adPersonalization: the upload of clicks does not take it.
type adsConsent struct {
	UserData string `json:"adUserData,omitempty"`
}

// adsIdentifier has exactly one of the two digests.
type adsIdentifier struct {
	Source string `json:"userIdentifierSource"`
	Email  string `json:"hashedEmail,omitempty"`
	Phone  string `json:"hashedPhoneNumber,omitempty"`
}

// adjustment is one element of "conversionAdjustments". It names the conversion
// by its order ID, which ours always have: what came by a gbraid or wbraid can be
// named by nothing else.
type adjustment struct {
	Action  string    `json:"conversionAction"`
	Type    string    `json:"adjustmentType"`
	At      string    `json:"adjustmentDateTime"`
	OrderID string    `json:"orderId"`
	Value   *restated `json:"restatementValue,omitempty"`
}

type restated struct {
	Amount   json.Number `json:"adjustedValue"`
	Currency string      `json:"currencyCode"`
}

// Event renders a delivery. It refuses what Google would refuse.
func (f *ads) Event(d subfive.Delivery) ([]byte, error) {
	if err := check(d); err != nil {
		return nil, err
	}
	amount, currency, err := worth(d.Value)
	if err != nil {
		return nil, err
	}
	if follows(d.Kind) {
		return f.adjust(d, amount, currency)
	}
	c := clickConversion{
		clickID: clickOf(d), Action: f.action(), At: second(d).Format(adsTime),
		Value: json.Number(amount), Currency: currency, OrderID: transaction(d),
		Consent: adsConsent{consented(d, consentUserData)},
	}
	if f.settings.UserData && !c.standsIn() {
		c.User = personOf(d.User).adsIdentifiers()
	}
	if c.clickID == (clickID{}) && c.User == nil {
		return nil, f.settings.nobody()
	}
	return forwarders.EncodeEvent(c)
}

// adjust renders what became of a conversion.
func (f *ads) adjust(d subfive.Delivery, amount, currency string) ([]byte, error) {
	if latest(d).Sub(d.EventTime) > AdjustAge {
		return nil, errors.New("the conversion is more than 54 days old, and Google changes it no more")
	}
	at := d.CreatedAt.UTC().Truncate(time.Second)
	if told := second(d); !at.After(told) {
		at = told.Add(time.Second)
	}
	// Of two changes that were decided in one second the later must be later.
	at = at.Add(time.Duration(max(d.Generation-1, 0)) * time.Second)
	a := adjustment{Action: f.action(), Type: "RETRACTION", At: at.Format(adsTime), OrderID: transaction(d)}
	if d.Kind == subfive.KindRestatement {
		a.Type, a.Value = "RESTATEMENT", &restated{json.Number(amount), currency}
	}
	return forwarders.EncodeEvent(a)
}

// action is the conversion action's name as a resource.
func (f *ads) action() string {
	return "customers/" + f.settings.CustomerID + "/conversionActions/" + f.settings.ConversionActionID
}

// adsIdentifiers returns what is known of the visitor, nil for nothing. The
// upload of clicks takes no address.
func (p person) adsIdentifiers() []adsIdentifier {
	var all []adsIdentifier
	if p.email != "" {
		all = append(all, adsIdentifier{Source: "FIRST_PARTY", Email: p.email})
	}
	if p.phone != "" {
		all = append(all, adsIdentifier{Source: "FIRST_PARTY", Phone: p.phone})
	}
	return all
}

// Request puts events into one request, to the method of their kind. A test is
// validated and goes no further.
func (f *ads) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no events")
	}
	method, list := "uploadClickConversions", "conversions"
	if follows(b.Kind) {
		method, list = "uploadConversionAdjustments", "conversionAdjustments"
	}
	var body bytes.Buffer
	// Without partialFailure one bad row would fail all.
	fmt.Fprintf(&body, `{"partialFailure":true,"validateOnly":%t,%q:[`, b.Test, list)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString(`]}`)
	r, err := post(ctx, adsHost+f.settings.APIVersion+"/customers/"+f.settings.CustomerID+":"+method, body.Bytes())
	if err != nil {
		return nil, err
	}
	if f.settings.LoginCustomerID != "" {
		r.Header.Set("Login-Customer-Id", f.settings.LoginCustomerID)
	}
	return r, nil
}

// ReadStatus says what became of events that Data Manager took before api was
// changed. If these credentials can't ask it, that is no reason to stop: what it
// took ends unconfirmed.
func (f *ads) ReadStatus(n int, a forwarders.Answer) forwarders.Result {
	r := readStatus(n, a)
	switch r.All.Class {
	case subfive.Unauthorized, subfive.Misconfigured:
		if !success(a.Status) {
			r.All.Class = subfive.Transient
		}
	case subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Transient, subfive.Throttled, subfive.Rejected:
	}
	return r
}
