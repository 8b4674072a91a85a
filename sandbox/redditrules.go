package sandbox

import (
	"encoding/json"
	"regexp"
	"strings"
)

// The keys of version 3, each with the type it takes; another one is refused, as
// Reddit does. Sources: reddit/reddit-ss-gtm-template, and the reference at
// ads-api.reddit.com/docs/v3.
var (
	redditTop  = map[string]check{"data": object}
	redditData = map[string]check{
		"test_id":         text,
		"partner":         matching(`^[A-Z][A-Z0-9_]*$`, "must be a name in capitals"),
		"partner_version": text,
		"events":          list,
	}
	redditEvent = map[string]check{
		"event_at":         integer,
		"action_source":    oneOf("WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"),
		"event_source_url": webURL,
		"type":             object,
		"click_id":         filled, // bytes of somebody else's: any
		"user":             filledObject,
		"metadata":         filledObject,
	}
	redditType = map[string]check{
		"tracking_type":     oneOf("PAGE_VISIT", "VIEW_CONTENT", "SEARCH", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE", "LEAD", "SIGN_UP", "CUSTOM"),
		"custom_event_name": text,
	}
	redditUser = map[string]check{
		"email":                   hashedOr(`^[^@\s]+@[^@\s]+\.[^@\s]+$`, "an address"),
		"phone_number":            hashedOr(`^\+[1-9][0-9]{6,14}$`, "a number in E.164"),
		"external_id":             hashedOr(`^\S(.*\S)?$`, "an ID"),
		"ip_address":              address,
		"user_agent":              clearText,
		"uuid":                    matching(redditUUID, "must be the part after the dot of the cookie _rdt_uuid"),
		"idfa":                    hashedOr(redditUUID, "a device's ID"),
		"aaid":                    hashedOr(redditUUID, "a device's ID"),
		"screen_dimensions":       members(map[string]check{"width": screen, "height": screen}, "width", "height"),
		"data_processing_options": members(redditProcessing, "modes", "country"),
	}
	redditProcessing = map[string]check{
		"modes":   orList(oneOf("LDU")),
		"country": matching(`^[A-Z]{2}$`, "must be an ISO 3166-1 code in capitals"),
		"region":  matching(`^([A-Z]{2}-)?[A-Z0-9]{1,3}$`, "must be an ISO 3166-2 code"),
	}
	redditMetadata = map[string]check{
		"conversion_id": text,
		"value":         notNegative,
		"currency":      capitalCurrency,
		"item_count":    count,
		"products":      listOf(members(redditProduct, "id")),
	}
	redditProduct = map[string]check{
		"id": text, "name": text, "category": text, "item_price": notNegative, "quantity": count,
	}
)

const redditUUID = `^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`

var digestPattern = regexp.MustCompile(`^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$`)

// matching takes text of a form.
func matching(pattern, problem string) check {
	form := regexp.MustCompile(pattern)
	return func(v any) string {
		if s, ok := v.(string); !ok || !form.MatchString(s) {
			return problem
		}
		return ""
	}
}

// hashedOr takes a SHA-256 digest in lower case, or clear text of a form that is
// no other digest.
func hashedOr(pattern, what string) check {
	form := regexp.MustCompile(pattern)
	return func(v any) string {
		s, ok := v.(string)
		switch {
		case ok && hashPattern.MatchString(s):
			return ""
		case !ok || digestPattern.MatchString(s) || !form.MatchString(s):
			return "must be SHA-256, 64 hex digits in lower case, or " + what
		}
		return ""
	}
}

// clearText takes what must not be hashed.
func clearText(v any) string {
	if s, _ := v.(string); digestPattern.MatchString(s) {
		return "must not be hashed"
	}
	return text(v)
}

// filled takes any text but an empty one.
func filled(v any) string {
	if s, ok := v.(string); !ok || s == "" {
		return "must be a string, not empty"
	}
	return ""
}

func filledObject(v any) string {
	if o, ok := v.(map[string]any); !ok || len(o) == 0 {
		return "must be an object, not empty"
	}
	return ""
}

// members takes an object of those keys, some of which it must have.
func members(known map[string]check, required ...string) check {
	return func(v any) string {
		o, ok := v.(map[string]any)
		if !ok {
			return "must be an object"
		}
		if refusal := redditKeys(o, known); refusal != nil {
			return refusal.message
		}
		for _, key := range required {
			if _, ok := o[key]; !ok {
				return "lacks " + key
			}
		}
		return ""
	}
}

func notNegative(v any) string {
	if n, _ := v.(json.Number); strings.HasPrefix(n.String(), "-") {
		return "must not be negative"
	}
	return number(v)
}

func count(v any) string {
	if problem := integer(v); problem != "" {
		return problem
	}
	return notNegative(v)
}

// screen is a length in pixels.
func screen(v any) string {
	n, _ := v.(json.Number)
	if i, err := n.Int64(); err != nil || i < 1 || i > 32767 {
		return "must be an integer from 1 to 32767"
	}
	return ""
}

func capitalCurrency(v any) string {
	if s, _ := v.(string); s != strings.ToUpper(s) {
		return "must be in capitals"
	}
	return currency(v)
}
