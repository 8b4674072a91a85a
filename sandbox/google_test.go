package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// ggSale is an event that Google takes.
func ggSale(id string) object {
	return object{
		"destinationReferences": []string{"action"}, "transactionId": id, "eventTimestamp": "2026-11-20T11:00:00.123Z", "eventSource": "WEB",
		"adIdentifiers":   object{"gclid": "Cj0-_~", "landingPageDeviceInfo": object{"userAgent": "Mozilla/5.0"}},
		"userData":        object{"userIdentifiers": []object{{"emailAddress": strings.Repeat("0a", 32)}}},
		"consent":         object{"adUserData": "CONSENT_GRANTED"},
		"conversionValue": 42.5, "currency": "USD",
	}
}

func ggDestination() object {
	return object{
		"reference":            "action",
		"operatingAccount":     object{"accountType": "GOOGLE_ADS", "accountId": sandbox.GoogleCustomer},
		"loginAccount":         object{"accountType": "GOOGLE_ADS", "accountId": "9876543210"},
		"productDestinationId": sandbox.GoogleAction,
	}
}

func ggTop(events ...object) object {
	return object{"destinations": []object{ggDestination()}, "encoding": "HEX", "events": events}
}

func ggBatch(t *testing.T, events ...object) string {
	t.Helper()
	return encode(t, ggTop(events...))
}

func ggRequest(method, url, body string) *http.Request {
	r := request(method, url, body)
	r.Header.Set("Authorization", "Bearer "+sandbox.GoogleToken)
	return r
}

// ggVerdict is what an answer of Google's says.
type ggVerdict struct {
	HTTP      int
	RequestID string
	Status    string // of an error, or of the one destination
	Reason    string // why its events failed
	Wrong     []string
}

func ggRead(w *httptest.ResponseRecorder) ggVerdict {
	var body struct {
		RequestID    string
		Destinations []struct {
			Status string `json:"requestStatus"`
			Error  struct {
				Counts []struct{ Reason string } `json:"errorCounts"`
			} `json:"errorInfo"`
		} `json:"requestStatusPerDestination"`
		Error struct {
			Status  string
			Details []struct {
				Violations []struct{ Field, Description, Reason string } `json:"fieldViolations"`
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		return ggVerdict{HTTP: w.Code, Status: w.Body.String()}
	}
	v := ggVerdict{HTTP: w.Code, RequestID: body.RequestID, Status: body.Error.Status}
	for _, d := range body.Destinations {
		v.Status = d.Status
		for _, c := range d.Error.Counts {
			v.Reason = c.Reason
		}
	}
	for _, d := range body.Error.Details {
		for _, x := range d.Violations {
			v.Wrong = append(v.Wrong, x.Field+": "+x.Description+" ["+x.Reason+"]")
		}
	}
	return v
}

func ggSend(h http.Handler, r *http.Request) ggVerdict {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return ggRead(w)
}

func ggAsk(h http.Handler, id string) ggVerdict {
	return ggSend(h, ggRequest("GET", sandbox.GoogleStatusPath+"?requestId="+id, ""))
}

func TestGoogleRefusesWrongRequests(t *testing.T) {
	one := ggBatch(t, ggSale("1"))
	many := make([]object, 2001)
	for i := range many {
		many[i] = ggSale(fmt.Sprint(i))
	}
	with := func(key string, value any) string {
		top := ggTop(ggSale("1"))
		top[key] = value
		return encode(t, top)
	}
	to := func(key string, value any) string {
		d := ggDestination()
		d[key] = value
		return with("destinations", []object{d})
	}
	account := func(kind, id string) object { return object{"accountType": kind, "accountId": id} }
	tests := map[string]struct {
		method, url, body string
		change            func(r *http.Request)
		status            int
		says              string
	}{
		"no token":                  {change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 401, says: "UNAUTHENTICATED"},
		"wrong token":               {change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, status: 401, says: "UNAUTHENTICATED"},
		"API key":                   {url: sandbox.GooglePath + "?key=x", status: 403, says: "PERMISSION_DENIED"},
		"another path":              {url: "/v1/events", status: 404, says: "NOT_FOUND"},
		"GET":                       {method: "GET", status: 404, says: "NOT_FOUND"},
		"text":                      {change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, status: 400, says: "application/json"},
		"half of it":                {body: one[:len(one)-1], status: 400, says: "not JSON"},
		"a list":                    {body: "[]", status: 400, says: "must be an object"},
		"a key twice":               {body: `{"events":[],"events":[]}`, status: 400, says: "twice"},
		"nothing":                   {body: `{}`, status: 400, says: "events: is missing"},
		"unknown key":               {body: with("partialFailure", true), status: 400, says: `Unknown name "partialFailure"`},
		"no event":                  {body: encode(t, ggTop()), status: 400, says: "events"},
		"2001 events":               {body: ggBatch(t, many...), status: 400, says: "TOO_MANY_EVENTS"},
		"an event that is null":     {body: with("events", []any{nil}), status: 400, says: "events[0]: must be an object"},
		"no destination":            {body: with("destinations", []object{}), status: 400, says: "TOO_MANY_DESTINATIONS"},
		"eleven destinations":       {body: with("destinations", make([]object, 11)), status: 400, says: "TOO_MANY_DESTINATIONS"},
		"reference twice":           {body: with("destinations", []object{ggDestination(), ggDestination()}), status: 400, says: "DUPLICATE_DESTINATION_REFERENCE"},
		"account with dashes":       {body: to("operatingAccount", account("GOOGLE_ADS", "123-456-7890")), status: 400, says: "destinations[0].operating_account.account_id: must be digits alone, as text [INVALID_NUMBER_FORMAT]"},
		"another account":           {body: to("operatingAccount", account("GOOGLE_ADS", "1")), status: 400, says: "PERMISSION_DENIED"},
		"account of no type":        {body: to("operatingAccount", object{"accountId": sandbox.GoogleCustomer}), status: 400, says: "operating_account"},
		"deprecated product":        {body: to("product", "GOOGLE_ADS"), status: 400, says: `Unknown name "product"`},
		"numeric action":            {body: to("productDestinationId", 6543210987), status: 400, says: "INVALID_NUMBER_FORMAT"},
		"another action":            {body: to("productDestinationId", "1"), status: 400, says: "INVALID_CONVERSION_ACTION_ID"},
		"encoding in lower case":    {body: with("encoding", "hex"), status: 400, says: "encoding"},
		"validateOnly as text":      {body: with("validateOnly", "true"), status: 400, says: "validate_only"},
		"Ads API's consent":         {body: with("consent", object{"adUserData": "GRANTED"}), status: 400, says: "consent"},
		"too large":                 {body: strings.Repeat(" ", 33<<20), status: 413, says: "INVALID_ARGUMENT"},
		"question about nothing":    {method: "GET", url: sandbox.GoogleStatusPath, body: " ", status: 400, says: "request_id"},
		"question about a stranger": {method: "GET", url: sandbox.GoogleStatusPath + "?requestId=x", body: "-", status: 400, says: "INVALID_REQUEST_ID"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
			if test.method == "" {
				test.method = "POST"
			}
			if test.url == "" {
				test.url = sandbox.GooglePath
			}
			switch test.body {
			case "":
				test.body = one
			case "-":
				test.body = ""
			}
			r := ggRequest(test.method, test.url, test.body)
			if test.change != nil {
				test.change(r)
			}
			got := ggSend(google, r)
			if got.HTTP != test.status || !strings.Contains(got.Status+strings.Join(got.Wrong, "\n"), test.says) {
				t.Errorf("answer %+v, want %d with %q", got, test.status, test.says)
			}
			if n := len(google.Events()); n != 0 {
				t.Errorf("%d events kept", n)
			}
		})
	}
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	if got := ggSend(google, ggRequest("POST", sandbox.GooglePath, ggBatch(t, many[:2000]...))); got.HTTP != 200 || len(google.Events()) != 2000 {
		t.Errorf("2000 events: %+v", got)
	}
}

func TestGoogleRefusesWrongEvents(t *testing.T) {
	top := func(key string, v any) func(e object) { return func(e object) { e[key] = v } }
	without := func(key string) func(e object) { return func(e object) { delete(e, key) } }
	user := func(u object) func(e object) { return top("userData", object{"userIdentifiers": []object{u}}) }
	place := func(change func(a object)) func(e object) {
		a := object{"givenName": strings.Repeat("0a", 32), "familyName": strings.Repeat("0b", 32), "regionCode": "US", "postalCode": "94035"}
		change(a)
		return user(object{"address": a})
	}
	tests := map[string]struct {
		change func(e object)
		says   string
	}{
		"unknown key":          {top("eventName", "purchase"), `events[1].event_name: Unknown name "eventName"`},
		"snake case":           {top("transaction_id", "x"), "Unknown name"},
		"no transaction ID":    {without("transactionId"), "events[1].transaction_id: is missing [REQUIRED_FIELD_MISSING]"},
		"empty transaction ID": {top("transactionId", ""), "transaction_id"},
		"no time":              {without("eventTimestamp"), "event_timestamp: is missing"},
		"Ads API's time":       {top("eventTimestamp", "2026-11-20 11:00:00+00:00"), "must be RFC 3339"},
		"time in seconds":      {top("eventTimestamp", noon.Unix()), "must be RFC 3339"},
		"time too long ago":    {top("eventTimestamp", "2026-08-20T11:00:00Z"), "EVENT_TIME_INVALID"},
		"time of tomorrow":     {top("eventTimestamp", "2026-11-21T12:00:00Z"), "EVENT_TIME_INVALID"},
		"no source":            {without("eventSource"), "event_source: is missing"},
		"source in lower case": {top("eventSource", "web"), "event_source"},
		"reference to nothing": {top("destinationReferences", []string{"x"}), "INVALID_DESTINATION"},
		"references as text":   {top("destinationReferences", "action"), "destination_references"},
		"two click IDs":        {top("adIdentifiers", object{"gclid": "a", "gbraid": "b"}), "MULTIPLE_DATA_TYPES_NOT_ALLOWED"},
		"empty click ID":       {top("adIdentifiers", object{"gclid": ""}), "ad_identifiers.gclid"},
		"click ID at the top":  {top("gclid", "a"), "Unknown name"},
		"unknown identifier":   {top("adIdentifiers", object{"gclid": "a", "fbclid": "b"}), "Unknown name"},
		"address with a port":  {top("adIdentifiers", object{"gclid": "a", "landingPageDeviceInfo": object{"ipAddress": "1.2.3.4:5"}}), "landing_page_device_info"},
		"nobody":               {func(e object) { delete(e, "adIdentifiers"); delete(e, "userData") }, "NO_IDENTIFIERS_PROVIDED"},
		"browser alone": {func(e object) {
			delete(e, "userData")
			e["adIdentifiers"] = object{"landingPageDeviceInfo": object{"userAgent": "x"}}
		}, "NO_IDENTIFIERS_PROVIDED"},
		"clear email":               {user(object{"emailAddress": "a@example.com"}), "INVALID_HEX_ENCODING"},
		"MD5":                       {user(object{"emailAddress": strings.Repeat("ab", 16)}), "INVALID_SHA256_FORMAT"},
		"digest of nothing":         {user(object{"phoneNumber": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}), "digest of nothing"},
		"two in one identifier":     {user(object{"emailAddress": strings.Repeat("0a", 32), "phoneNumber": strings.Repeat("0a", 32)}), "exactly one"},
		"empty identifier":          {user(object{}), "exactly one"},
		"no identifiers":            {top("userData", object{"userIdentifiers": []object{}}), "TOO_MANY_USER_IDENTIFIERS"},
		"eleven identifiers":        {top("userData", object{"userIdentifiers": make([]object, 11)}), "TOO_MANY_USER_IDENTIFIERS"},
		"Ads API's identifier":      {user(object{"hashedEmail": strings.Repeat("0a", 32)}), "Unknown name"},
		"address without its code":  {place(func(a object) { delete(a, "postalCode") }), "postal_code: is missing"},
		"clear name":                {place(func(a object) { a["givenName"] = "jane" }), "INVALID_HEX_ENCODING"},
		"country in lower case":     {place(func(a object) { a["regionCode"] = "us" }), "INVALID_REGION_CODE"},
		"hashed postal code":        {place(func(a object) { a["postalCode"] = strings.Repeat("0a", 32) }), "must not be hashed"},
		"value as text":             {top("conversionValue", "42.5"), "conversion_value"},
		"negative value":            {top("conversionValue", -1), "must not be negative"},
		"value without currency":    {without("currency"), "need each other"},
		"currency without value":    {without("conversionValue"), "need each other"},
		"currency in lower case":    {top("currency", "usd"), "INVALID_CURRENCY_CODE"},
		"no currency":               {top("currency", "USDT"), "INVALID_CURRENCY_CODE"},
		"Ads API's consent":         {top("consent", object{"adUserData": "GRANTED"}), "events[1].consent"},
		"consent that is not known": {top("consent", object{"adUserData": "CONSENT_STATUS_UNSPECIFIED"}), "events[1].consent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			google, e := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{}), ggSale("2")
			test.change(e)
			got := ggSend(google, ggRequest("POST", sandbox.GooglePath, ggBatch(t, ggSale("1"), e)))
			if got.HTTP != 400 || !strings.Contains(strings.Join(got.Wrong, "\n"), test.says) {
				t.Errorf("answer %+v, want 400 with %q", got, test.says)
			}
			for _, w := range got.Wrong {
				if !strings.HasPrefix(w, "events[1]") {
					t.Errorf("%q does not name the second event", w)
				}
			}
			if n := len(google.Events()); n != 0 {
				t.Errorf("%d events kept", n)
			}
		})
	}
}

func TestGoogleTellsLater(t *testing.T) {
	now := noon
	google := sandbox.NewGoogle(func() time.Time { return now }, sandbox.GoogleConfig{})
	const late = "PROCESSING_ERROR_REASON_TOO_RECENT_CLICK"
	if err := google.SetVerdict("late"); err == nil {
		t.Error("a reason that Google can't give was taken")
	}
	if err := google.SetVerdict(late); err != nil {
		t.Fatal(err)
	}
	body := ggBatch(t, ggSale("1"))
	first := ggSend(google, ggRequest("POST", sandbox.GooglePath, body)).RequestID
	if n := len(google.Events()); n != 0 {
		t.Errorf("%d events kept of a request that fails", n)
	}
	second := ggSend(google, ggRequest("POST", sandbox.GooglePath, body)).RequestID
	processing := ggVerdict{HTTP: 200, Status: "PROCESSING"}
	if diff := cmp.Diff([]ggVerdict{processing, processing}, []ggVerdict{ggAsk(google, first), ggAsk(google, second)}); diff != "" {
		t.Errorf("at once (-want +got):\n%s", diff)
	}
	now = now.Add(30 * time.Minute)
	want := []ggVerdict{{HTTP: 200, Status: "FAILED", Reason: late}, {HTTP: 200, Status: "SUCCESS"}}
	if diff := cmp.Diff(want, []ggVerdict{ggAsk(google, first), ggAsk(google, second)}); diff != "" {
		t.Errorf("later (-want +got):\n%s", diff)
	}
}

func TestGoogleOverwritesTheValue(t *testing.T) {
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	restated := ggSale("a")
	restated["conversionValue"], restated["currency"] = 0, "EUR"
	restated["eventTimestamp"] = "2026-11-20T11:30:00Z" // changes nothing
	for _, e := range []object{ggSale("a"), ggSale("b"), restated} {
		if got := ggSend(google, ggRequest("POST", sandbox.GooglePath, ggBatch(t, e))); got.HTTP != 200 {
			t.Fatalf("%+v", got)
		}
	}
	type kept struct {
		ID, Value, Currency string
		At                  int64
	}
	var got []kept
	for _, e := range google.Events() {
		got = append(got, kept{e.EventID, e.Value, e.Currency, e.EventTime})
	}
	at := time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC).Unix()
	if diff := cmp.Diff([]kept{{"a", "0", "EUR", at}, {"b", "42.5", "USD", at}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := len(google.Duplicates()); n != 1 {
		t.Errorf("%d duplicates, want 1", n)
	}
}

func TestGoogleOnlyValidates(t *testing.T) {
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	top := ggTop(ggSale("1"))
	top["validateOnly"] = true
	got := ggSend(google, ggRequest("POST", sandbox.GooglePath, encode(t, top)))
	if got.HTTP != 200 || got.RequestID == "" || len(google.Events()) != 0 || len(google.TestEvents()) != 1 {
		t.Errorf("answer %+v, %d events, %d test events", got, len(google.Events()), len(google.TestEvents()))
	}
	if asked := ggAsk(google, got.RequestID); len(asked.Wrong) != 1 || !strings.Contains(asked.Wrong[0], "INVALID_REQUEST_ID") {
		t.Errorf("asked: %+v", asked)
	}
}

// What our adapter says is what the stand-in takes.
func TestGoogleTakesOurRequests(t *testing.T) {
	paths, err := filepath.Glob("../forwarders/google/testdata/data_manager/*/request.golden")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, path := range paths {
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, body, ok := strings.Cut(string(golden), "\n\n")
		if !ok {
			continue // it is not sent, and the file says why
		}
		sent++
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			google := sandbox.NewGoogle(func() time.Time { return noon.Add(3 * 24 * time.Hour) }, sandbox.GoogleConfig{})
			got := ggSend(google, ggRequest("POST", sandbox.GooglePath, body))
			if diff := cmp.Diff(ggVerdict{HTTP: 200, RequestID: "sandbox-request-1"}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if sent < 12 {
		t.Errorf("%d requests, want 12 at least", sent)
	}
}

func FuzzGoogle(f *testing.F) {
	f.Add([]byte(`{"destinations":[{"reference":"a","operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"1234567890"},"productDestinationId":"6543210987"}],"events":[{"transactionId":"1","eventTimestamp":"2026-11-20T11:00:00Z","eventSource":"WEB","adIdentifiers":{"gclid":"x"}}]}`))
	f.Add([]byte(`{"destinations":[null,{"operatingAccount":1}],"events":[null,1,{"userData":{"userIdentifiers":[1,{"address":[]}]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
		got := ggSend(google, ggRequest("POST", sandbox.GooglePath, string(body)))
		if kept := len(google.Events()) + len(google.TestEvents()); (got.HTTP == 200) != (kept > 0) {
			t.Errorf("answer %+v to %q, %d events kept", got, body, kept)
		}
	})
}
