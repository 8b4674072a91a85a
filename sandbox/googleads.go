package sandbox

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// GoogleAdsVersions are the versions of the Google Ads API that the stand-in
// speaks, and googleAdsRetired those that Google has turned off.
var (
	GoogleAdsVersions = []string{"v23", "v24", "v25", "v26"}
	googleAdsRetired  = []string{"v20", "v21", "v22"}
)

// The two methods, as the paths end.
const (
	adsUpload = ":uploadClickConversions"
	adsAdjust = ":uploadConversionAdjustments"
)

const (
	adsMaxRows        = 2000
	adsMaxIdentifiers = 5
)

// GoogleAdsPath is where a version of the stand-in takes clicks' conversions of
// GoogleCustomer, and GoogleAdsAdjustPath where it takes what became of them.
func GoogleAdsPath(version string) string {
	return "/" + version + "/customers/" + GoogleCustomer + adsUpload
}

// GoogleAdsAdjustPath is documented at GoogleAdsPath.
func GoogleAdsAdjustPath(version string) string {
	return "/" + version + "/customers/" + GoogleCustomer + adsAdjust
}

// AdsConversion is a conversion that the Google Ads API took, and what became of
// it.
type AdsConversion struct {
	Event
	Retracted bool `json:"retracted,omitempty"`
	// AdjustedAt is the time of the latest change, zero for none.
	AdjustedAt time.Time `json:"adjusted_at,omitzero"`

	click string // what it is of, and when: there may be one of these
}

// AdsSwitch makes the Google Ads API fail in ways that only it has.
type AdsSwitch struct {
	// Error is given to the next Rows rows, whatever they say: the name of an
	// upload's error, such as TOO_RECENT_EVENT.
	Error string `json:"error,omitempty"`
	Rows  int    `json:"rows,omitempty"`
	// Late is the 5xx that the next Requests requests are answered with after
	// their rows were taken.
	Late     int `json:"late,omitempty"`
	Requests int `json:"requests,omitempty"`
}

func (a AdsSwitch) check() error {
	switch {
	case (a.Error == "") != (a.Rows == 0) || a.Rows < 0:
		return fmt.Errorf("error and rows need each other, and rows are 1 or more")
	case a.Error != "" && strings.Trim(a.Error, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "":
		return fmt.Errorf("error %q is not the name of one, such as TOO_RECENT_EVENT", a.Error)
	case (a.Late == 0) != (a.Requests == 0) || a.Requests < 0:
		return fmt.Errorf("late and requests need each other, and requests are 1 or more")
	case a.Late != 0 && (a.Late < 500 || a.Late > 599):
		return fmt.Errorf("late %d is not one of 500 to 599", a.Late)
	}
	return nil
}

// adsState is what the Google Ads API remembers; Google's lock guards it.
type adsState struct {
	conversions []*AdsConversion // oldest first
	tests       []Event          // conversions and changes that were only validated
	again       []Event          // that were there already
	set         AdsSwitch
}

func (s *adsState) find(is func(*AdsConversion) bool) *AdsConversion {
	if i := slices.IndexFunc(s.conversions, is); i >= 0 {
		return s.conversions[i]
	}
	return nil
}

// SetAds sets the Google Ads API's own failures, instead of those before. The
// zero AdsSwitch ends them.
func (s *Google) SetAds(a AdsSwitch) error {
	if err := a.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ads.set = a
	return nil
}

// AdsConversions returns what the Google Ads API has, oldest first, with its
// latest values.
func (s *Google) AdsConversions() []AdsConversion {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]AdsConversion, len(s.ads.conversions))
	for i, c := range s.ads.conversions {
		all[i] = *c
	}
	return all
}

// AdsTests returns what the Google Ads API was only to validate, and AdsRepeats
// the conversions that it had already.
func (s *Google) AdsTests() []Event { return s.copyOf(&s.ads.tests) }

// AdsRepeats is documented at AdsTests.
func (s *Google) AdsRepeats() []Event { return s.copyOf(&s.ads.again) }

// adsCall is one request as far as it was read.
type adsCall struct {
	googleCall
	adjusts bool
	rows    []map[string]any
}

// serveAds answers as the Google Ads API does, unless a failure is set.
func (s *Google) serveAds(w http.ResponseWriter, c googleCall) {
	a := adsCall{googleCall: c}
	refusal := s.readAds(&a)
	f, latency, released := s.failures.next(a.events)
	pause(c.r.Context(), latency, released)
	s.answerAds(w, a, refusal, f, released)
}

// readAds holds a request against the rules that hold for all of it. What it can
// read of a bad one it leaves in c.
func (s *Google) readAds(c *adsCall) *adsRefusal {
	token, bearer := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	c.tokens = []string{token, c.r.Header.Get("Developer-Token")}
	version, rest, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	customer, method, _ := strings.Cut(strings.TrimPrefix(rest, "customers/"), ":")
	c.adjusts = ":"+method == adsAdjust
	body := s.readAdsBody(c)
	login := c.r.Header.Get("Login-Customer-Id")
	switch {
	case ":"+method != adsUpload && !c.adjusts, c.r.Method != http.MethodPost:
		return adsStatus(http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
	case slices.Contains(googleAdsRetired, version):
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", "requestError", "UNSUPPORTED_VERSION", "Version "+version+" is deprecated. Requests to this version will be blocked.")
	case !bearer || !hmac.Equal([]byte(token), []byte(s.currentToken())):
		return adsRefuse(http.StatusUnauthorized, "UNAUTHENTICATED", "authenticationError", "OAUTH_TOKEN_INVALID", "Request had invalid authentication credentials.")
	case c.r.URL.RawQuery != "":
		return adsStatus(http.StatusBadRequest, "INVALID_ARGUMENT", "the request has a query")
	case digitsOnly(customer) != "":
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", "requestError", "INVALID_CUSTOMER_ID", "Invalid customer ID '"+customer+"'.")
	case len(c.r.Header["Login-Customer-Id"]) > 0 && digitsOnly(login) != "":
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", "headerError", "INVALID_LOGIN_CUSTOMER_ID", "The login customer ID must be digits alone.")
	case customer != s.config.Customer:
		return adsRefuse(http.StatusForbidden, "PERMISSION_DENIED", "authorizationError", "USER_PERMISSION_DENIED", "User doesn't have permission to access customer.")
	}
	return body
}

// readAdsBody reads a request's rows into c. Wrong keys and types are refused for
// all, as Google's front end does; what else is wrong with a row is that row's.
func (s *Google) readAdsBody(c *adsCall) *adsRefusal {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return adsStatus(http.StatusBadRequest, "INVALID_ARGUMENT", "the body must be application/json")
	}
	if err := strictJSON(c.body); err != nil {
		return adsStatus(http.StatusBadRequest, "INVALID_ARGUMENT", "the body is "+err.Error())
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return adsStatus(http.StatusBadRequest, "INVALID_ARGUMENT", "the body "+err.Error())
	}
	name, known, check := "conversions", adsTop, adsConversion
	if c.adjusts {
		name, known, check = "conversionAdjustments", adsAdjustTop, adsAdjustment
	}
	var f googleFaults
	f.keys(top, known, "", name)
	c.validate, _ = top["validateOnly"].(bool)
	var raw map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(c.body, &raw) == nil && raw[name] != nil {
		if err := json.Unmarshal(raw[name], &rows); err != nil {
			f.add(name, "must be a list", "")
		}
	}
	for i, one := range rows {
		path := fmt.Sprintf("%s[%d]", snake(name), i)
		o, err := decodeObject(one)
		if err != nil {
			f.add(path, err.Error(), "")
			continue
		}
		f.keys(o, check, path+".")
		c.rows = append(c.rows, o)
		c.events = append(c.events, newAdsEvent(o, one, c.at, s.config.Action))
	}
	partial, _ := top["partialFailure"].(bool)
	switch {
	case len(f.all) > 0:
		return &adsRefusal{googleError: *googleBad(f.all...)}
	case len(rows) == 0:
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", "fieldError", "REQUIRED", "The required field was not present: "+name)
	case len(rows) > adsMaxRows && c.adjusts:
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", adjustGroup, "TOO_MANY_ADJUSTMENTS_IN_REQUEST", "Too many adjustments in the request.")
	case len(rows) > adsMaxRows:
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", uploadGroup, "TOO_MANY_CONVERSIONS_IN_REQUEST", "Too many conversions in the request.")
	case !partial:
		return adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", "requestError", "PARTIAL_FAILURE_MODE_REQUIRED", "partial_failure must be set to true.")
	}
	return nil
}

// newAdsEvent records what can be read of a row.
func newAdsEvent(o map[string]any, raw []byte, at time.Time, action string) Event {
	e := Event{ReceivedAt: at, Dataset: action, EventName: "CONVERSION", Raw: raw}
	e.EventID, _ = o["orderId"].(string)
	e.Currency, _ = o["currencyCode"].(string)
	value, when := o["conversionValue"], o["conversionDateTime"]
	if kind, ok := o["adjustmentType"].(string); ok {
		restated, _ := o["restatementValue"].(map[string]any)
		e.EventName, value, when = kind, restated["adjustedValue"], o["adjustmentDateTime"]
		e.Currency, _ = restated["currencyCode"].(string)
	}
	if v, ok := value.(json.Number); ok {
		e.Value = v.String()
	}
	if t, err := adsTime(when); err == nil {
		e.EventTime = t.Unix()
	}
	return e
}
