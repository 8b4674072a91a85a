package reddit

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	purchase = "PURCHASE"
	custom   = "CUSTOM"
	// maxCustomName is how many characters the name of a custom event has at
	// most.
	maxCustomName = 64
)

// eventType says what happened.
type eventType struct {
	Tracking string `json:"tracking_type"`
	Custom   string `json:"custom_event_name,omitempty"`
	// valued: Reddit takes a value and a currency with it.
	valued bool
}

// standardTypes are those that Reddit knows by name, by their names without
// underscores.
var standardTypes = map[string]eventType{
	"PAGEVISIT":     {Tracking: "PAGE_VISIT"},
	"VIEWCONTENT":   {Tracking: "VIEW_CONTENT"},
	"SEARCH":        {Tracking: "SEARCH"},
	"ADDTOCART":     {Tracking: "ADD_TO_CART", valued: true},
	"ADDTOWISHLIST": {Tracking: "ADD_TO_WISHLIST", valued: true},
	"PURCHASE":      {Tracking: purchase, valued: true},
	"LEAD":          {Tracking: "LEAD", valued: true},
	"SIGNUP":        {Tracking: "SIGN_UP", valued: true},
}

// typeOf returns an event's type by the name that the destination gave it. A
// standard one is recognized in any spelling: "PageVisit" was a page visit to
// version 2 of the API, and the pixel says so still; to version 3 it would be
// some custom event, and nobody would notice. Any other name is a custom event.
func typeOf(name string) (eventType, error) {
	plain := strings.ReplaceAll(strings.ToUpper(name), "_", "")
	if standard, ok := standardTypes[plain]; ok {
		return standard, nil
	}
	switch {
	case name == "":
		return eventType{}, errors.New("no event name")
	case plain == custom:
		return eventType{}, errors.New("a custom event needs a name of its own: write that instead of CUSTOM")
	case !utf8.ValidString(name) || strings.TrimSpace(name) != name:
		return eventType{}, fmt.Errorf("event name %q is not UTF-8, or has white space around it", name)
	case utf8.RuneCountInString(name) > maxCustomName:
		return eventType{}, fmt.Errorf("event name %q is longer than the %d characters of a custom event", name, maxCustomName)
	}
	return eventType{Tracking: custom, Custom: name, valued: true}, nil
}
