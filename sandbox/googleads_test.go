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

var (
	gaPath   = sandbox.GoogleAdsPath("v25")
	gaAdjust = sandbox.GoogleAdsAdjustPath("v25")
)

const gaAction = "customers/" + sandbox.GoogleCustomer + "/conversionActions/" + sandbox.GoogleAction

// gaSale is a row that the Google Ads API takes, of a click of its own.
func gaSale(id string) object {
	return object{
		"gclid": "Cj0-" + id, "conversionAction": gaAction, "conversionDateTime": "2026-11-20 11:00:00+00:00",
		"conversionValue": 42.5, "currencyCode": "USD", "orderId": id, "consent": object{"adUserData": "GRANTED"},
		"userIdentifiers": []object{{"userIdentifierSource": "FIRST_PARTY", "hashedEmail": strings.Repeat("0a", 32)}},
	}
}

func gaRetraction(id string) object {
	return object{"conversionAction": gaAction, "adjustmentType": "RETRACTION", "adjustmentDateTime": "2026-11-20 11:30:00+00:00", "orderId": id}
}

func gaRestatement(id, at string, value any) object {
	o := gaRetraction(id)
	o["adjustmentType"], o["adjustmentDateTime"] = "RESTATEMENT", at
	o["restatementValue"] = object{"adjustedValue": value, "currencyCode": "EUR"}
	return o
}

func gaTop(rows ...object) object {
	return object{"conversions": append([]object{}, rows...), "partialFailure": true}
}

func gaChange(rows ...object) object {
	return object{"conversionAdjustments": rows, "partialFailure": true}
}

// gaVerdict is what an answer of the Google Ads API says: of each row its codes,
// or "taken".
type gaVerdict struct {
	HTTP  int
	Rows  []string
	Error string // of the whole request
	Delay string
}

type gaErrors []struct {
	Errors []struct {
		Code     map[string]string `json:"errorCode"`
		Message  string
		Location struct {
			Path []struct {
				Field string `json:"fieldName"`
				Index int
			} `json:"fieldPathElements"`
		}
		Details struct {
			Quota struct{ RetryDelay string } `json:"quotaErrorDetails"`
		}
	}
	Violations []struct{ Field, Description string } `json:"fieldViolations"`
}

func gaSend(t *testing.T, h http.Handler, url string, body any, change ...func(r *http.Request)) gaVerdict {
	t.Helper()
	text, ok := body.(string)
	if !ok {
		text = encode(t, body.(object))
	}
	r := ggRequest("POST", url, text)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a struct {
		Results []map[string]any
		Partial struct{ Details gaErrors } `json:"partialFailureError"`
		Error   struct {
			Status, Message string
			Details         gaErrors
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		return gaVerdict{HTTP: w.Code, Error: w.Body.String()}
	}
	v := gaVerdict{HTTP: w.Code, Error: a.Error.Status}
	for _, r := range a.Results {
		word := "taken"
		if len(r) == 0 {
			word = ""
		}
		v.Rows = append(v.Rows, word)
	}
	for _, d := range a.Partial.Details {
		for _, e := range d.Errors {
			i := e.Location.Path[0].Index
			for len(v.Rows) <= i {
				v.Rows = append(v.Rows, "")
			}
			for group, code := range e.Code {
				v.Rows[i] = strings.TrimSpace(v.Rows[i] + " " + group + "." + code)
			}
		}
	}
	for _, d := range a.Error.Details {
		for _, e := range d.Errors {
			for group, code := range e.Code {
				v.Error += " " + group + "." + code
			}
			v.Delay = e.Details.Quota.RetryDelay
		}
		for _, f := range d.Violations {
			v.Error += " " + f.Field + ": " + f.Description
		}
	}
	if a.Error.Status != "" {
		v.Error += " " + a.Error.Message
	}
	return v
}

func TestGoogleAdsRefusesWrongRequests(t *testing.T) {
	many := make([]object, 2001)
	for i := range many {
		many[i] = gaSale(fmt.Sprint(i))
	}
	with := func(key string, value any) object {
		top := gaTop(gaSale("1"))
		top[key] = value
		return top
	}
	row := func(key string, value any) object {
		o := gaSale("1")
		o[key] = value
		return gaTop(o)
	}
	header := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	user := object{"userIdentifierSource": "FIRST_PARTY", "hashedEmail": strings.Repeat("0a", 32)}
	tests := map[string]struct {
		url    string
		body   any
		change func(r *http.Request)
		status int
		says   string
	}{
		"no token":               {change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 401, says: "authenticationError.OAUTH_TOKEN_INVALID"},
		"wrong token":            {change: header("Authorization", "Bearer x"), status: 401, says: "OAUTH_TOKEN_INVALID"},
		"a retired version":      {url: sandbox.GoogleAdsPath("v22"), status: 400, says: "requestError.UNSUPPORTED_VERSION"},
		"another method":         {url: strings.Replace(gaPath, "Click", "Call", 1), status: 404, says: "NOT_FOUND"},
		"account with dashes":    {url: "/v25/customers/123-456-7890:uploadClickConversions", status: 400, says: "INVALID_CUSTOMER_ID"},
		"another account":        {url: "/v25/customers/1:uploadClickConversions", status: 403, says: "USER_PERMISSION_DENIED"},
		"manager with dashes":    {change: header("Login-Customer-Id", "987-654-3210"), status: 400, says: "headerError.INVALID_LOGIN_CUSTOMER_ID"},
		"empty manager":          {change: header("Login-Customer-Id", ""), status: 400, says: "INVALID_LOGIN_CUSTOMER_ID"},
		"a query":                {url: gaPath + "?key=x", status: 400, says: "query"},
		"GET":                    {change: func(r *http.Request) { r.Method = "GET" }, status: 404, says: "NOT_FOUND"},
		"text":                   {change: header("Content-Type", "text/plain"), status: 400, says: "application/json"},
		"half of it":             {body: `{"conversions":[`, status: 400, says: "not JSON"},
		"a list":                 {body: `[]`, status: 400, says: "must be an object"},
		"a key twice":            {body: `{"conversions":[],"conversions":[]}`, status: 400, says: "twice"},
		"nothing":                {body: `{}`, status: 400, says: "conversions: is missing"},
		"no row":                 {body: gaTop(), status: 400, says: "fieldError.REQUIRED"},
		"a row that is null":     {body: `{"conversions":[null],"partialFailure":true}`, status: 400, says: "conversions[0]: must be an object"},
		"2001 rows":              {body: gaTop(many...), status: 400, says: "TOO_MANY_CONVERSIONS_IN_REQUEST"},
		"all or nothing":         {body: with("partialFailure", false), status: 400, says: "PARTIAL_FAILURE_MODE_REQUIRED"},
		"partialFailure as text": {body: with("partialFailure", "true"), status: 400, says: "partial_failure"},
		"debugEnabled":           {body: with("debugEnabled", true), status: 400, says: `Unknown name "debugEnabled"`},
		"an adjustment's list":   {body: gaChange(gaRetraction("1")), status: 400, says: `Unknown name "conversionAdjustments"`},
		"unknown key":            {body: row("transactionId", "x"), status: 400, says: `conversions[0].transaction_id: Unknown name`},
		"snake case":             {body: row("order_id", "x"), status: 400, says: "Unknown name"},
		"value as text":          {body: row("conversionValue", "42.5"), status: 400, says: "conversion_value"},
		"empty click ID":         {body: row("gclid", ""), status: 400, says: "gclid"},
		"consent of the other":   {body: row("consent", object{"adUserData": "CONSENT_GRANTED"}), status: 400, says: "consent"},
		"ads' personalization":   {body: row("consent", object{"adUserData": "GRANTED", "adPersonalization": "GRANTED"}), status: 400, says: "consent"},
		"environment":            {body: row("conversionEnvironment", "WEB"), status: 400, says: "Unknown name"},
		"address of the visitor": {body: row("userIpAddress", "203.0.113.9"), status: 400, says: "Unknown name"},
		"user without a source":  {body: row("userIdentifiers", []object{{"hashedEmail": user["hashedEmail"]}}), status: 400, says: "user_identifiers"},
		"user of the other":      {body: row("userIdentifiers", []object{{"userIdentifierSource": "FIRST_PARTY", "emailAddress": "x"}}), status: 400, says: "user_identifiers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
			if test.url == "" {
				test.url = gaPath
			}
			if test.body == nil {
				test.body = gaTop(gaSale("1"))
			}
			if test.change == nil {
				test.change = func(*http.Request) {}
			}
			got := gaSend(t, google, test.url, test.body, test.change)
			if got.HTTP != test.status || !strings.Contains(got.Error, test.says) || len(google.AdsConversions()) != 0 {
				t.Errorf("answer %+v, %d kept; want %d with %q", got, len(google.AdsConversions()), test.status, test.says)
			}
		})
	}
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	if got := gaSend(t, google, gaPath, gaTop(many[:2000]...)); got.HTTP != 200 || len(google.AdsConversions()) != 2000 {
		t.Errorf("2000 rows: HTTP %d, %d kept", got.HTTP, len(google.AdsConversions()))
	}
}

func TestGoogleAdsRefusesWrongRows(t *testing.T) {
	set := func(key string, v any) func(o object) { return func(o object) { o[key] = v } }
	without := func(key string) func(o object) { return func(o object) { delete(o, key) } }
	user := func(u object) func(o object) {
		u["userIdentifierSource"] = "FIRST_PARTY"
		return set("userIdentifiers", []object{u})
	}
	digest := strings.Repeat("0a", 32)
	tests := map[string]struct {
		change func(o object)
		want   string
	}{
		"action by number":        {set("conversionAction", sandbox.GoogleAction), "requestError.RESOURCE_NAME_MALFORMED"},
		"another action":          {set("conversionAction", "customers/1234567890/conversionActions/1"), "conversionUploadError.NO_CONVERSION_ACTION_FOUND"},
		"RFC 3339":                {set("conversionDateTime", "2026-11-20T11:00:00Z"), "dateError.INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
		"no offset":               {set("conversionDateTime", "2026-11-20 11:00:00"), "dateError.INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
		"offset without a colon":  {set("conversionDateTime", "2026-11-20 11:00:00+0000"), "dateError.INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
		"milliseconds":            {set("conversionDateTime", "2026-11-20 11:00:00.123+00:00"), "dateError.INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
		"no such day":             {set("conversionDateTime", "2026-11-31 11:00:00+00:00"), "dateError.INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
		"tomorrow":                {set("conversionDateTime", "2026-11-21 12:00:00+00:00"), "dateError.LATER_THAN_MAXIMUM_DATE"},
		"too long ago":            {set("conversionDateTime", "2026-08-20 11:00:00+00:00"), "conversionUploadError.EXPIRED_EVENT"},
		"no order ID":             {without("orderId"), "fieldError.REQUIRED"},
		"an address as order ID":  {set("orderId", "a@example.com"), "conversionUploadError.ORDER_ID_CONTAINS_PII"},
		"gclid and gbraid":        {func(o object) { o["gbraid"] = "b"; delete(o, "userIdentifiers") }, "fieldError.VALUE_MUST_BE_UNSET"},
		"gbraid and wbraid":       {func(o object) { o["gbraid"], o["wbraid"] = "b", "w"; delete(o, "gclid"); delete(o, "userIdentifiers") }, "conversionUploadError.GBRAID_WBRAID_BOTH_SET"},
		"user data with a wbraid": {func(o object) { o["wbraid"] = "w"; delete(o, "gclid") }, "fieldError.VALUE_MUST_BE_UNSET"},
		"nobody":                  {func(o object) { delete(o, "gclid"); delete(o, "userIdentifiers") }, "fieldError.REQUIRED"},
		"clear email":             {user(object{"hashedEmail": "a@example.com"}), "conversionUploadError.INVALID_USER_IDENTIFIER"},
		"base64":                  {user(object{"hashedPhoneNumber": strings.Repeat("A", 43) + "="}), "conversionUploadError.INVALID_USER_IDENTIFIER"},
		"two in one":              {user(object{"hashedEmail": digest, "hashedPhoneNumber": digest}), "conversionUploadError.INVALID_USER_IDENTIFIER"},
		"negative value":          {set("conversionValue", -1), "rangeError.TOO_LOW"},
		"value without currency":  {without("currencyCode"), "fieldError.REQUIRED"},
		"currency without value":  {without("conversionValue"), "fieldError.REQUIRED"},
		"currency in lower case":  {set("currencyCode", "usd"), "currencyCodeError.UNSUPPORTED"},
		"six identifiers": {func(o object) {
			one := object{"userIdentifierSource": "FIRST_PARTY", "hashedEmail": digest}
			o["userIdentifiers"] = []object{one, one, one, one, one, one}
		}, "collectionSizeError.TOO_MANY"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			google, bad := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{}), gaSale("2")
			test.change(bad)
			got := gaSend(t, google, gaPath, gaTop(gaSale("1"), bad, gaSale("3")))
			if diff := cmp.Diff(gaVerdict{HTTP: 200, Rows: []string{"taken", test.want, "taken"}}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := len(google.AdsConversions()); n != 2 {
				t.Errorf("%d kept, want the two good ones", n)
			}
		})
	}
}

func TestGoogleAdsTellsRepeats(t *testing.T) {
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	sameClick := gaSale("b")
	sameClick["gclid"] = "Cj0-a"
	later := gaSale("c")
	later["gclid"], later["conversionDateTime"] = "Cj0-a", "2026-11-20 12:01:00+01:00"
	twin, twinOther := gaSale("d"), gaSale("d")
	twinOther["gclid"] = "Cj0-other"
	const up = "conversionUploadError."
	want := [][]string{
		{"taken"},
		{up + "ORDER_ID_ALREADY_IN_USE " + up + "CLICK_CONVERSION_ALREADY_EXISTS"},
		{up + "CLICK_CONVERSION_ALREADY_EXISTS", "taken"},
		{up + "DUPLICATE_ORDER_ID", up + "DUPLICATE_ORDER_ID", "taken"},
		{up + "DUPLICATE_ORDER_ID " + up + "DUPLICATE_CLICK_CONVERSION_IN_REQUEST", up + "DUPLICATE_ORDER_ID " + up + "DUPLICATE_CLICK_CONVERSION_IN_REQUEST"},
	}
	var got [][]string
	for _, rows := range [][]object{{gaSale("a")}, {gaSale("a")}, {sameClick, later}, {twin, twinOther, gaSale("e")}, {gaSale("f"), gaSale("f")}} {
		got = append(got, gaSend(t, google, gaPath, gaTop(rows...)).Rows)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n := len(google.AdsConversions()); n != 3 {
		t.Errorf("%d kept, want a, c and e", n)
	}
}

func TestGoogleAdsAdjustments(t *testing.T) {
	const adj = "conversionAdjustmentUploadError."
	both := gaRetraction("a")
	both["gclidDateTimePair"] = object{"gclid": "x", "conversionDateTime": "2026-11-20 11:00:00+00:00"}
	unnamed, valued, enhanced, untyped, early := gaRetraction("a"), gaRetraction("a"), gaRetraction("a"), gaRetraction("a"), gaRetraction("a")
	delete(unnamed, "orderId")
	valued["restatementValue"] = object{"adjustedValue": 1, "currencyCode": "USD"}
	valued["adjustmentDateTime"] = "2026-11-20 11:31:00+00:00"
	enhanced["adjustmentType"] = "ENHANCEMENT"
	delete(untyped, "adjustmentType")
	early["adjustmentDateTime"] = "2026-11-20 11:00:00+00:00"
	worthless, priceless := gaRestatement("a", "2026-11-20 11:10:00+00:00", 1), gaRestatement("a", "2026-11-20 11:10:00+00:00", 1)
	delete(worthless, "restatementValue")
	priceless["restatementValue"] = object{"adjustedValue": 1}
	steps := []struct {
		name string
		rows []object
		want []string
	}{
		{"named twice, not, wrong", []object{both, unnamed, valued, enhanced, untyped}, []string{
			adj + "GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET", "fieldError.REQUIRED", "fieldError.VALUE_MUST_BE_UNSET",
			adj + "CONVERSION_ACTION_NOT_ELIGIBLE_FOR_ENHANCEMENT", "fieldError.REQUIRED",
		}},
		{"no value", []object{worthless}, []string{"fieldError.REQUIRED"}},
		{"no currency", []object{priceless}, []string{"currencyCodeError.UNSUPPORTED"}},
		{"negative", []object{gaRestatement("a", "2026-11-20 11:10:00+00:00", -1)}, []string{"rangeError.TOO_LOW"}},
		{"of nothing, and not after it", []object{gaRetraction("nobody"), early}, []string{adj + "CONVERSION_NOT_FOUND", adj + "ADJUSTMENT_PRECEDES_CONVERSION"}},
		{"twice in a request", []object{gaRetraction("a"), gaRetraction("a")}, []string{adj + "DUPLICATE_ADJUSTMENT_IN_REQUEST", adj + "DUPLICATE_ADJUSTMENT_IN_REQUEST"}},
		{"restated", []object{gaRestatement("a", "2026-11-20 11:10:00+00:00", 7.5)}, []string{"taken"}},
		{"restated again", []object{gaRestatement("a", "2026-11-20 11:10:00+00:00", 7.5)}, []string{adj + "RESTATEMENT_ALREADY_EXISTS"}},
		{"restated before that", []object{gaRestatement("a", "2026-11-20 11:05:00+00:00", 7)}, []string{adj + "MORE_RECENT_RESTATEMENT_FOUND"}},
		{"restated to nothing", []object{gaRestatement("b", "2026-11-20 11:20:00+00:00", 0)}, []string{"taken"}},
		{"taken back", []object{gaRetraction("a")}, []string{"taken"}},
		{"taken back again", []object{gaRetraction("a")}, []string{adj + "CONVERSION_ALREADY_RETRACTED"}},
	}
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	gaSend(t, google, gaPath, gaTop(gaSale("a"), gaSale("b")))
	for _, step := range steps {
		if diff := cmp.Diff(gaVerdict{HTTP: 200, Rows: step.want}, gaSend(t, google, gaAdjust, gaChange(step.rows...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	var got []string
	for _, c := range google.AdsConversions() {
		got = append(got, fmt.Sprint(c.EventID, " ", c.Value, " ", c.Currency, " ", c.Retracted, " ", c.AdjustedAt.Format(time.TimeOnly)))
	}
	if diff := cmp.Diff([]string{"a 7.5 EUR true 11:30:00", "b 0 EUR false 11:20:00"}, got); diff != "" {
		t.Errorf("conversions (-want +got):\n%s", diff)
	}
	old := sandbox.NewGoogle(func() time.Time { return noon.Add(60 * 24 * time.Hour) }, sandbox.GoogleConfig{})
	gaSend(t, old, gaPath, gaTop(gaSale("a")))
	if got := gaSend(t, old, gaAdjust, gaChange(gaRetraction("a"))).Rows; len(got) != 1 || got[0] != adj+"CONVERSION_EXPIRED" {
		t.Errorf("after 60 days: %v", got)
	}
}

func TestGoogleAdsOnlyValidates(t *testing.T) {
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
	bad := gaSale("2")
	delete(bad, "orderId")
	top := gaTop(gaSale("1"), bad)
	top["validateOnly"] = true
	want := gaVerdict{HTTP: 200, Rows: []string{"", "fieldError.REQUIRED"}}
	if diff := cmp.Diff(want, gaSend(t, google, gaPath, top)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if n, tests := len(google.AdsConversions()), google.AdsTests(); n != 0 || len(tests) != 1 || tests[0].EventID != "1" {
		t.Errorf("%d kept, tests %+v", n, tests)
	}
}

func TestGoogleAdsFailures(t *testing.T) {
	fail := func(f sandbox.Failure) func(g *sandbox.Google) error {
		return func(g *sandbox.Google) error { return g.Fail(f) }
	}
	set := func(a sandbox.AdsSwitch) func(g *sandbox.Google) error {
		return func(g *sandbox.Google) error { return g.SetAds(a) }
	}
	const recent = "conversionUploadError.TOO_RECENT_EVENT"
	tests := map[string]struct {
		set  func(g *sandbox.Google) error
		want gaVerdict
		kept int
	}{
		"an error for one row":    {set(sandbox.AdsSwitch{Error: "TOO_RECENT_EVENT", Rows: 1}), gaVerdict{HTTP: 200, Rows: []string{recent, "taken"}}, 1},
		"an error for three rows": {set(sandbox.AdsSwitch{Error: "TOO_RECENT_EVENT", Rows: 3}), gaVerdict{HTTP: 200, Rows: []string{recent, recent}}, 0},
		"taken, and then 502":     {set(sandbox.AdsSwitch{Late: 502, Requests: 1}), gaVerdict{HTTP: 502, Error: "INTERNAL internalError.INTERNAL_ERROR Request contains an invalid argument."}, 2},
		"quota, and how long":     {fail(sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}), gaVerdict{HTTP: 429, Delay: "17s", Error: "RESOURCE_EXHAUSTED quotaError.RESOURCE_TEMPORARILY_EXHAUSTED Request contains an invalid argument."}, 0},
		"quota":                   {fail(sandbox.Failure{Mode: sandbox.ModeTooMany}), gaVerdict{HTTP: 429, Error: "RESOURCE_EXHAUSTED quotaError.RESOURCE_TEMPORARILY_EXHAUSTED Request contains an invalid argument."}, 0},
		"unauthorized":            {fail(sandbox.Failure{Mode: sandbox.ModeUnauthorized}), gaVerdict{HTTP: 401, Error: "UNAUTHENTICATED authenticationError.OAUTH_TOKEN_INVALID Request contains an invalid argument."}, 0},
		"misconfigured":           {fail(sandbox.Failure{Mode: sandbox.ModeMisconfigured}), gaVerdict{HTTP: 403, Error: "PERMISSION_DENIED authorizationError.USER_PERMISSION_DENIED Request contains an invalid argument."}, 0},
		"unavailable":             {fail(sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}), gaVerdict{HTTP: 503, Error: "UNAVAILABLE internalError.TRANSIENT_ERROR Request contains an invalid argument."}, 0},
		"error in 200":            {fail(sandbox.Failure{Mode: sandbox.ModeErrorInOK}), gaVerdict{HTTP: 200, Error: "INTERNAL Internal error encountered."}, 0},
		"poison":                  {fail(sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"b"}}), gaVerdict{HTTP: 200, Rows: []string{"taken", "conversionUploadError.ORDER_ID_CONTAINS_PII"}}, 1},
		"too many":                {fail(sandbox.Failure{Mode: sandbox.ModePoison, MaxEvents: 1}), gaVerdict{HTTP: 400, Error: "INVALID_ARGUMENT conversionUploadError.TOO_MANY_CONVERSIONS_IN_REQUEST Request contains an invalid argument."}, 0},
		"the last one is lost":    {fail(sandbox.Failure{Mode: sandbox.ModeWrongCount}), gaVerdict{HTTP: 200, Rows: []string{"taken"}}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
			if err := test.set(google); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, gaSend(t, google, gaPath, gaTop(gaSale("a"), gaSale("b")))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := len(google.AdsConversions()); n != test.kept {
				t.Errorf("%d kept, want %d", n, test.kept)
			}
		})
	}
}

func TestGoogleAdsControl(t *testing.T) {
	h := sandbox.New(atNoon, sandbox.MetaConfig{}).Handler()
	form := "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=" + sandbox.GoogleRefresh
	body := encode(t, gaTop(gaSale("1")))
	steps := []struct{ method, url, body, answer string }{
		{"GET", "/_sandbox/", "", "uploadConversionAdjustments"},
		{"POST", "/_sandbox/google/ads", `{"error":"TOO_RECENT_EVENT","rows":1}`, `"rows":1`},
		{"POST", gaPath, body, "TOO_RECENT_EVENT"},
		{"POST", "/_sandbox/google/ads", `{"error":"too recent","rows":1}`, "is not the name of one"},
		{"POST", "/_sandbox/google/ads", `{"error":"X"}`, "need each other"},
		{"POST", "/_sandbox/google/ads", `{"late":400,"requests":1}`, "500 to 599"},
		{"POST", "/_sandbox/google/ads", `{"rows":-1}`, "1 or more"},
		{"POST", "/_sandbox/google/grant", `{"revoked":true}`, "true"},
		{"POST", sandbox.GoogleTokenPath, form, "invalid_grant"},
		{"POST", gaPath, body, `"results":[{`}, // the access token is good
		{"POST", "/_sandbox/google/grant", `{"revoked":false}`, "false"},
		{"POST", "/_sandbox/google/token", `{}`, "the switch is"},
		{"POST", "/_sandbox/google/token", `{"token":"another"}`, "another"},
		{"POST", gaPath, body, "OAUTH_TOKEN_INVALID"},
		{"POST", sandbox.GoogleTokenPath, form, `"access_token":"another"`},
		{"GET", "/_sandbox/google/ads", "", `"conversions":[{"received_at"`},
		{"GET", "/_sandbox/google/requests", "", `"path":"/v25/customers/1234567890:uploadClickConversions"`},
		{"POST", "/_sandbox/reset", "", ""},
		{"GET", "/_sandbox/google/ads", "", `"conversions":[]`},
	}
	for i, step := range steps {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, ggRequest(step.method, step.url, step.body))
		if !strings.Contains(w.Body.String(), step.answer) {
			t.Fatalf("step %d, %s %s %s: %d %s; want %s", i+1, step.method, step.url, step.body, w.Code, w.Body, step.answer)
		}
	}
}

// What our adapter says is what the stand-in takes; what became of a conversion
// after the conversion.
func TestGoogleAdsTakesOurRequests(t *testing.T) {
	paths, err := filepath.Glob("../forwarders/google/testdata/google_ads/*/request.golden")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, path := range paths {
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := strings.Cut(string(golden), "\n\n")
		if !ok {
			continue // it is not sent, and the file says why
		}
		sent++
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			google := sandbox.NewGoogle(func() time.Time { return noon.Add(3 * 24 * time.Hour) }, sandbox.GoogleConfig{})
			line, _, _ := strings.Cut(head, "\n")
			url := strings.TrimPrefix(line, "POST https://googleads.googleapis.com")
			if strings.HasSuffix(url, "Adjustments") {
				original := gaSale("cv_5z7k2m9q4w8x1y3a6b0c2d4e6f")
				original["conversionDateTime"] = "2026-11-20 11:02:03+00:00"
				gaSend(t, google, gaPath, gaTop(original))
			}
			got := gaSend(t, google, url, body)
			want := gaVerdict{HTTP: 200, Rows: []string{"taken"}}
			if strings.Contains(body, `"validateOnly": true`) {
				want.Rows = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if sent < 12 {
		t.Errorf("%d requests, want 12 at least", sent)
	}
}

func FuzzGoogleAds(f *testing.F) {
	f.Add(false, []byte(`{"partialFailure":true,"conversions":[{"gclid":"x","conversionAction":"customers/1/conversionActions/6543210987","conversionDateTime":"2026-11-20 11:00:00+00:00","orderId":"1"}]}`))
	f.Add(true, []byte(`{"partialFailure":true,"conversionAdjustments":[null,{"orderId":1},{"gclidDateTimePair":[],"restatementValue":{}}]}`))
	f.Fuzz(func(t *testing.T, adjust bool, body []byte) {
		google, url := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{}), gaPath
		if adjust {
			url = gaAdjust
		}
		got, taken := gaSend(t, google, url, string(body)), 0
		for _, row := range got.Rows {
			if row == "taken" {
				taken++
			}
		}
		if kept := len(google.AdsConversions()); taken != kept || got.HTTP != 200 && kept > 0 {
			t.Errorf("answer %+v to %q, %d kept", got, body, kept)
		}
	})
}
