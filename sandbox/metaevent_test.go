package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

func TestMetaRefusesWrongEvents(t *testing.T) {
	day := 24 * time.Hour
	tests := map[string]struct {
		change  func(e object)
		subcode int
		field   string // that is blamed
	}{
		"unknown key":                       {func(e object) { e["event_value"] = 1 }, 0, "1.event_value"},
		"unknown user key":                  {func(e object) { user(e)["email"] = "a@example.com" }, 0, "1.user_data.email"},
		"key only an SDK knows":             {func(e object) { user(e)["f5first"] = strings.Repeat("0", 64) }, 0, "1.user_data.f5first"},
		"null":                              {func(e object) { e["referrer_url"] = nil }, 0, "1.referrer_url"},
		"null in user data":                 {func(e object) { user(e)["fbp"] = nil }, 0, "1.user_data.fbp"},
		"null in a list":                    {func(e object) { user(e)["ge"] = []any{nil} }, 0, "1.user_data.ge"},
		"empty list":                        {func(e object) { user(e)["em"] = []any{} }, 0, "1.user_data.em"},
		"no event name":                     {func(e object) { delete(e, "event_name") }, 0, "1.event_name"},
		"empty event name":                  {func(e object) { e["event_name"] = "" }, 0, "1.event_name"},
		"numeric event ID":                  {func(e object) { e["event_id"] = 17 }, 0, "1.event_id"},
		"no event time":                     {func(e object) { delete(e, "event_time") }, 0, "1.event_time"},
		"event time as text":                {func(e object) { e["event_time"] = "1790000000" }, 0, "1.event_time"},
		"event time with a fraction":        {func(e object) { e["event_time"] = 1790000000.5 }, 0, "1.event_time"},
		"event time in milliseconds":        {func(e object) { e["event_time"] = noon.UnixMilli() }, 0, "1.event_time"},
		"event time two minutes ahead":      {func(e object) { e["event_time"] = noon.Add(2 * time.Minute).Unix() }, 0, "1.event_time"},
		"seven days and a second old":       {func(e object) { e["event_time"] = noon.Add(-7*day - time.Second).Unix() }, 2804003, "1.event_time"},
		"store event of 63 days":            {func(e object) { e["action_source"] = "physical_store"; e["event_time"] = noon.Add(-63 * day).Unix() }, 2804003, "1.event_time"},
		"no action source":                  {func(e object) { delete(e, "action_source") }, 0, "1.action_source"},
		"action source in capitals":         {func(e object) { e["action_source"] = "WEBSITE" }, 0, "1.action_source"},
		"website without a page":            {func(e object) { delete(e, "event_source_url") }, 0, "1.event_source_url"},
		"page without a scheme":             {func(e object) { e["event_source_url"] = "lp.example.com" }, 0, "1.event_source_url"},
		"no user data":                      {func(e object) { delete(e, "user_data") }, 0, "1.user_data"},
		"user data is a list":               {func(e object) { e["user_data"] = []any{} }, 0, "1.user_data"},
		"empty user data":                   {func(e object) { e["user_data"] = object{} }, 2804050, "1.user_data"},
		"user agent alone":                  {func(e object) { e["user_data"] = object{"client_user_agent": "x"} }, 2804050, "1.user_data"},
		"birth date and user agent":         {func(e object) { e["user_data"] = object{"db": strings.Repeat("0", 64), "client_user_agent": "x"} }, 2804050, "1.user_data"},
		"first name and gender":             {func(e object) { e["user_data"] = object{"fn": strings.Repeat("0", 64), "ge": strings.Repeat("0", 64)} }, 2804050, "1.user_data"},
		"clear email":                       {func(e object) { user(e)["em"] = "john@example.com" }, 0, "1.user_data.em"},
		"hash in capitals":                  {func(e object) { user(e)["ph"] = strings.Repeat("AB", 32) }, 0, "1.user_data.ph"},
		"MD5":                               {func(e object) { user(e)["em"] = strings.Repeat("ab", 16) }, 0, "1.user_data.em"},
		"one clear email in a list":         {func(e object) { user(e)["em"] = []string{strings.Repeat("0a", 32), "a@example.com"} }, 0, "1.user_data.em"},
		"numeric external ID":               {func(e object) { user(e)["external_id"] = 12 }, 0, "1.user_data.external_id"},
		"address with a port":               {func(e object) { user(e)["client_ip_address"] = "203.0.113.9:443" }, 0, "1.user_data.client_ip_address"},
		"address with a space":              {func(e object) { user(e)["client_ip_address"] = " 203.0.113.9" }, 0, "1.user_data.client_ip_address"},
		"address in brackets":               {func(e object) { user(e)["client_ip_address"] = "[2001:db8::1]" }, 0, "1.user_data.client_ip_address"},
		"empty fbc":                         {func(e object) { user(e)["fbc"] = "" }, 2804001, "1.user_data.fbc"},
		"fbc of three parts":                {func(e object) { user(e)["fbc"] = "fb.1.IwAR2F4" }, 2804001, "1.user_data.fbc"},
		"fbc in seconds":                    {func(e object) { user(e)["fbc"] = "fb.1.1789990000.IwAR2F4" }, 2804001, "1.user_data.fbc"},
		"raw fbclid as fbc":                 {func(e object) { user(e)["fbc"] = "IwAR2F4-dbP0l7Mn1Iaw" }, 2804001, "1.user_data.fbc"},
		"invented fbp":                      {func(e object) { user(e)["fbp"] = "fb.1.1789990000123.abc" }, 0, "1.user_data.fbp"},
		"purchase without custom data":      {func(e object) { delete(e, "custom_data") }, 2804009, "1.custom_data"},
		"purchase without value":            {func(e object) { delete(custom(e), "value") }, 2804009, "1.custom_data"},
		"purchase without currency":         {func(e object) { delete(custom(e), "currency") }, 2804009, "1.custom_data"},
		"value as text":                     {func(e object) { custom(e)["value"] = "42.50" }, 0, "1.custom_data.value"},
		"negative purchase":                 {func(e object) { custom(e)["value"] = -1 }, 0, "1.custom_data.value"},
		"currency that is none":             {func(e object) { custom(e)["currency"] = "USDT" }, 0, "1.custom_data.currency"},
		"currency that is no money":         {func(e object) { custom(e)["currency"] = "BTC" }, 0, "1.custom_data.currency"},
		"numeric order ID":                  {func(e object) { custom(e)["order_id"] = 5 }, 0, "1.custom_data.order_id"},
		"custom property repeats a key":     {func(e object) { custom(e)["Value"] = 1 }, 0, "1.custom_data.Value"},
		"custom property is personal":       {func(e object) { custom(e)["Email"] = "a@example.com" }, 0, "1.custom_data.Email"},
		"custom property is null":           {func(e object) { custom(e)["plan"] = nil }, 0, "1.custom_data.plan"},
		"contents without an ID":            {func(e object) { custom(e)["contents"] = []object{{"quantity": 1}} }, 0, "1.custom_data.contents.0.id"},
		"contents with an unknown key":      {func(e object) { custom(e)["contents"] = []object{{"id": "a", "price": 1}} }, 0, "1.custom_data.contents.0.price"},
		"unknown content type":              {func(e object) { custom(e)["content_type"] = "service" }, 0, "1.custom_data.content_type"},
		"opt_out as text":                   {func(e object) { e["opt_out"] = "true" }, 0, "1.opt_out"},
		"unknown processing option":         {func(e object) { e["data_processing_options"] = []string{"LDU", "CCPA"} }, 0, "1.data_processing_options"},
		"LDU without a country":             {func(e object) { e["data_processing_options"] = []string{"LDU"} }, 0, "1.data_processing_options_country"},
		"LDU with a country and no state":   {func(e object) { ldu(e, 1, nil) }, 0, "1.data_processing_options_state"},
		"LDU with an unknown state":         {func(e object) { ldu(e, 1, 1014) }, 0, "1.data_processing_options_state"},
		"LDU with neither state nor IP":     {func(e object) { ldu(e, 0, 0); delete(user(e), "client_ip_address") }, 0, "1.data_processing_options_state"},
		"country of an option not set":      {func(e object) { e["data_processing_options_country"] = 1 }, 0, "1.data_processing_options"},
		"app without app data":              {func(e object) { e["action_source"] = "app" }, 0, "1.app_data"},
		"app data on a website":             {func(e object) { app(e, "19"); e["action_source"] = "website" }, 0, "1.app_data"},
		"app without a system version":      {func(e object) { app(e, "") }, 2804043, "1.app_data.extinfo"},
		"app with short extinfo":            {func(e object) { app(e, "19"); e["app_data"].(object)["extinfo"] = []string{"i2"} }, 0, "1.app_data.extinfo"},
		"app with an unknown key":           {func(e object) { app(e, "19"); e["app_data"].(object)["sdk"] = "x" }, 0, "1.app_data.sdk"},
		"lead in a messenger":               {func(e object) { messaging(e, "whatsapp"); e["event_name"] = "Lead" }, 2804066, "1.event_name"},
		"messaging without a channel":       {func(e object) { e["action_source"] = "business_messaging" }, 0, "1.messaging_channel"},
		"unknown channel":                   {func(e object) { messaging(e, "sms") }, 0, "1.messaging_channel"},
		"items as a fraction":               {func(e object) { custom(e)["num_items"] = 1.5 }, 0, "1.custom_data.num_items"},
		"value out of range":                {func(e object) { custom(e)["value"] = json.Number("1e999") }, 0, "1.custom_data.value"},
		"app with another extinfo":          {func(e object) { app(e, "19"); e["app_data"].(object)["extinfo"].([]string)[0] = "x2" }, 0, "1.app_data.extinfo"},
		"app without its flags":             {func(e object) { app(e, "19"); delete(e["app_data"].(object), "advertiser_tracking_enabled") }, 0, "1.app_data.advertiser_tracking_enabled"},
		"unknown key of the original event": {func(e object) { e["original_event_data"] = object{"name": "Lead"} }, 0, "1.original_event_data.name"},
		"attribution data":                  {func(e object) { e["attribution_data"] = object{"ad_id": "1"} }, 0, "1.attribution_data"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
			bad := purchase("2")
			test.change(bad)
			got := send(t, meta, request("POST", metaURL, batch(t, purchase("1"), bad)))
			if diff := cmp.Diff(verdict{HTTP: 400, Code: 100, Subcode: test.subcode, Field: test.field}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := len(meta.Events()); n != 0 {
				t.Errorf("%d events kept of a refused request", n)
			}
		})
	}
}

func ldu(e object, country, state any) {
	e["data_processing_options"], e["data_processing_options_country"] = []string{"LDU"}, country
	if state != nil {
		e["data_processing_options_state"] = state
	}
}

func app(e object, version string) {
	info := make([]string, 16)
	info[0], info[4] = "i2", version
	e["action_source"] = "app"
	e["app_data"] = object{"advertiser_tracking_enabled": 1, "application_tracking_enabled": 0, "extinfo": info}
}

func messaging(e object, channel string) {
	e["action_source"], e["messaging_channel"] = "business_messaging", channel
}

func TestMetaTakesRightEvents(t *testing.T) {
	tests := map[string]func(e object){
		"as it is":       func(object) {},
		"seven days old": func(e object) { e["event_time"] = noon.Add(-7 * 24 * time.Hour).Unix() },
		"a minute ahead": func(e object) { e["event_time"] = noon.Add(time.Minute).Unix() },
		"store event of 62 days": func(e object) {
			e["action_source"] = "physical_store"
			e["event_time"] = noon.Add(-62 * 24 * time.Hour).Unix()
		},
		"address and agent only":     func(e object) { delete(user(e), "fbc"); delete(user(e), "em"); delete(user(e), "external_id") },
		"fbc only":                   func(e object) { e["user_data"] = object{"fbc": "fb.1.1789990000123.IwAR2F4"} },
		"fbc with a tag":             func(e object) { user(e)["fbc"] = "fb.1.1789990000123.IwAR2F4.AQQCAQMC" },
		"IPv6":                       func(e object) { user(e)["client_ip_address"] = "2001:db8::1" },
		"fbp":                        func(e object) { user(e)["fbp"] = "fb.1.1789990000123.1234567890" },
		"one hash, no list":          func(e object) { user(e)["ph"] = strings.Repeat("0f", 32) },
		"worth nothing":              func(e object) { custom(e)["value"] = 0 },
		"currency in lower case":     func(e object) { custom(e)["currency"] = "eur" },
		"lead without a value":       func(e object) { e["event_name"] = "Lead"; delete(e, "custom_data") },
		"custom event":               func(e object) { e["event_name"] = "Refund"; custom(e)["value"] = -42.5 },
		"no limited use, explicitly": func(e object) { e["data_processing_options"] = []string{} },
		"limited use":                func(e object) { ldu(e, 1, 1000) },
		"limited use, located":       func(e object) { ldu(e, 0, 0) },
		"app":                        func(e object) { app(e, "19.1") },
		"messenger":                  func(e object) { messaging(e, "messenger") },
		"items":                      func(e object) { custom(e)["num_items"] = 2 },
		"items as text":              func(e object) { custom(e)["num_items"] = "2" },
		"contents":                   func(e object) { custom(e)["contents"] = []object{{"id": "a", "quantity": 1, "item_price": 9.9}} },
		"original event":             func(e object) { e["original_event_data"] = object{"event_name": "Lead", "event_time": noon.Unix()} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
			e := purchase("1")
			change(e)
			got := send(t, meta, request("POST", metaURL, batch(t, e)))
			if diff := cmp.Diff(verdict{HTTP: 200, Received: 1}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
