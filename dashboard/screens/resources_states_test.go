package screens

import (
	"net/http"
	"testing"
)

const (
	someIDs       = `{"items":[{"id":"meta-us"},{"id":"ourdream"}]}`
	someTargets   = `{"items":[{"destination_id":"meta-main"},{"destination_id":"tt"}],"next":""}`
	somePlatforms = `{"items":[{"name":"meta","sample":"","check":{"event":"SubfiveCheck","harmless":"It changes nothing.","only_asked":false},"tests_count":["Purchase"],
		"settings":[{"path":"dataset_id","kind":"text","required":true,"secret":false,"value":"\"1234\"","note":"the dataset (pixel) in Events Manager"},
		{"path":"access_token","kind":"text","required":true,"secret":true,"value":"${META_TOKEN}","note":"Events Manager → Settings"},
		{"path":"omit_referrer","kind":"flag","required":false,"secret":false,"value":"false","note":"true: do not tell"},
		{"path":"data_processing_options","kind":"list","required":false,"secret":false,"value":"[]"}]},{"name":"google","before_live":[{"id":"secondary_action","text":"The action is secondary."}],"settings":[],"check":{}}],
		"sources":[{"platform":"meta","where":"Ads Manager: the ad's Website URL","no_redirect":false,"tokens":[{"dimension":"ad_id","token":"{{ad.id}}"},{"dimension":"placement","token":"{{placement}}","unsure":true}]}]}`
	somePreview = `{"destination_id":"meta-main","platform":"meta","mode":"dry_run","conversion_id":"cv_1","made_up":false,"event_name":"Purchase","value":"42.50","currency":"USD","would_send":false,
		"reason_code":"dry_run","reason":"the destination is in dry run","request":{"method":"POST","url":"https://graph.facebook.com/v26.0/1/events","headers":"Content-Type: application/json\n","body":"{\n  \"a\": \"<script>alert(1)</script>\"\n}"},
		"keys":[{"name":"fbc","is":"the ad click","sent":"as it is","present":true},{"name":"em","is":"e-mail address","sent":"SHA-256","present":false}],
		"rules":[{"rule":"Not older than 7 d.","holds":true,"note":"this one is 2 h old"},{"rule":"Purchase has a value.","holds":false,"note":"it has none"},{"rule":"A page is named."}],"warnings":["It has no em."]}`
	someDestination = `{"destination_id":"meta-main","platform":"meta","mode":"dry_run","account":"meta:1234","paused":true,"pause_reason":"190: invalid token","pause_manual":false,"paused_until":"2026-11-24T09:20:00Z","ready":7,
		"resource":{"id":"meta-main","platform":"meta","mode":"dry_run","origin":"api","goals":{"base":"Purchase"},"send_on":["pending"],"value":{"from":"payout","multiply":"1.00"},"max_batch":100,"account":"meta:1234",
		"settings":{"dataset_id":"1234","access_token":"***"},"secrets":[{"path":"settings.access_token","last":"x9Qz","set_by":"mara","set_at":"2026-11-20T10:00:00Z"}]}}`
	someLink = `{"campaign_id":"spring","url":"https://trk.example/c/spring?ad_id={{ad.id}}&placement={{placement}}","where":"Ads Manager: the ad's Website URL","params":[{"name":"ad_id","token":"{{ad.id}}","dimension":"ad_id"}],"aliases":["https://trk.example/old"]}`
	someURL  = `{"url":"https://trk.example/conversion?click_id={sub5}&payout={payout}&key=q7m2","endpoint_id":"default","scope":"global","menus":["Postbacks → + Postback"],"macros":[{"name":"{sub5}","gives":"the link's sub5","use":"finding the click"}],"extras":[{"add":"&order_id={order_id}","gives":"the order","confidence":"likely"}]}`
)

// setupAnswers are those of a set-up that has one of each.
func setupAnswers(more map[string]string) map[string]string {
	all := map[string]string{
		"GET /sources": someIDs, "GET /offers": someIDs, "GET /networks": `{"items":[{"id":"everflow"}]}`, "GET /landing_pages": `{"items":[{"id":"lp"}]}`,
		"GET /destinations": someTargets, "GET /platforms": somePlatforms, "GET /campaigns": `{"items":[{"id":"spring","landing":"lp"},{"id":"other","paths":[{"id":"a","landing":"x"}]}]}`,
		"GET /campaigns/spring/links": someLink, "POST /endpoints/default/url": someURL, "POST /destinations/meta-main/preview": somePreview,
		"GET /destinations/meta-main": someDestination, "POST /links": `{"pasted":"https://n.example/A?sub1=x&sub5=cid_abc&y=1","ours":"https://n.example/A?sub1=x&sub5=‹click ID›&y=1","slot":"sub5","parameters":2,"replaced":"cid_abc","changed":["sub5"],"notes":["y holds a macro"]}`,
	}
	for key, answer := range more {
		all[key] = answer
	}
	return all
}

func resourceStates(testing.TB) []state {
	campaign := `{"id":"spring","source":"meta-us","offer":"ourdream","destinations":["meta-main"],"origin":"api","paths":[{"id":"a","weight":30,"landing":"lp"},{"id":"b"}],
		"rules":[{"id":"de","when":{"country":["DE"],"params":{"x":["1","2"]}},"paths":[{"id":"c","offer":"ourdream"}]}]}`
	offers := `{"items":[{"id":"ourdream","link":"https://n.example/A?sub1=x&sub5=cid","click_slot":"sub5","payout":"42.50","origin":"subfive.yaml:12"},{"id":"<script>alert(1)</script>","link":"https://b.example/","origin":"api","paused":true,"archived_at":"2026-11-20T00:00:00Z"},{"id":"new one","link":"https://b.example/","origin":"api","paused":true}]}`
	all := []state{
		{name: "offers/full", path: "/admin/offers", answers: map[string]string{"GET /offers": offers}, sees: []string{"2 offers, 1 from the file", "subfive.yaml:12", "/admin/offers/new%20one"}},
		{name: "offers/archived", path: "/admin/offers?archived=yes", answers: map[string]string{"GET /offers?archived=true": offers}, sees: []string{"archived", "&lt;script&gt;"}},
		{name: "offers/error", path: "/admin/offers", status: http.StatusNotFound},
		{name: "offers/of-an-analyst", path: "/admin/offers", who: analyst, answers: map[string]string{"GET /offers": offers}, sees: []string{"2 offers"}},
		{name: "destinations/full", path: "/admin/destinations", answers: map[string]string{"GET /destinations": `{"items":[{"destination_id":"meta-main","platform":"meta","account":"meta:1","mode":"live","paused":true},{"destination_id":"old","platform":"tiktok","mode":"live","archived":true}],"next":""}`}, sees: []string{"1 destination", "paused", "live"}},
		{name: "offer/one", path: "/admin/offers/ourdream", answers: setupAnswers(map[string]string{"GET /offers/ourdream": `{"id":"ourdream","link":"https://n.example/A?sub1=x&sub5=cid_abc&y=1","origin":"api","payout":"42.50","sensitive_params":["sub1","sub2"]}`}), sees: []string{"<mark>sub5=‹click ID›</mark>", "See the change", "sub1, sub2", "cid_abc stood in the slot"}},
		{name: "offer/from-the-file", path: "/admin/offers/ourdream", answers: setupAnswers(map[string]string{"GET /offers/ourdream": `{"id":"ourdream","link":"https://n.example/","origin":"subfive.yaml:12"}`}), sees: []string{"It comes from subfive.yaml:12", "subfive apply -f subfive.yaml", "<fieldset disabled>"}},
		{name: "offer/of-an-analyst", path: "/admin/offers/ourdream", who: analyst, answers: setupAnswers(map[string]string{"GET /offers/ourdream": `{"id":"ourdream","link":"https://n.example/","origin":"api"}`}), sees: []string{"<fieldset disabled>"}},
		{name: "offer/archived", path: "/admin/offers/ourdream", answers: setupAnswers(map[string]string{"GET /offers/ourdream": `{"id":"ourdream","link":"https://n.example/","origin":"api","archived_at":"2026-11-20T00:00:00Z"}`}), sees: []string{"It is archived"}},
		{name: "offer/none", path: "/admin/offers/none", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{name: "source/one", path: "/admin/sources/meta-us", answers: setupAnswers(map[string]string{"GET /sources/meta-us": `{"id":"meta-us","platform":"meta","origin":"api","params":{"p1":"x"}}`}), sees: []string{"{{ad.id}}", "compare it with the editor"}},
		{name: "campaign/one", path: "/admin/campaigns/spring", answers: setupAnswers(map[string]string{"GET /campaigns/spring": campaign}), sees: []string{"Link for the ads", "c/spring?ad_id={{ad.id}}", "Simulate a conversion", `name="number:paths.0.weight" class="id" value="30"`, "x: 1, 2"}},
		{name: "campaign/without-a-link", path: "/admin/campaigns/spring", answers: setupAnswers(map[string]string{"GET /campaigns/spring": campaign, "GET /campaigns/spring/links": `409 {"error":{"what":"it has no landing page","do":"add one"}}`}), sees: []string{"it has no landing page"}},
		{name: "landing_page/one", path: "/admin/landing_pages/lp", answers: setupAnswers(map[string]string{"GET /landing_pages/lp": `{"id":"lp","url":"https://lp.example/","origin":"api"}`}), sees: []string{"https://trk.example/subfive.js?c=spring"}},
		{name: "landing_page/of-nobody", path: "/admin/landing_pages/x2", answers: setupAnswers(map[string]string{"GET /landing_pages/x2": `{"id":"x2","url":"https://lp.example/","origin":"api"}`}), sees: []string{"No campaign shows it"}},
		{name: "endpoint/one", path: "/admin/endpoints/default", answers: setupAnswers(map[string]string{"GET /endpoints/default": `{"id":"default","network":"everflow","key":"***","origin":"default","secrets":[{"path":"key","last":"9tzx"}]}`}), sees: []string{"<mark>{sub5}</mark>", "finding the click", "ending in <code>9tzx</code>"}},
		{name: "network/one", path: "/admin/networks/everflow", answers: setupAnswers(map[string]string{"GET /networks/everflow": `{"id":"everflow","region":"us","api_key":"${EF}","origin":"default","secrets":[{"path":"api_key","from":"${EF}"}]}`}), sees: []string{"from ${EF}"}},
		{name: "destination/one", path: "/admin/destinations/meta-main", answers: setupAnswers(nil), sees: []string{"190: invalid token", "Resume", "ending in <code>x9Qz</code>, by mara", "What meta would get", "1 of 2", "Not older than 7 d.", "7 deliveries wait", "&lt;script&gt;"}},
		{name: "destination/platforms", path: "/admin/destinations/new", answers: setupAnswers(nil), sees: []string{"<option>google</option>"}},
		{name: "destination/new", path: "/admin/destinations/new?platform=meta", answers: setupAnswers(nil), sees: []string{"dataset_id", "Preview its payload"}},
		{name: "mode/first", path: "/admin/destinations/meta-main/mode", answers: setupAnswers(nil), sees: []string{"meta-main is in mode dry run", "See what that does", "the last 24h", "counts tests of Purchase"}},
		{name: "mode/from-the-file", path: "/admin/destinations/meta-main/mode", answers: setupAnswers(map[string]string{"GET /destinations/meta-main": `{"destination_id":"meta-main","resource":{"platform":"google","mode":"live","origin":"subfive.yaml:3"}}`}), sees: []string{"is switched there"}},
	}
	for _, k := range kinds() {
		all = append(all,
			state{name: k.List + "/empty", path: "/admin/" + k.List, answers: map[string]string{"GET /" + k.List: `{"items":[],"next":""}`}, sees: []string{"Nothing here yet", "No " + k.One + " yet"}},
			state{name: k.List + "/new", path: "/admin/" + k.List + "/new", answers: setupAnswers(nil), sees: []string{"New " + k.One}},
		)
	}
	return append(all, firstRunStates()...)
}

func firstRunStates() []state {
	steps := func(here string, confirmable bool) string {
		extra := ""
		if confirmable {
			extra = `,"confirmable":true`
		}
		return `{"done":4,"total":6,"complete":false,"here":"` + here + `","steps":[
			{"id":"admin","title":"Password and time zone","state":"done","evidence":"signed in as mara, America/New_York, USD","href":"/admin/account"},
			{"id":"domain","title":"Domain","state":"skipped","evidence":"x","do":"Point a domain at this machine.","href":"/admin/doctor"},
			{"id":"click0","title":"Seen","state":"done","evidence":"click seen, phone","at":"2026-11-24T08:43:00Z"},
			{"id":"` + here + `","title":"The step","state":"here","evidence":"we see you as 203.0.113.9","do":"Look at <script>alert(1)</script>.","href":"/admin/offers/new"` + extra + `},
			{"id":"live","title":"Live","state":"todo","do":"Wait."}]}`
	}
	with := func(answer string) map[string]string { return setupAnswers(map[string]string{"GET /setup": answer}) }
	return []state{
		{name: "setup/here", path: "/admin/setup", answers: with(steps("offer", false)), sees: []string{"Set up: 4 of 6 done", "Go there", "Skip for now", "03:43", "passed over", `hx-trigger="every 4s"`}},
		{name: "setup/address", path: "/admin/setup", answers: with(steps("address", true)), sees: []string{"That is right", "203.0.113.9"}},
		{name: "setup/click", path: "/admin/setup", answers: with(steps("click", false)), sees: []string{"Simulate a click", "c/spring"}},
		{name: "setup/conversion", path: "/admin/setup", answers: with(steps("conversion", false)), sees: []string{"Simulate a conversion"}},
		{name: "setup/postback", path: "/admin/setup", answers: with(steps("postback", true)), sees: []string{"<mark>{sub5}</mark>", "It is done"}},
		{name: "setup/skipped", path: "/admin/setup?step=domain", answers: with(steps("offer", false)), sees: []string{"Take it up again"}},
		{name: "setup/of-an-analyst", path: "/admin/setup", who: analyst, answers: with(steps("postback", true)), sees: []string{"The step"}},
		{name: "setup/done", path: "/admin/setup", answers: with(`{"done":1,"total":1,"complete":true,"here":"","steps":[{"id":"admin","title":"Password","state":"done"}]}`), sees: []string{"all 1 done", "The loop is closed"}},
		{name: "setup/error", path: "/admin/setup", status: http.StatusNotFound},
		{name: "setup/part", path: "/admin/setup?step=domain", answers: with(steps("offer", false)), sees: []string{"part=steps&amp;step=domain"}},
	}
}
