package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	redditMaxAge     = 168 * time.Hour
	redditMaxAhead   = 5 * time.Minute
	redditDedup      = 48 * time.Hour
	redditMaxEvents  = 1000
	redditCustomName = 64 // characters
)

// redditError is a refusal in one of Reddit's shapes: the API's own; the
// gateway's, with a reason; plain text; or the list of the invalid events.
type redditError struct {
	status  int
	message string
	reason  string
	text    bool
	invalid []redditInvalid
}

// redditInvalid is an event that is not taken, as it came.
type redditInvalid struct {
	Message string          `json:"error_message"`
	Event   json.RawMessage `json:"event"`
}

// body returns the answer and its content type.
func (e *redditError) body() (kind string, body []byte) {
	kind = "application/json; charset=utf-8"
	var v any = map[string]any{"error": map[string]any{"code": e.code(), "message": e.message}}
	switch {
	case e.text:
		return "text/plain; charset=utf-8", []byte(e.message)
	case e.reason != "":
		v = map[string]any{"success": false, "error": map[string]any{"reason": e.reason, "explanation": e.message}}
	case e.invalid != nil:
		v = map[string]any{"message": e.message, "invalid_events": e.invalid}
	}
	body, err := json.Marshal(v)
	if err != nil {
		return kind, []byte(`{"error":{"code":500,"message":"unknown"}}`) // what was JSON always encodes
	}
	return kind, body
}

// code is the status, but for an error that hides in a success.
func (e *redditError) code() int {
	if e.status == 200 {
		return 500
	}
	return e.status
}

func redditBad(message string) *redditError { return &redditError{status: 400, message: message} }

func redditField(problem string, path ...string) *redditError {
	return redditBad(fmt.Sprintf("JSON error %q on field %q", problem, strings.Join(path, ".")))
}

func redditInvalidEvents(invalid []redditInvalid) *redditError {
	return &redditError{
		status: 400, invalid: invalid,
		message: fmt.Sprintf("There were %d invalid conversion events. None were processed.", len(invalid)),
	}
}

// redditKeys holds an object against the keys that are known for it.
func redditKeys(o map[string]any, known map[string]check, path ...string) *redditError {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		at := append(slices.Clone(path), key)
		c, ok := known[key]
		if !ok {
			return redditField("unknown field", at...)
		}
		if problem := c(o[key]); problem != "" {
			return redditField(problem, at...)
		}
	}
	return nil
}

// readBody reads the request's events into c. Faults of form end it; faults of
// an event's content are gathered.
func (c *redditCall) readBody() *redditError {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return redditBad("the body must be application/json")
	}
	if err := strictJSON(c.body); err != nil {
		return redditBad("the body is " + err.Error())
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return redditBad("the body " + err.Error())
	}
	data, _ := top["data"].(map[string]any)
	var raw struct {
		Data struct{ Events []json.RawMessage }
	}
	if _, ok := data["events"].([]any); ok {
		err = json.Unmarshal(c.body, &raw)
	} else {
		err = errors.New("missing events")
	}
	testID, _ := data["test_id"].(string)
	var malformed *redditError
	var invalid []redditInvalid
	for i, one := range raw.Data.Events {
		o, eventErr := decodeObject(one)
		if eventErr != nil {
			malformed = redditField(eventErr.Error(), "data", "events", fmt.Sprint(i))
			continue
		}
		c.events = append(c.events, newRedditEvent(o, one, *c, testID))
		if malformed == nil {
			malformed = redditForm(o, "data", "events", fmt.Sprint(i))
		}
		if message := redditContent(o, c.at); message != "" {
			invalid = append(invalid, redditInvalid{message, one})
		}
	}
	if refusal := redditKeys(top, redditTop); refusal != nil {
		return refusal
	}
	if refusal := redditKeys(data, redditData, "data"); refusal != nil {
		return refusal
	}
	switch n := len(raw.Data.Events); {
	case err != nil:
		return redditBad(err.Error())
	case n == 0 || n > redditMaxEvents:
		return redditBad(fmt.Sprintf("events holds %d events, not 1 to %d", n, redditMaxEvents))
	case malformed != nil:
		return malformed
	case invalid != nil:
		return redditInvalidEvents(invalid)
	}
	return nil
}

// redditForm holds an event against the keys and types that Reddit knows.
func redditForm(event map[string]any, path ...string) *redditError {
	if refusal := redditKeys(event, redditEvent, path...); refusal != nil {
		return refusal
	}
	for _, key := range []string{"event_at", "action_source", "type"} {
		if _, ok := event[key]; !ok {
			return redditBad("missing " + key)
		}
	}
	for _, part := range []struct {
		key   string
		known map[string]check
	}{{"type", redditType}, {"user", redditUser}, {"metadata", redditMetadata}} {
		o, _ := event[part.key].(map[string]any)
		if refusal := redditKeys(o, part.known, append(slices.Clone(path), part.key)...); refusal != nil {
			return refusal
		}
	}
	return nil
}

// redditContent says what is wrong with a well-formed event; "" for nothing.
func redditContent(event map[string]any, at time.Time) string {
	kind, _ := event["type"].(map[string]any)
	who, _ := event["user"].(map[string]any)
	metadata, _ := event["metadata"].(map[string]any)
	problems := []string{
		redditTime(event["event_at"], at),
		redditTypeProblem(kind),
		redditWorth(kind["tracking_type"], metadata),
		redditMatch(event["click_id"], who),
	}
	if _, paged := event["event_source_url"]; paged && event["action_source"] != "WEBSITE" {
		problems = append(problems, "event_source_url is for the action source WEBSITE")
	}
	for _, p := range problems {
		if p != "" {
			return p
		}
	}
	return ""
}

func redditTime(v any, at time.Time) string {
	n, _ := v.(json.Number)
	ms, err := n.Int64()
	eventAt := time.UnixMilli(ms)
	switch {
	case err != nil:
		return "event_at must be an integer"
	case ms < 1e12:
		return "event_at must be in milliseconds"
	case at.Sub(eventAt) >= redditMaxAge:
		return "event_at timestamp must be less than 168h0m0s old"
	case eventAt.Sub(at) > redditMaxAhead:
		return "event_at timestamp must not be in the future"
	}
	return ""
}

func redditTypeProblem(kind map[string]any) string {
	name, named := kind["custom_event_name"].(string)
	switch custom := kind["tracking_type"] == "CUSTOM"; {
	case kind["tracking_type"] == nil:
		return "missing tracking_type"
	case custom && !named:
		return "custom_event_name is required for CUSTOM"
	case !custom && named:
		return "custom_event_name is for CUSTOM alone"
	case utf8.RuneCountInString(name) > redditCustomName:
		return fmt.Sprintf("custom_event_name must have at most %d characters", redditCustomName)
	}
	return ""
}

// redditWorth holds the rules of value, currency, and the number of items.
func redditWorth(kind any, metadata map[string]any) string {
	_, valued := metadata["value"]
	_, priced := metadata["currency"]
	_, counted := metadata["item_count"]
	_, known := metadata["conversion_id"]
	word, _ := kind.(string)
	switch {
	case !known:
		return "metadata lacks conversion_id: a repeat could not be told"
	case valued != priced:
		return "value and currency need each other"
	case valued && slices.Contains([]string{"PAGE_VISIT", "VIEW_CONTENT", "SEARCH"}, word):
		return "value and currency are not supported for " + word
	case counted && !slices.Contains([]string{"ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE", "CUSTOM"}, word):
		return "item_count is not supported for " + word
	}
	return ""
}

// redditMatch refuses an event that nobody could be matched by.
func redditMatch(clickID any, who map[string]any) string {
	if clickID != nil {
		return ""
	}
	for _, key := range []string{"email", "phone_number", "external_id", "uuid", "idfa", "aaid"} {
		if who[key] != nil {
			return ""
		}
	}
	if who["ip_address"] != nil && who["user_agent"] != nil {
		return ""
	}
	return "no match key: click_id, email, phone_number, external_id, uuid, idfa, aaid, or ip_address with user_agent"
}
