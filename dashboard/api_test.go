package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

const clickID = "01hzy3v7qk8r9t2m4n6p8s0v2x"

// TestCalls asks each route once and more, and says what reaches the backend.
func TestCalls(t *testing.T) {
	page := Page{Items: []map[string]any{{
		"postback_id": "pb_1", "click_id": "c", "conversion_id": "cv_1", "delivery_id": "dl_1", "attempt_id": "at_1",
		"destination_id": "meta-eu", "received_at": "2026-11-24T08:00:00.000Z", "clicked_at": "2026-11-24T08:00:00.000Z",
		"converted_at": "2026-11-24T08:00:00.000Z", "created_at": "2026-11-24T08:00:00.000Z", "started_at": "2026-11-24T08:00:00.000Z",
	}}, Next: "c2"}
	all := func(kind string) []call {
		return []call{{"List", []any{ListQuery{Kind: kind, Filters: map[string][]string{}, Limit: 100}}}}
	}
	tests := map[string]struct {
		method, path, body string
		want               []call
		answer             string // "": the page, or the value
	}{
		"list postbacks":    {"GET", "/api/v1/postbacks", "", all("postbacks"), ""},
		"list clicks":       {"GET", "/api/v1/clicks", "", all("clicks"), ""},
		"list conversions":  {"GET", "/api/v1/conversions", "", all("conversions"), ""},
		"list deliveries":   {"GET", "/api/v1/deliveries", "", all("deliveries"), ""},
		"list attempts":     {"GET", "/api/v1/attempts", "", all("attempts"), ""},
		"list destinations": {"GET", "/api/v1/destinations", "", all("destinations"), ""},

		"one postback":    {"GET", "/api/v1/postbacks/pb_1", "", []call{{"Story", []any{"postbacks", "pb_1"}}}, ""},
		"one conversion":  {"GET", "/api/v1/conversions/cv_1", "", []call{{"Story", []any{"conversions", "cv_1"}}}, ""},
		"one delivery":    {"GET", "/api/v1/deliveries/dl_1", "", []call{{"Story", []any{"deliveries", "dl_1"}}}, ""},
		"one attempt":     {"GET", "/api/v1/attempts/at_1", "", []call{{"Story", []any{"attempts", "at_1"}}}, ""},
		"one destination": {"GET", "/api/v1/destinations/meta-eu", "", []call{{"Story", []any{"destinations", "meta-eu"}}}, ""},
		"one click, in capitals": {
			"GET", "/api/v1/clicks/" + strings.ToUpper(clickID), "", []call{{"Story", []any{"clicks", clickID}}}, "",
		},
		"ID with a slash, a plus and a percent": {
			"GET", "/api/v1/clicks/a%2Fb+c%2Bd%25e", "", []call{{"Story", []any{"clicks", "a/b+c+d%e"}}}, "",
		},

		"replay of all that a destination lost": {
			"POST", "/api/v1/replays", `{"destination_id":"meta-eu","status":"dead","reason_code":"190","since":"24h","until":"2026-11-24","dry_run":true}`,
			[]call{{"Replay", []any{Replay{
				DestinationID: "meta-eu", Status: subfive.DeliveryDead, ReasonCode: "190", Since: now.Add(-24 * time.Hour),
				Until: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), DryRun: true, By: "api",
			}}}},
			"",
		},
		"replay of two, by force": {
			"POST", "/api/v1/replays", `{"delivery_ids":["dl_1","dl_2"],"force":true}`,
			[]call{{"Replay", []any{Replay{DeliveryIDs: []string{"dl_1", "dl_2"}, Force: true, By: "api"}}}},
			"",
		},
		"replay of a conversion": {
			"POST", "/api/v1/replays", `{"conversion_id":"cv_1"}`, []call{{"Replay", []any{Replay{ConversionID: "cv_1", By: "api"}}}}, "",
		},

		"settle": {
			"POST", "/api/v1/postbacks/pb_1/settle", `{"as":"correction"}`, []call{{"Settle", []any{"pb_1", "correction", "api"}}}, "",
		},
		"accept": {"POST", "/api/v1/postbacks/pb_1/accept", "", []call{{"Accept", []any{"pb_1", "api"}}}, ""},
		"accept with an empty object": {
			"POST", "/api/v1/postbacks/pb_1/accept", `{}`, []call{{"Accept", []any{"pb_1", "api"}}}, "",
		},
		"attach a click in capitals": {
			"POST", "/api/v1/postbacks/pb_1/attach", `{"click_id":"` + strings.ToUpper(clickID) + `"}`,
			[]call{{"Attach", []any{"pb_1", clickID, "api"}}},
			"",
		},
		"attach a foreign click, as it is": {
			"POST", "/api/v1/postbacks/pb_1/attach", `{"click_id":"Abc-9"}`, []call{{"Attach", []any{"pb_1", "Abc-9", "api"}}}, "",
		},

		"mode": {
			"PUT", "/api/v1/destinations/meta-eu/mode", `{"mode":"live"}`,
			[]call{{"SetMode", []any{"meta-eu", subfive.Switch{Mode: subfive.ModeLive}, "api"}}},
			`{"destination_id":"meta-eu","mode":"live"}`,
		},
		"mode, with what a person vouches for": {
			"PUT", "/api/v1/destinations/meta-eu/mode", `{"mode":"test","counts_for_real":true,"confirmed":["secondary_action"]}`,
			[]call{{"SetMode", []any{"meta-eu", subfive.Switch{Mode: subfive.ModeTest, CountsForReal: true, Confirmed: []string{"secondary_action"}}, "api"}}},
			`{"destination_id":"meta-eu","mode":"test"}`,
		},
		"pause": {
			"POST", "/api/v1/destinations/meta-eu/pause", `{"reason":"token <rotated>"}`,
			[]call{{"Pause", []any{"meta-eu", "token <rotated>", "api"}}},
			`{"destination_id":"meta-eu","paused":true,"reason":"token <rotated>"}`,
		},
		"pause without a reason": {
			"POST", "/api/v1/destinations/meta-eu/pause", "",
			[]call{{"Pause", []any{"meta-eu", "", "api"}}},
			`{"destination_id":"meta-eu","paused":true}`,
		},
		"resume": {
			"POST", "/api/v1/destinations/meta-eu/resume", "",
			[]call{{"Resume", []any{"meta-eu", "api"}}},
			`{"destination_id":"meta-eu","paused":false}`,
		},
		"check": {"POST", "/api/v1/destinations/meta-eu/check", "", []call{{"Check", []any{"meta-eu", Check{}}}}, ""},
		"check without sending": {
			"POST", "/api/v1/destinations/meta-eu/check", `{"dry_run":true}`, []call{{"Check", []any{"meta-eu", Check{DryRun: true}}}}, "",
		},
		"check that asks to be sent": {
			"POST", "/api/v1/destinations/relay/check", `{"send":true}`, []call{{"Check", []any{"relay", Check{Send: true}}}}, "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{page: page, value: map[string]any{"destination_id": "meta-eu"}}
			d, log := open(b)
			w := ask(t, d, request(tt.method, tt.path, tt.body))
			if diff := cmp.Diff(tt.want, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			want := tt.answer
			switch {
			case want == "" && tt.want[0].Method == "List":
				want = `{"items":[{"attempt_id":"at_1","click_id":"c","clicked_at":"2026-11-24T08:00:00.000Z","conversion_id":"cv_1",` +
					`"converted_at":"2026-11-24T08:00:00.000Z","created_at":"2026-11-24T08:00:00.000Z","delivery_id":"dl_1",` +
					`"destination_id":"meta-eu","postback_id":"pb_1","received_at":"2026-11-24T08:00:00.000Z",` +
					`"started_at":"2026-11-24T08:00:00.000Z"}],"next":"c2"}`
			case want == "":
				want = `{"destination_id":"meta-eu"}`
			}
			if diff := cmp.Diff(answered{200, want}, whole(w.Code, w.Body.String())); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if log.Len() > 0 {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// answered is a status and a body without its line end.
type answered struct {
	Status int
	Body   string
}

func whole(status int, body string) answered { return answered{status, strings.TrimSuffix(body, "\n")} }

func TestEmptyPage(t *testing.T) {
	d, _ := open(&backend{})
	w := ask(t, d, request("GET", "/api/v1/clicks", ""))
	if diff := cmp.Diff(answered{200, `{"items":[],"next":""}`}, whole(w.Code, w.Body.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBadCalls(t *testing.T) {
	const settle, replays = "/api/v1/postbacks/pb_1/settle", "/api/v1/replays"
	replayFields := "use some of delivery_ids, conversion_id, destination_id, status, reason_code, since, until, dry_run, force, after"
	empty := "give it a value, or leave it out"
	object := `send one JSON object, such as {"name": "value"}`
	noText := "leave out characters that are no text"
	tests := map[string]struct {
		method, path, body string
		status             int
		what, do           string
	}{
		"unknown field":    {"POST", settle, `{"as":"new","of":"x"}`, 400, `there is no field "of"`, "use some of as"},
		"field in capital": {"POST", settle, `{"As":"new"}`, 400, `there is no field "As"`, "use some of as"},
		"missing field":    {"POST", settle, ``, 400, `as is ""`, "say one of duplicate, new, correction"},
		"unknown word":     {"POST", settle, `{"as":"same"}`, 400, `as is "same"`, "say one of duplicate, new, correction"},
		"wrong type":       {"POST", settle, `{"as":1}`, 400, "as can't be a number", "see /api/v1/openapi.json for its type"},
		"null":             {"POST", settle, `{"as":null}`, 400, "as is empty", empty},
		"no object":        {"POST", settle, `["as"]`, 400, "the body is not a JSON object", object},
		"null object":      {"POST", settle, `null`, 400, "the body is not a JSON object", object},
		"two objects":      {"POST", settle, `{"as":"new"}{}`, 400, "the body is not a JSON object", object},
		"broken JSON":      {"POST", settle, `{"as":`, 400, "the body is not a JSON object", object},
		"body too long": {
			"POST", settle, `{"as":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "the body is longer than 64 KiB", "send less at once",
		},
		"body where none is": {"POST", "/api/v1/postbacks/pb_1/accept", `{"as":"new"}`, 400, `there is no field "as"`, "send no body"},
		"attach, misspelt":   {"POST", "/api/v1/postbacks/pb_1/attach", `{"click":"x"}`, 400, `there is no field "click"`, "use some of click_id"},
		"mode, broken JSON":  {"PUT", "/api/v1/destinations/x/mode", `{"mode"}`, 400, "the body is not a JSON object", object},
		"accept, ID that is no text": {
			"POST", "/api/v1/postbacks/%FF/accept", ``, 404, "there is nothing of that ID",
			"check the IDs you sent; the lists, such as /api/v1/deliveries, show them",
		},
		"replay, IDs that are numbers": {
			"POST", replays, `{"delivery_ids":[1]}`, 400, "delivery_ids can't be a number", "see /api/v1/openapi.json for its type",
		},
		"replay, one ID as text": {
			"POST", replays, `{"delivery_ids":"dl_1"}`, 400, "delivery_ids can't be a string", "see /api/v1/openapi.json for its type",
		},
		"no click": {"POST", "/api/v1/postbacks/pb_1/attach", `{}`, 400, "click_id is missing", "name the click that it belongs to"},
		"click that is no text": {
			"POST", "/api/v1/postbacks/pb_1/attach", `{"click_id":"a\u0000b"}`, 404, "there is nothing of that ID",
			"check the IDs you sent; the lists, such as /api/v1/deliveries, show them",
		},
		"ID that is no text": {
			"GET", "/api/v1/clicks/a%00b", ``, 404, "there is nothing of that ID",
			"check the IDs you sent; the lists, such as /api/v1/deliveries, show them",
		},
		"unknown mode":           {"PUT", "/api/v1/destinations/x/mode", `{"mode":"Live"}`, 400, `mode is "Live"`, "say one of dry_run, test, live"},
		"no mode":                {"PUT", "/api/v1/destinations/x/mode", `{}`, 400, `mode is ""`, "say one of dry_run, test, live"},
		"reason with a NUL":      {"POST", "/api/v1/destinations/x/pause", `{"reason":"a\u0000"}`, 400, "reason has a NUL", noText},
		"reason without text":    {"POST", "/api/v1/destinations/x/pause", `{"reason":""}`, 400, "reason is empty", empty},
		"resume with a body":     {"POST", "/api/v1/destinations/x/resume", `{"reason":"x"}`, 400, `there is no field "reason"`, "send no body"},
		"check of nothing known": {"POST", "/api/v1/destinations/x/check", `{"fast":true}`, 400, `there is no field "fast"`, "use some of dry_run, send"},

		"replay of everything": {
			"POST", replays, `{"dry_run":true}`, 400, "this would send everything again",
			"name some of delivery_ids, conversion_id, destination_id, status, reason_code, since, until",
		},
		"replay without a body": {
			"POST", replays, ``, 400, "this would send everything again",
			"name some of delivery_ids, conversion_id, destination_id, status, reason_code, since, until",
		},
		"replay, dry run in the query": {
			"POST", replays + "?dry_run=true", `{"status":"dead"}`, 400, "this call takes no query",
			"send what it needs as JSON in the body; /api/v1/openapi.json says what that is",
		},
		"replay, dry run as text": {
			"POST", replays, `{"status":"dead","dry_run":"true"}`, 400, "dry_run can't be a string", "see /api/v1/openapi.json for its type",
		},
		"replay, misspelt filter":   {"POST", replays, `{"destination":"x","since":"1h"}`, 400, `there is no field "destination"`, replayFields},
		"replay, variable unset":    {"POST", replays, `{"destination_id":"","since":"1h"}`, 400, "destination_id is empty", empty},
		"replay, no IDs":            {"POST", replays, `{"delivery_ids":[],"since":"1h"}`, 400, "delivery_ids is empty", empty},
		"replay, IDs with space in": {"POST", replays, `{"delivery_ids":[ ],"since":"1h"}`, 400, "delivery_ids is empty", empty},
		"replay, an empty ID":       {"POST", replays, `{"delivery_ids":["dl_1",""]}`, 400, "delivery_ids has an empty one", "leave it out"},
		"replay, an ID that is null": {
			"POST", replays, `{"delivery_ids":["dl_1",null]}`, 400, "delivery_ids has an empty one", "leave it out",
		},
		"replay, a NUL": {"POST", replays, `{"delivery_ids":["dl_\u0000"]}`, 400, "a value has a NUL", noText},
		"replay, 257 IDs": {
			"POST", replays, `{"delivery_ids":["dl"` + strings.Repeat(`,"dl"`, 256) + `]}`, 400, "delivery_ids has 257", "name at most 256 at once",
		},
		"replay, unknown status": {
			"POST", replays, `{"status":"failed"}`, 400, `status is "failed"`,
			"say one of scheduled, submitted, delivered, dead, skipped, dry_run, tested",
		},
		"replay, bad time": {
			"POST", replays, `{"since":"yesterday"}`, 400, `since is "yesterday"`, "write it as 2026-11-24T09:00:00Z, 2026-11-24, 24h or 7d",
		},
		"replay, bad end": {
			"POST", replays, `{"until":"0"}`, 400, `until is "0"`, "write it as 2026-11-24T09:00:00Z, 2026-11-24, 24h or 7d",
		},
		"replay, times exchanged": {
			"POST", replays, `{"since":"1h","until":"2h"}`, 400, "since, 2026-11-24T08:00:00Z, is not before until, 2026-11-24T07:00:00Z",
			"exchange or widen them",
		},
		"story with a query": {
			"GET", "/api/v1/clicks/x?limit=1", ``, 400, "this call takes no query",
			"send what it needs as JSON in the body; /api/v1/openapi.json says what that is",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			d, log := open(b)
			w := ask(t, d, request(tt.method, tt.path, tt.body))
			refused(t, w, problem{tt.status, tt.what, tt.do})
			if len(b.calls) > 0 || log.Len() > 0 {
				t.Errorf("calls %v, log %s", b.calls, log)
			}
		})
	}
}

func TestBodyMustBeJSON(t *testing.T) {
	for _, kind := range []string{"", "application/x-www-form-urlencoded", "text/plain", "application/json-patch+json", ";"} {
		t.Run(kind, func(t *testing.T) {
			d, _ := open(&backend{})
			r := request("POST", "/api/v1/postbacks/pb_1/settle", `{"as":"new"}`)
			r.Header.Set("Content-Type", kind)
			refused(t, ask(t, d, r), problem{415, "the body is not said to be JSON", "send the header Content-Type: application/json"})
		})
	}
	d, _ := open(&backend{value: map[string]any{}})
	r := request("POST", "/api/v1/postbacks/pb_1/settle", `{"as":"new"}`)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if w := ask(t, d, r); w.Code != http.StatusOK {
		t.Errorf("with a charset: %d %s", w.Code, w.Body)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, fmt.Errorf("connection reset by 10.0.0.7") }

func TestBodyThatBreaksOff(t *testing.T) {
	d, _ := open(&backend{})
	r := request("POST", "/api/v1/replays", "")
	r.Body = http.NoBody
	broken, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/api/v1/replays", brokenBody{})
	if err != nil {
		t.Fatal(err)
	}
	broken.Header = r.Header
	refused(t, ask(t, d, broken), problem{400, "the body broke off", "send it again"})
}
