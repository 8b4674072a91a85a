package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Meta's subcodes of code 100, invalid parameter.
const (
	subClickID     = 2804001 // fbc is not formed as it should be
	subTooOld      = 2804003 // older than a week
	subNoValue     = 2804009 // a purchase without value or currency
	subNoOSVersion = 2804043 // an app event without the version of its system
	subTooLittle   = 2804050 // user data that identifies nobody
	subMessaging   = 2804066 // not an event of a messaging channel
)

const (
	metaMaxAge      = 7 * 24 * time.Hour
	metaMaxAgeStore = 62 * 24 * time.Hour // physical_store
	metaMaxAhead    = time.Minute
	metaDedup       = 48 * time.Hour
	metaMaxEvents   = 1000
)

// metaError is a refusal in Graph's words.
type metaError struct {
	status    int
	code      int
	subcode   int
	message   string
	transient bool
	blame     []string // path of the field
}

func (e *metaError) body(trace string) []byte {
	v := map[string]any{"message": e.message, "type": "OAuthException", "code": e.code, "fbtrace_id": trace}
	if e.subcode != 0 {
		v["error_subcode"] = e.subcode
	}
	if e.transient {
		v["is_transient"] = true
	}
	if e.blame != nil {
		v["error_data"] = map[string]any{"blame_field_specs": [][]string{e.blame}}
	}
	b, err := json.Marshal(map[string]any{"error": v})
	if err != nil {
		return []byte(`{"error":{"code":1}}`) // strings and numbers always encode
	}
	return b
}

func invalid(subcode int, message string, blame ...string) *metaError {
	return &metaError{status: 400, code: 100, subcode: subcode, message: "(#100) Invalid parameter: " + message, blame: blame}
}

// metaKeys holds an object against the keys that are known for it.
func metaKeys(o map[string]any, known map[string]check, lenient bool, path ...string) *metaError {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		at := append(slices.Clone(path), key)
		c, ok := known[key]
		switch {
		case !ok && !lenient:
			return invalid(0, fmt.Sprintf("unexpected key %q", key), at...)
		case !ok:
			continue
		}
		if problem := c(o[key]); problem != "" {
			return invalid(0, key+" "+problem, at...)
		}
	}
	return nil
}

func required(o map[string]any, path []string, keys ...string) *metaError {
	for _, key := range keys {
		if _, ok := o[key]; !ok {
			return invalid(0, key+" is required", append(slices.Clone(path), key)...)
		}
	}
	return nil
}

// firstError runs rules in order and returns the first refusal.
func firstError(rules ...func() *metaError) *metaError {
	for _, rule := range rules {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

// metaCheck is one event on trial.
type metaCheck struct {
	event   map[string]any
	user    map[string]any
	custom  map[string]any
	path    []string
	at      time.Time // of the request
	lenient bool
}

// checkMetaEvent holds the event at index i against all of Meta's rules.
func checkMetaEvent(event map[string]any, i int, at time.Time, lenient bool) *metaError {
	c := metaCheck{event: event, path: []string{"data", strconv.Itoa(i)}, at: at, lenient: lenient}
	c.user, _ = event["user_data"].(map[string]any)
	c.custom, _ = event["custom_data"].(map[string]any)
	return firstError(
		func() *metaError { return metaKeys(event, metaEvent, lenient, c.path...) },
		func() *metaError {
			return required(event, c.path, "event_name", "event_time", "user_data", "action_source")
		},
		c.time, c.source, c.limitedUse, c.original, c.userData, c.customData, c.purchase,
	)
}

func (c metaCheck) below(keys ...string) []string { return append(slices.Clone(c.path), keys...) }

func (c metaCheck) time() *metaError {
	n, _ := c.event["event_time"].(json.Number)
	seconds, err := n.Int64()
	if err != nil {
		return invalid(0, "event_time must be an integer", c.below("event_time")...)
	}
	oldest := metaMaxAge
	if c.event["action_source"] == "physical_store" {
		oldest = metaMaxAgeStore
	}
	eventAt := time.Unix(seconds, 0)
	switch {
	case eventAt.Before(c.at.Add(-oldest)):
		return invalid(subTooOld, "Event Timestamp Too Old", c.below("event_time")...)
	case eventAt.After(c.at.Add(metaMaxAhead)):
		return invalid(0, "event_time lies in the future; it counts seconds", c.below("event_time")...)
	}
	return nil
}

// source holds what each action_source asks for besides.
func (c metaCheck) source() *metaError {
	if _, ok := c.event["attribution_data"]; ok {
		return invalid(0, "attribution_data needs access to a limited beta", c.below("attribution_data")...)
	}
	source := c.event["action_source"]
	if _, ok := c.event["app_data"]; ok && source != "app" {
		return invalid(0, "app_data is for the action source app", c.below("app_data")...)
	}
	switch source {
	case "website":
		return required(c.event, c.path, "event_source_url")
	case "business_messaging":
		if c.event["event_name"] == "Lead" {
			return invalid(subMessaging, "Lead is no event of business messaging: LeadSubmitted", c.below("event_name")...)
		}
		return required(c.event, c.path, "messaging_channel")
	case "app":
		return c.app()
	}
	return nil
}

func (c metaCheck) app() *metaError {
	if err := required(c.event, c.path, "app_data"); err != nil {
		return err
	}
	data, _ := c.event["app_data"].(map[string]any)
	path := c.below("app_data")
	if err := metaKeys(data, metaApp, c.lenient, path...); err != nil {
		return err
	}
	if err := required(data, path, "advertiser_tracking_enabled", "application_tracking_enabled", "extinfo"); err != nil {
		return err
	}
	info, _ := data["extinfo"].([]any)
	switch {
	case len(info) != 16:
		return invalid(0, "extinfo has 16 values", append(path, "extinfo")...)
	case info[0] != "a2" && info[0] != "i2":
		return invalid(0, "extinfo begins with a2 or i2", append(path, "extinfo")...)
	case info[4] == "":
		return invalid(subNoOSVersion, "extinfo lacks the version of the system", append(path, "extinfo")...)
	}
	return nil
}

// limitedUse holds the rules of Limited Data Use.
func (c metaCheck) limitedUse() *metaError {
	options, _ := c.event["data_processing_options"].([]any)
	_, hasCountry := c.event["data_processing_options_country"]
	_, hasState := c.event["data_processing_options_state"]
	_, hasIP := c.user["client_ip_address"]
	switch {
	case len(options) == 0 && (hasCountry || hasState):
		return invalid(0, "country and state of data_processing_options go with LDU", c.below("data_processing_options")...)
	case hasCountry && !hasState:
		return invalid(0, "data_processing_options_country needs a state", c.below("data_processing_options_state")...)
	case len(options) > 0 && !hasCountry:
		return required(c.event, c.path, "data_processing_options_country")
	case len(options) > 0 && !hasIP && c.event["data_processing_options_state"] == json.Number("0"):
		return invalid(0, "LDU without an address needs a state", c.below("data_processing_options_state")...)
	}
	return nil
}

func (c metaCheck) original() *metaError {
	data, _ := c.event["original_event_data"].(map[string]any)
	return metaKeys(data, metaOriginal, c.lenient, c.below("original_event_data")...)
}

func (c metaCheck) userData() *metaError {
	path := c.below("user_data")
	if err := metaKeys(c.user, metaUser, c.lenient, path...); err != nil {
		return err
	}
	if fbc, ok := c.user["fbc"].(string); ok && !fbcPattern.MatchString(fbc) {
		return invalid(subClickID, "Click ID Incorrectly Formatted", append(path, "fbc")...)
	}
	for _, set := range metaTooLittle {
		within := true
		for key := range c.user {
			within = within && slices.Contains(set, key)
		}
		if within {
			return invalid(subTooLittle, "too little customer information", path...)
		}
	}
	return nil
}

// customData lets custom properties pass, if they are that.
func (c metaCheck) customData() *metaError {
	path := c.below("custom_data")
	for _, key := range slices.Sorted(maps.Keys(c.custom)) {
		v, at := c.custom[key], append(slices.Clone(path), key)
		if known, ok := metaCustom[key]; ok {
			if problem := known(v); problem != "" {
				return invalid(0, key+" "+problem, at...)
			}
			continue
		}
		name := strings.ToLower(key)
		_, repeats := metaCustom[name]
		switch {
		case v == nil:
			return invalid(0, key+" must not be null", at...)
		case c.lenient:
		case repeats:
			return invalid(0, key+" repeats a standard key", at...)
		case slices.Contains(metaPersonal, name):
			return invalid(0, key+" is personal data", at...)
		}
	}
	contents, _ := c.custom["contents"].([]any)
	for i, item := range contents {
		content, _ := item.(map[string]any)
		at := append(slices.Clone(path), "contents", strconv.Itoa(i))
		if err := metaKeys(content, metaContent, c.lenient, at...); err != nil {
			return err
		}
		if err := required(content, at, "id"); err != nil {
			return err
		}
	}
	return nil
}

func (c metaCheck) purchase() *metaError {
	if c.event["event_name"] != "Purchase" {
		return nil
	}
	value, ok := c.custom["value"].(json.Number)
	if _, priced := c.custom["currency"]; !ok || !priced {
		return invalid(subNoValue, "Missing Value or Currency for Purchase Event", c.below("custom_data")...)
	}
	if strings.HasPrefix(value.String(), "-") {
		return invalid(0, "value of a purchase can't be negative", c.below("custom_data", "value")...)
	}
	return nil
}
