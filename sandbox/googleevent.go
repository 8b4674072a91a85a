package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"time"
	"unicode"
)

const (
	googleMaxEvents       = 2000
	googleMaxDestinations = 10
	googleMaxIdentifiers  = 10
)

var (
	base64Digest = regexp.MustCompile(`^[A-Za-z0-9+/]{43}=$`)
	hexText      = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
)

// googleViolation is a field that is wrong, by its path.
type googleViolation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
	Reason      string `json:"reason,omitempty"`
}

// googleError is a refusal.
type googleError struct {
	status  int
	word    string
	message string
	wrong   []googleViolation
}

func googleBadToken() *googleError {
	return &googleError{status: http.StatusUnauthorized, word: "UNAUTHENTICATED", message: "Request had invalid authentication credentials."}
}

func googleBad(wrong ...googleViolation) *googleError {
	return &googleError{status: http.StatusBadRequest, word: "INVALID_ARGUMENT", message: "There was a problem with the request.", wrong: wrong}
}

// text is the message, or the first thing that is wrong.
func (e *googleError) text() string {
	if len(e.wrong) == 0 {
		return e.message
	}
	return e.wrong[0].Field + ": " + e.wrong[0].Description
}

func (e *googleError) body() []byte {
	code := e.status
	if code == http.StatusOK {
		code = http.StatusInternalServerError
	}
	details := []any{map[string]any{"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "sandbox"}}
	if len(e.wrong) > 0 {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": e.wrong})
	}
	b, err := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": e.message, "status": e.word, "details": details}})
	if err != nil {
		return []byte(`{"error":{"code":500,"status":"INTERNAL"}}`) // what was JSON always encodes
	}
	return b
}

// googleFaults gathers what is wrong.
type googleFaults struct{ all []googleViolation }

func (f *googleFaults) add(field, problem, reason string) {
	if problem != "" {
		f.all = append(f.all, googleViolation{field, problem, reason})
	}
}

// keys holds an object against the keys that are known for it, and those it
// must have.
func (f *googleFaults) keys(o map[string]any, known map[string]check, path string, required ...string) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		at := path + snake(key)
		c, ok := known[key]
		if !ok {
			f.add(at, fmt.Sprintf("Unknown name %q", key), "")
			continue
		}
		f.add(at, c(o[key]), googleReason(key))
	}
	for _, key := range required {
		if _, ok := o[key]; !ok {
			f.add(path+snake(key), "is missing", "REQUIRED_FIELD_MISSING")
		}
	}
}

// snake writes a name as Google's paths do.
func snake(s string) string {
	var b []rune
	for _, r := range s {
		if unicode.IsUpper(r) {
			b = append(b, '_')
		}
		b = append(b, unicode.ToLower(r))
	}
	return string(b)
}

// readBody reads a request's events into c and says what is wrong with it.
func (s *Google) readBody(c *googleCall) *googleError {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return googleBad(googleViolation{"", "the body must be application/json", "INVALID_ARGUMENT"})
	}
	if err := strictJSON(c.body); err != nil {
		return googleBad(googleViolation{"", "the body is " + err.Error(), "INVALID_ARGUMENT"})
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return googleBad(googleViolation{"", "the body " + err.Error(), "INVALID_ARGUMENT"})
	}
	var f googleFaults
	f.keys(top, googleTop, "", "destinations", "events")
	c.validate, _ = top["validateOnly"].(bool)
	encoding, _ := top["encoding"].(string)
	references := s.destinations(top["destinations"], &f)
	var raw struct{ Events []json.RawMessage }
	if events, ok := top["events"].([]any); ok {
		if n := len(events); n > googleMaxEvents {
			f.add("events", fmt.Sprintf("has %d events, not 1 to %d", n, googleMaxEvents), "TOO_MANY_EVENTS")
		} else if n == 0 {
			f.add("events", "has no event", "REQUIRED_FIELD_MISSING")
		}
		if err := json.Unmarshal(c.body, &raw); err != nil {
			f.add("events", err.Error(), "INVALID_FORMAT")
		}
	}
	for i, one := range raw.Events {
		o, err := decodeObject(one)
		path := fmt.Sprintf("events[%d]", i)
		if err != nil {
			f.add(path, err.Error(), "INVALID_FORMAT")
			continue
		}
		c.events = append(c.events, newGoogleEvent(o, one, c.at, s.config.Action))
		googleEventFaults(o, &f, path+".", encoding, references, c.at)
	}
	if len(f.all) > 0 {
		return googleBad(f.all...)
	}
	return nil
}

// destinations holds where it should go against what the stand-in knows, and
// returns the references.
func (s *Google) destinations(v any, f *googleFaults) []string {
	all, _ := v.([]any)
	if n := len(all); v != nil && (n < 1 || n > googleMaxDestinations) {
		f.add("destinations", fmt.Sprintf("has %d destinations, not 1 to %d", n, googleMaxDestinations), "TOO_MANY_DESTINATIONS")
	}
	var references []string
	for i, one := range all {
		path := fmt.Sprintf("destinations[%d].", i)
		o, ok := one.(map[string]any)
		if !ok {
			f.add(path, "must be an object", "INVALID_FORMAT")
			continue
		}
		for _, key := range []string{"operatingAccount", "loginAccount"} {
			part, _ := o[key].(map[string]any)
			f.keys(part, googleAccount, path+snake(key)+".")
		}
		f.keys(o, googleDestination, path, "reference", "operatingAccount", "productDestinationId")
		operating, _ := o["operatingAccount"].(map[string]any)
		if id, _ := operating["accountId"].(string); digitsOnly(id) == "" && id != s.config.Customer {
			f.add(path+"operating_account", "the account is not accessible", "PERMISSION_DENIED")
		}
		if id, _ := o["productDestinationId"].(string); digitsOnly(id) == "" && id != s.config.Action {
			f.add(path+"product_destination_id", "no such conversion action", "INVALID_CONVERSION_ACTION_ID")
		}
		reference, _ := o["reference"].(string)
		if slices.Contains(references, reference) {
			f.add(path+"reference", "is there twice", "DUPLICATE_DESTINATION_REFERENCE")
		}
		references = append(references, reference)
	}
	return references
}

// googleEventFaults says what is wrong with an event.
func googleEventFaults(o map[string]any, f *googleFaults, path, encoding string, references []string, at time.Time) {
	f.keys(o, googleEvent, path, "transactionId", "eventTimestamp", "eventSource")
	f.add(path+"event_timestamp", googleEventTime(o["eventTimestamp"], at), "EVENT_TIME_INVALID")
	names, _ := o["destinationReferences"].([]any)
	for _, v := range names {
		if name, _ := v.(string); !slices.Contains(references, name) {
			f.add(path+"destination_references", "names no destination of the request", "INVALID_DESTINATION")
		}
	}
	_, valued := o["conversionValue"]
	_, priced := o["currency"]
	if valued != priced {
		f.add(path+"currency", "value and currency need each other", "REQUIRED_FIELD_MISSING")
	}
	click, _ := o["adIdentifiers"].(map[string]any)
	f.keys(click, googleClick, path+"ad_identifiers.")
	ids := 0
	for _, key := range []string{"gclid", "gbraid", "wbraid"} {
		if _, ok := click[key]; ok {
			ids++
		}
	}
	if ids > 1 {
		f.add(path+"ad_identifiers", "has more than one click ID", "MULTIPLE_DATA_TYPES_NOT_ALLOWED")
	}
	if ids+googleUserFaults(o["userData"], f, path+"user_data.", encoding) == 0 {
		f.add(path+"ad_identifiers", "no identifier: gclid, gbraid, wbraid, or user data", "NO_IDENTIFIERS_PROVIDED")
	}
}

// googleUserFaults says what is wrong with user data, and how many identifiers
// there are.
func googleUserFaults(v any, f *googleFaults, path, encoding string) int {
	if v == nil {
		return 0
	}
	o, _ := v.(map[string]any)
	f.keys(o, map[string]check{"userIdentifiers": list}, path, "userIdentifiers")
	all, _ := o["userIdentifiers"].([]any)
	if n := len(all); n == 0 || n > googleMaxIdentifiers {
		f.add(path+"user_identifiers", fmt.Sprintf("has %d identifiers, not 1 to %d", n, googleMaxIdentifiers), "TOO_MANY_USER_IDENTIFIERS")
	}
	for i, one := range all {
		at := fmt.Sprintf("%suser_identifiers[%d].", path, i)
		u, _ := one.(map[string]any)
		if len(u) != 1 {
			f.add(at, "must have exactly one identifier", "MULTIPLE_DATA_TYPES_NOT_ALLOWED")
		}
		f.keys(u, googleUser, at)
		for _, key := range []string{"emailAddress", "phoneNumber"} {
			f.digest(u, key, at, encoding)
		}
		place, ok := u["address"].(map[string]any)
		if !ok {
			continue
		}
		f.keys(place, googlePlace, at+"address.", "givenName", "familyName", "regionCode", "postalCode")
		for _, key := range []string{"givenName", "familyName"} {
			f.digest(place, key, at+"address.", encoding)
		}
	}
	return len(all)
}

// digest holds one field of o, if it is there, against the form of a digest.
func (f *googleFaults) digest(o map[string]any, key, path, encoding string) {
	if v, ok := o[key]; ok {
		problem, reason := googleDigest(v, encoding)
		f.add(path+snake(key), problem, reason)
	}
}
