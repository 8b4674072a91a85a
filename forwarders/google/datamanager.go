package google

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"subfive"
	"subfive/forwarders"
	"subfive/identity"
)

const (
	dataManagerHost = "https://datamanager.googleapis.com/v1/"
	// scopeDataManager is what the credentials must have been given.
	scopeDataManager = "https://www.googleapis.com/auth/datamanager"
	// reference is what an event calls the one destination of its request.
	reference = "action"
)

// dataManager speaks to the Data Manager API.
type dataManager struct {
	account
	head []byte // the request up to its events, without the closing brace
}

func newDataManager(a account) (*dataManager, error) {
	head, err := json.Marshal(struct {
		Destinations []destination `json:"destinations"`
		Encoding     string        `json:"encoding"`
	}{[]destination{a.settings.destination()}, "HEX"})
	if err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	return &dataManager{account: a, head: head[:len(head)-1]}, nil
}

// destination is the conversion action that events go to.
type destination struct {
	Reference string       `json:"reference"`
	Operating adsCustomer  `json:"operatingAccount"`
	Login     *adsCustomer `json:"loginAccount,omitempty"`
	ActionID  string       `json:"productDestinationId"`
}

type adsCustomer struct {
	Type string `json:"accountType"`
	ID   string `json:"accountId"`
}

// destination is what a request says of where its events go.
func (s *settings) destination() destination {
	d := destination{Reference: reference, Operating: adsCustomer{"GOOGLE_ADS", s.CustomerID}, ActionID: s.ConversionActionID}
	if s.LoginCustomerID != "" {
		d.Login = &adsCustomer{"GOOGLE_ADS", s.LoginCustomerID}
	}
	return d
}

// Kinds are all but a retraction: the Data Manager API has none.
func (*dataManager) Kinds() []subfive.Kind {
	return []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRestatement}
}

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

// adIdentifiers is the click, and the browser it came from.
type adIdentifiers struct {
	clickID
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

// references is what every event says of where it goes.
var references = []string{reference}

// Event renders a delivery. It refuses what Google would refuse, for one bad
// event fails all that travel with it.
func (f *dataManager) Event(d subfive.Delivery) ([]byte, error) {
	if d.Kind == subfive.KindRetraction {
		return nil, errors.New("a conversion can't be taken back through the Data Manager API: retract it in Google Ads, or set api to google_ads if the account may use it")
	}
	if err := check(d); err != nil {
		return nil, err
	}
	amount, currency, err := worth(d.Value)
	if err != nil {
		return nil, err
	}
	e := event{
		References: references, Transaction: transaction(d), Source: "WEB", Value: json.Number(amount), Currency: currency,
		// To the millisecond, so that it stays after its click.
		At: happened(d).Format("2006-01-02T15:04:05.999Z07:00"),
		Ad: adIdentifiers{clickID: clickOf(d)}, Consent: consentOf(d),
	}
	if f.settings.UserData && !e.Ad.standsIn() {
		e.User = personOf(d.User).userData()
	}
	if e.Ad == (adIdentifiers{}) && e.User == nil {
		return nil, f.settings.nobody()
	}
	e.Ad.Device = f.deviceOf(d)
	return forwarders.EncodeEvent(e)
}

// consentOf returns what the visitor said, in Data Manager's words.
func consentOf(d subfive.Delivery) consent {
	word := func(name string) string {
		if said := consented(d, name); said != "" {
			return "CONSENT_" + said
		}
		return ""
	}
	return consent{word(consentUserData), word(consentPersonalization)}
}

// deviceOf returns the browser of the click: the postback came from the
// network's server. The address goes along only where the buyer wants it to, and
// not from the European Economic Area, the United Kingdom and Switzerland: Google
// does not use those.
func (f *dataManager) deviceOf(d subfive.Delivery) device {
	if d.Click == nil {
		return device{}
	}
	var v device
	if agent := strings.TrimSpace(d.Click.Request.UserAgent); !identity.IsHash(agent) { // a digest is no browser
		v.UserAgent = strings.ToValidUTF8(agent, "\uFFFD")
	}
	if !f.settings.IPAddress {
		return v
	}
	country, _ := identity.Google(subfive.UserCountry, d.User[subfive.UserCountry], "")
	if !subfive.AsksFirst(country) {
		v.IPAddress = identity.Address(d.Click.Request.ClientAddr)
	}
	return v
}

// userData returns what is known of the visitor, nil for nothing.
func (p person) userData() *userData {
	all := make([]userIdentifier, 0, 3)
	if p.email != "" {
		all = append(all, userIdentifier{Email: p.email})
	}
	if p.phone != "" {
		all = append(all, userIdentifier{Phone: p.phone})
	}
	if p.givenName != "" {
		all = append(all, userIdentifier{Address: &address{p.givenName, p.familyName, p.regionCode, p.postalCode}})
	}
	if len(all) == 0 {
		return nil
	}
	return &userData{all}
}

// Request puts events into one request. A test is validated and goes no
// further.
func (f *dataManager) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no events")
	}
	var body bytes.Buffer
	body.Write(f.head)
	if b.Test {
		body.WriteString(`,"validateOnly":true`)
	}
	body.WriteString(`,"events":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString(`]}`)
	return post(ctx, dataManagerHost+"events:ingest", body.Bytes())
}

// post returns a request with a JSON body.
func post(ctx context.Context, url string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}
