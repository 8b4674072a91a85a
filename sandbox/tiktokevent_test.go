package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

func ttUser(e object) object  { return e["user"].(object) }
func ttPage(e object) object  { return e["page"].(object) }
func ttProps(e object) object { return e["properties"].(object) }

func TestTikTokRefusesWrongEvents(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	tests := map[string]struct {
		change func(e object)
		field  string // that the message names
	}{
		"unknown key":                    {func(e object) { e["context"] = object{} }, "context"},
		"misspelled user key":            {func(e object) { ttUser(e)["ttclidX"] = "E.C.P" }, "user.ttclidX"},
		"Meta's user key":                {func(e object) { ttUser(e)["em"] = hash }, "user.em"},
		"an app's key":                   {func(e object) { ttUser(e)["idfa"] = "A" }, "user.idfa"},
		"null":                           {func(e object) { e["limited_data_use"] = nil }, "limited_data_use"},
		"null in user":                   {func(e object) { ttUser(e)["ttp"] = nil }, "user.ttp"},
		"null in a list":                 {func(e object) { ttUser(e)["external_id"] = []any{nil} }, "user.external_id"},
		"empty list":                     {func(e object) { ttUser(e)["email"] = []any{} }, "user.email"},
		"no event name":                  {func(e object) { delete(e, "event") }, "event"},
		"empty event name":               {func(e object) { e["event"] = "" }, "event"},
		"standard event in another case": {func(e object) { e["event"] = "purchase" }, "event"},
		"no event ID":                    {func(e object) { delete(e, "event_id") }, "event_id"},
		"numeric event ID":               {func(e object) { e["event_id"] = 17 }, "event_id"},
		"no event time":                  {func(e object) { delete(e, "event_time") }, "event_time"},
		"event time as ISO text":         {func(e object) { e["event_time"] = "2026-11-20T11:00:00Z" }, "event_time"},
		"event time with a fraction":     {func(e object) { e["event_time"] = 1790000000.5 }, "event_time"},
		"event time in milliseconds":     {func(e object) { e["event_time"] = noon.UnixMilli() }, "event_time"},
		"event time two minutes ahead":   {func(e object) { e["event_time"] = noon.Add(2 * time.Minute).Unix() }, "event_time"},
		"event time in minutes":          {func(e object) { e["event_time"] = noon.Unix() / 60 }, "event_time"},
		"no user":                        {func(e object) { delete(e, "user") }, "user"},
		"user as text":                   {func(e object) { e["user"] = "x" }, "user"},
		"empty user":                     {func(e object) { e["user"] = object{} }, "user.ip"},
		"browser only":                   {func(e object) { e["user"] = object{"user_agent": "x"} }, "user.ip"},
		"address only":                   {func(e object) { e["user"] = object{"ip": "203.0.113.9"} }, "user.user_agent"},
		"empty ttclid":                   {func(e object) { ttUser(e)["ttclid"] = "" }, "user.ttclid"},
		"ttclid of 1001":                 {func(e object) { ttUser(e)["ttclid"] = strings.Repeat("a", 1001) }, "user.ttclid"},
		"ttclid with white space":        {func(e object) { ttUser(e)["ttclid"] = "E.C .P" }, "user.ttclid"},
		"ttclid in a list":               {func(e object) { ttUser(e)["ttclid"] = []string{"E.C.P"} }, "user.ttclid"},
		"e-mail in clear":                {func(e object) { ttUser(e)["email"] = "a@example.com" }, "user.email"},
		"digest in capitals":             {func(e object) { ttUser(e)["email"] = strings.Repeat("0A", 32) }, "user.email"},
		"digest by MD5":                  {func(e object) { ttUser(e)["phone"] = strings.Repeat("0a", 16) }, "user.phone"},
		"digest of nothing": {func(e object) {
			ttUser(e)["phone"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		}, "user.phone"},
		"phone in clear":               {func(e object) { ttUser(e)["phone"] = "+12133734253" }, "user.phone"},
		"ID in clear":                  {func(e object) { ttUser(e)["external_id"] = "user_123" }, "user.external_id"},
		"name in clear":                {func(e object) { ttUser(e)["first_name"] = "mary" }, "user.first_name"},
		"zip in clear":                 {func(e object) { ttUser(e)["zip_code"] = "94035" }, "user.zip_code"},
		"zip by Meta's name":           {func(e object) { ttUser(e)["zip"] = hash }, "user.zip"},
		"city hashed":                  {func(e object) { ttUser(e)["city"] = hash }, "user.city"},
		"city with a space":            {func(e object) { ttUser(e)["city"] = "new york" }, "user.city"},
		"state in capitals":            {func(e object) { ttUser(e)["state"] = "CA" }, "user.state"},
		"country by name":              {func(e object) { ttUser(e)["country"] = "germany" }, "user.country"},
		"address with a port":          {func(e object) { ttUser(e)["ip"] = "203.0.113.9:443" }, "user.ip"},
		"address hashed":               {func(e object) { ttUser(e)["ip"] = hash }, "user.ip"},
		"language list":                {func(e object) { ttUser(e)["locale"] = "en-US,en;q=0.9" }, "user.locale"},
		"no page":                      {func(e object) { delete(e, "page") }, "page"},
		"page without URL":             {func(e object) { delete(ttPage(e), "url") }, "page.url"},
		"page without scheme":          {func(e object) { ttPage(e)["url"] = "lp.example.com" }, "page.url"},
		"page with an unknown key":     {func(e object) { ttPage(e)["title"] = "x" }, "page.title"},
		"empty referrer":               {func(e object) { ttPage(e)["referrer"] = "" }, "page.referrer"},
		"value as text":                {func(e object) { ttProps(e)["value"] = "42.50" }, "properties.value"},
		"value out of range":           {func(e object) { ttProps(e)["value"] = json.Number("1e999") }, "properties.value"},
		"value without currency":       {func(e object) { delete(ttProps(e), "currency") }, "properties.currency"},
		"currency without value":       {func(e object) { delete(ttProps(e), "value") }, "properties.value"},
		"negative purchase":            {func(e object) { ttProps(e)["value"] = -1 }, "properties.value"},
		"currency in lower case":       {func(e object) { ttProps(e)["currency"] = "usd" }, "properties.currency"},
		"currency TikTok has not":      {func(e object) { ttProps(e)["currency"] = "XOF" }, "properties.currency"},
		"numeric order ID":             {func(e object) { ttProps(e)["order_id"] = 5 }, "properties.order_id"},
		"contents_ids":                 {func(e object) { ttProps(e)["contents_ids"] = []string{"a"} }, "properties.contents_ids"},
		"numeric content ID":           {func(e object) { ttProps(e)["contents"] = []object{{"content_id": 5}} }, "properties.contents.0.content_id"},
		"contents with an unknown key": {func(e object) { ttProps(e)["contents"] = []object{{"id": "a"}} }, "properties.contents.0.id"},
		"contents that is no object":   {func(e object) { ttProps(e)["contents"] = []any{"a"} }, "properties.contents"},
		"unknown content type":         {func(e object) { ttProps(e)["content_type"] = "service" }, "properties.content_type"},
		"limited use as text":          {func(e object) { e["limited_data_use"] = "true" }, "limited_data_use"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{})
			bad := ttPurchase("2")
			test.change(bad)
			got := ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, encode(t, ttEnvelope(ttPurchase("1"), bad))))
			if diff := cmp.Diff(ttVerdict{HTTP: 200, Code: 40002, Field: "1." + test.field}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := len(tiktok.Events()); n != 0 {
				t.Errorf("%d events kept of a refused request", n)
			}
		})
	}
}

func TestTikTokTakesRightEvents(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	tests := map[string]func(e object){
		"as it is":               func(object) {},
		"thirty days old":        func(e object) { e["event_time"] = noon.Add(-30 * 24 * time.Hour).Unix() },
		"a minute ahead":         func(e object) { e["event_time"] = noon.Add(time.Minute).Unix() },
		"click ID only":          func(e object) { e["user"] = object{"ttclid": "E.C.P" + strings.Repeat("a", 995)} },
		"cookie only":            func(e object) { e["user"] = object{"ttp": "2Ab3"} },
		"address and browser":    func(e object) { e["user"] = object{"ip": "2001:db8::1", "user_agent": "x"} },
		"one digest, no list":    func(e object) { ttUser(e)["email"] = hash },
		"several digests":        func(e object) { ttUser(e)["phone"] = []string{hash, strings.Repeat("0b", 32)} },
		"places in clear":        func(e object) { ttUser(e)["city"], ttUser(e)["state"], ttUser(e)["country"] = "zürich", "zh", "ch" },
		"language":               func(e object) { ttUser(e)["locale"] = "zh-Hant-TW" },
		"worth nothing":          func(e object) { ttProps(e)["value"] = 0 },
		"without properties":     func(e object) { delete(e, "properties") },
		"custom event, a loss":   func(e object) { e["event"], ttProps(e)["value"] = "Refund", -42.5 },
		"retired name":           func(e object) { e["event"] = "CompletePayment" },
		"limited use":            func(e object) { e["limited_data_use"] = true },
		"referrer":               func(e object) { ttPage(e)["referrer"] = "https://www.tiktok.com/" },
		"contents":               func(e object) { ttProps(e)["contents"] = []object{{"content_id": "a", "quantity": 1, "price": 9.9}} },
		"content IDs and a type": func(e object) { ttProps(e)["content_ids"], ttProps(e)["content_type"] = []string{"a"}, "product" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{})
			e := ttPurchase("1")
			change(e)
			got := ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, encode(t, ttEnvelope(e))))
			if diff := cmp.Diff(ttVerdict{HTTP: 200}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := len(tiktok.Events()); n != 1 {
				t.Errorf("%d events kept, want 1", n)
			}
		})
	}
}
