package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// part returns an object of an event.
func part(e object, key string) object { return e[key].(object) }

func TestRedditRefusesWrongEvents(t *testing.T) {
	day := 24 * time.Hour
	upper := strings.Repeat("AB", 32)
	md5 := strings.Repeat("ab", 16)
	kind := func(word string) func(e object) { return func(e object) { part(e, "type")["tracking_type"] = word } }
	set := func(in, key string, v any) func(e object) { return func(e object) { part(e, in)[key] = v } }
	top := func(key string, v any) func(e object) { return func(e object) { e[key] = v } }
	// Faults of form name the field; those of content come with the event.
	form := map[string]struct {
		change func(e object)
		says   string
	}{
		"unknown key":                 {top("event_name", "x"), `unknown field\" on field \"data.events.1.event_name`},
		"test ID in an event":         {top("test_id", "x"), "data.events.1.test_id"},
		"version 2's type":            {top("event_type", object{"tracking_type": "PURCHASE"}), "event_type"},
		"version 2's metadata":        {top("event_metadata", object{}), "event_metadata"},
		"version 2's value":           {set("metadata", "value_decimal", 1.5), "value_decimal"},
		"version 2's opt-out":         {set("user", "opt_out", true), "opt_out"},
		"unknown user key":            {set("user", "em", "x"), "user.em"},
		"null":                        {top("click_id", nil), "click_id"},
		"empty click ID":              {top("click_id", ""), "click_id"},
		"no event_at":                 {func(e object) { delete(e, "event_at") }, "missing event_at"},
		"event_at as text":            {top("event_at", "2026-11-20T11:00:00Z"), "event_at"},
		"event_at with a fraction":    {top("event_at", 1795172523000.5), "event_at"},
		"no action source":            {func(e object) { delete(e, "action_source") }, "missing action_source"},
		"action source in lower":      {top("action_source", "website"), "action_source"},
		"no type":                     {func(e object) { delete(e, "type") }, "missing type"},
		"version 2's word":            {kind("Purchase"), "tracking_type"},
		"page without a scheme":       {top("event_source_url", "lp.example.com"), "event_source_url"},
		"empty user":                  {top("user", object{}), "user"},
		"email that is none":          {set("user", "email", "john"), "user.email"},
		"email digest in capitals":    {set("user", "email", upper), "user.email"},
		"email as MD5":                {set("user", "email", md5), "user.email"},
		"list of emails":              {set("user", "email", []string{"a@example.com"}), "user.email"},
		"phone without its plus":      {set("user", "phone_number", "16505551212"), "user.phone_number"},
		"numeric external ID":         {set("user", "external_id", 12), "user.external_id"},
		"external ID in capitals":     {set("user", "external_id", upper), "user.external_id"},
		"hashed address":              {set("user", "ip_address", strings.Repeat("0a", 32)), "user.ip_address"},
		"address with a port":         {set("user", "ip_address", "203.0.113.9:443"), "user.ip_address"},
		"hashed user agent":           {set("user", "user_agent", strings.Repeat("0a", 32)), "user.user_agent"},
		"whole cookie as UUID":        {set("user", "uuid", "1763629329457.0f8b2c4e-9a1d-4c3b-8e7f-6a5b4c3d2e1f"), "user.uuid"},
		"idfa that is none":           {set("user", "idfa", "x"), "user.idfa"},
		"screen of no width":          {set("user", "screen_dimensions", object{"width": 0, "height": 800}), "screen_dimensions"},
		"screen without height":       {set("user", "screen_dimensions", object{"width": 600}), "lacks height"},
		"limited without country":     {set("user", "data_processing_options", object{"modes": []string{"LDU"}}), "lacks country"},
		"limited in lower case":       {set("user", "data_processing_options", object{"modes": []string{"LDU"}, "country": "us"}), "data_processing_options"},
		"limited by no mode":          {set("user", "data_processing_options", object{"modes": []string{}, "country": "US"}), "data_processing_options"},
		"another mode":                {set("user", "data_processing_options", object{"modes": []string{"GDPR"}, "country": "US"}), "data_processing_options"},
		"region by name":              {set("user", "data_processing_options", object{"modes": []string{"LDU"}, "country": "US", "region": "California"}), "data_processing_options"},
		"numeric conversion ID":       {set("metadata", "conversion_id", 17), "metadata.conversion_id"},
		"value as text":               {set("metadata", "value", "42.5"), "metadata.value"},
		"negative value":              {set("metadata", "value", -1), "metadata.value"},
		"currency in lower case":      {set("metadata", "currency", "usd"), "metadata.currency"},
		"no currency":                 {set("metadata", "currency", "USDT"), "metadata.currency"},
		"number of items as text":     {set("metadata", "item_count", "1"), "metadata.item_count"},
		"product without an ID":       {set("metadata", "products", []object{{"name": "x"}}), "lacks id"},
		"product as the pixel writes": {set("metadata", "products", []object{{"id": "x", "itemPrice": 1}}), "itemPrice"},
	}
	for name, test := range form {
		t.Run(name, func(t *testing.T) {
			reddit, e := sandbox.NewReddit(atNoon, sandbox.RedditConfig{}), rdPurchase("2")
			test.change(e)
			got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, rdBatch(t, rdPurchase("1"), e)))
			if said := strings.ReplaceAll(test.says, `\"`, `"`); got.HTTP != 400 || got.Invalid != nil || !strings.Contains(got.Message, said) {
				t.Errorf("answer %+v, want 400 with %q", got, said)
			}
			if n := len(reddit.Events()); n != 0 {
				t.Errorf("%d events kept", n)
			}
		})
	}
	content := map[string]struct {
		change func(e object)
		says   string
	}{
		"event_at in seconds":      {top("event_at", noon.Unix()), "milliseconds"},
		"event_at a week ago":      {top("event_at", noon.Add(-7*day).UnixMilli()), "less than 168h0m0s old"},
		"event_at soon":            {top("event_at", noon.Add(5*time.Minute+time.Millisecond).UnixMilli()), "future"},
		"no tracking type":         {top("type", object{}), "missing tracking_type"},
		"custom without a name":    {kind("CUSTOM"), "custom_event_name is required"},
		"name of a standard event": {set("type", "custom_event_name", "x"), "for CUSTOM alone"},
		"name of 65":               {top("type", object{"tracking_type": "CUSTOM", "custom_event_name": strings.Repeat("é", 65)}), "64 characters"},
		"page of an app":           {top("action_source", "APP"), "for the action source WEBSITE"},
		"no metadata":              {func(e object) { delete(e, "metadata") }, "lacks conversion_id"},
		"no conversion ID":         {func(e object) { delete(part(e, "metadata"), "conversion_id") }, "lacks conversion_id"},
		"value without currency":   {func(e object) { delete(part(e, "metadata"), "currency") }, "need each other"},
		"currency without value":   {func(e object) { delete(part(e, "metadata"), "value") }, "need each other"},
		"value of a page visit":    {kind("PAGE_VISIT"), "not supported for PAGE_VISIT"},
		"items of a lead":          {func(e object) { kind("LEAD")(e); set("metadata", "item_count", 1)(e) }, "item_count is not supported"},
		"nobody":                   {func(e object) { delete(e, "click_id"); delete(e, "user") }, "no match key"},
		"browser alone":            {func(e object) { delete(e, "click_id"); e["user"] = object{"user_agent": "x"} }, "no match key"},
	}
	for name, test := range content {
		t.Run(name, func(t *testing.T) {
			reddit, e := sandbox.NewReddit(atNoon, sandbox.RedditConfig{}), rdPurchase("2")
			test.change(e)
			got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, rdBatch(t, rdPurchase("1"), e)))
			if got.HTTP != 400 || len(got.Invalid) != 1 || !strings.Contains(got.Invalid[0], test.says) ||
				got.Message != "There were 1 invalid conversion events. None were processed." {
				t.Errorf("answer %+v, want 400 with %q", got, test.says)
			}
			if n := len(reddit.Events()); n != 0 {
				t.Errorf("%d events kept", n)
			}
		})
	}
}

func TestRedditTakesRightEvents(t *testing.T) {
	const id = "0f8b2c4e-9a1d-4c3b-8e7f-6a5b4c3d2e1f"
	user := func(u object) func(e object) { return func(e object) { delete(e, "click_id"); e["user"] = u } }
	tests := map[string]func(e object){
		"as it is":               func(object) {},
		"nearly a week old":      func(e object) { e["event_at"] = noon.Add(-168*time.Hour + time.Millisecond).UnixMilli() },
		"five minutes ahead":     func(e object) { e["event_at"] = noon.Add(5 * time.Minute).UnixMilli() },
		"no page":                func(e object) { delete(e, "event_source_url") },
		"in a shop":              func(e object) { delete(e, "event_source_url"); e["action_source"] = "PHYSICAL_STORE" },
		"click ID alone":         func(e object) { delete(e, "user") },
		"click ID with a space":  func(e object) { e["click_id"] = " <a&b> " },
		"clear email":            user(object{"email": "john@example.com"}),
		"clear phone":            user(object{"phone_number": "+16505551212"}),
		"clear external ID":      user(object{"external_id": "user_id_1"}),
		"cookie":                 user(object{"uuid": id}),
		"address and user agent": user(object{"ip_address": "2001:db8::1", "user_agent": "Mozilla/5.0"}),
		"device":                 user(object{"aaid": id, "screen_dimensions": object{"width": 1, "height": 32767}}),
		"limited": func(e object) {
			part(e, "user")["data_processing_options"] = object{"modes": []string{"LDU"}, "country": "US", "region": "US-CA"}
		},
		"worth nothing": func(e object) { part(e, "metadata")["value"] = 0 },
		"visit": func(e object) {
			e["type"] = object{"tracking_type": "PAGE_VISIT"}
			e["metadata"] = object{"conversion_id": "1"}
		},
		"custom, named": func(e object) {
			e["type"] = object{"tracking_type": "CUSTOM", "custom_event_name": strings.Repeat("é", 64)}
		},
		"one item": func(e object) { part(e, "metadata")["item_count"] = 1 },
		"what was sold": func(e object) {
			part(e, "metadata")["products"] = []object{{"id": "a", "item_price": 9.9, "quantity": 1}}
		},
		"hashed everything": user(object{"email": strings.Repeat("0a", 32), "phone_number": strings.Repeat("0b", 32), "external_id": strings.Repeat("0c", 32), "idfa": strings.Repeat("0d", 32)}),
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			reddit, e := sandbox.NewReddit(atNoon, sandbox.RedditConfig{}), rdPurchase("1")
			change(e)
			got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, rdBatch(t, e)))
			if diff := cmp.Diff(rdTaken(1), got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
