package receiver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/receiver"
)

func TestRoutes(t *testing.T) {
	type outcome struct {
		Code     int
		Reading  subfive.Reading // of the postback that was recorded
		Campaign string          // of the click that was recorded
		Location string          // without the click ID
	}
	spring := outcome{302, "", "spring", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"}
	fallback := outcome{302, "", "", "https://fallback.example.com/"}
	const ours = "click_id=" + clickID
	tests := map[string]struct {
		target string
		want   outcome
	}{
		"postback":                            {"/conversion?" + ours, outcome{200, "ok", "", ""}},
		"postback with nothing":               {"/conversion", outcome{200, "empty_click_id", "", ""}},
		"trailing slash":                      {"/conversion/?" + ours, outcome{200, "ok", "", ""}},
		"slashes and case":                    {"//Conversion//?" + ours, outcome{200, "ok", "", ""}},
		"endpoint in any case":                {"/Conversion/GUARDED/?" + ours, outcome{200, "ok", "", ""}},
		"case, literal macro":                 {"/PostBack?cid={cid}", outcome{200, "literal_macro", "", ""}},
		"case, another's ID":                  {"/CF/CV/?click_id=X", outcome{200, "foreign", "", ""}},
		"case, no click ID":                   {"/PostBack?payout=1", outcome{200, "quarantined", "", ""}},
		"case and nothing":                    {"/PostBack", outcome{404, "", "", ""}},
		"pixel":                               {"/pixel?" + ours, outcome{200, "ok", "", ""}},
		"pixel of an endpoint":                {"/pixel/guarded?" + ours, outcome{200, "ok", "", ""}},
		"our ID anywhere":                     {"/some/where?x=" + clickID, outcome{200, "ok", "", ""}},
		"our ID at the root":                  {"/?cid=" + clickID, outcome{200, "ok", "", ""}},
		"a postback's parameter":              {"/some/where?payout=1", outcome{200, "quarantined", "", ""}},
		"a rival's parameter":                 {"/some/where?cnv_id=1", outcome{200, "quarantined", "", ""}},
		"a platform's click ID":               {"/some/where?gclid=1", outcome{200, "quarantined", "", ""}},
		"what any form has":                   {"/some/where?key=1&test=1&email=a@b.c&q=2", outcome{404, "", "", ""}},
		"nothing":                             {"/", outcome{404, "", "", ""}},
		"click":                               {"/c/spring", spring},
		"click, case and slashes":             {"/C//Spring/", spring},
		"click with a postback's parameter":   {"/c/spring?payout=1", spring},
		"alias":                               {"/old/path", spring},
		"alias, case and slashes":             {"/OLD//path/?payout=1", spring},
		"alias under /c":                      {"/c/10", spring},
		"unknown campaign":                    {"/c/nosuch", fallback},
		"unknown campaign, escaped slash":     {"/c/a%2Fb", fallback},
		"paused campaign":                     {"/c/rested", fallback},
		"campaign without an offer":           {"/c/offerless", fallback},
		"archived campaign":                   {"/c/gone", outcome{302, "", "gone", "https://other.example.com/?sub3=ID"}},
		"Binom's postback":                    {"/click.php?cnv_id=" + clickID, outcome{200, "ok", "", ""}},
		"Binom's campaign":                    {"/click.php?camp_id=10&key=abc", spring},
		"Binom's campaign by key":             {"/click?key=spring", spring},
		"Binom's campaign, not ours":          {"/click?key=abc", fallback},
		"Binom's landing page":                {"/click.php?lp=1", fallback},
		"click-through":                       {"/go/" + clickID + "/dream", outcome{302, "", "", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"}},
		"click-through, another's ID":         {"/go/Abc/dream", outcome{302, "", "", "https://track.example.com/A/B/?sub1=sfw&sub5=Abc&x={y}#f"}},
		"the script":                          {"/subfive.js?c=spring", outcome{200, "", "", ""}},
		"a landing page's image":              {"/collect?c=spring", outcome{200, "", "spring", ""}},
		"a landing page's image, case":        {"/Collect/?c=Spring", outcome{200, "", "spring", ""}},
		"a landing page's image, no campaign": {"/collect", outcome{200, "", "", ""}},
		"click-through to nowhere":            {"/go/" + clickID + "/nosuch", fallback},
		"a key that is a word":                {"/c/postback", fallback},
		"path with bytes that are not UTF-8":  {"/%ff%00?" + ours, outcome{200, "ok", "", ""}},
		"path above ours":                     {"/conversion/a/b?x=1", outcome{404, "", "", ""}},
		"path above ours that says something": {"/conversion/a/b?tx_id=1", outcome{200, "quarantined", "", ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &journal{}
			cfg := config(j)
			cfg.FallbackURL = "https://fallback.example.com/"
			h := serve(cfg)
			w := do(h, get(tt.target))
			got := outcome{Code: w.Code, Location: w.Header().Get("Location")}
			for _, rec := range j.records() {
				switch {
				case rec.Click != nil:
					got.Campaign = rec.Click.CampaignID
					got.Location = strings.ReplaceAll(got.Location, rec.Click.ID, "ID")
				case rec.Postback != nil:
					got.Reading = rec.Postback.Reading
				}
			}
			got.Location = strings.ReplaceAll(got.Location, clickID, "ID")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if n := len(j.records()); n > 1 {
				t.Errorf("%d records", n)
			}

			stored := len(j.records())
			head := httptest.NewRequest(http.MethodHead, tt.target, nil)
			if probe := do(h, head); probe.Code != w.Code {
				t.Errorf("HEAD answered %d, GET %d", probe.Code, w.Code)
			}
			if n := len(j.records()); n != stored {
				t.Errorf("HEAD left a record")
			}
		})
	}
}

func TestNoFallbackIsNotFound(t *testing.T) {
	for _, target := range []string{"/c/nosuch", "/c/rested", "/go/" + clickID + "/nosuch", "/click?lp=1"} {
		if w := do(serve(config(&journal{})), get(target)); w.Code != http.StatusNotFound {
			t.Errorf("%s answered %d, want 404", target, w.Code)
		}
	}
}

func TestWrongPathNamesTheRightOne(t *testing.T) {
	j := &journal{}
	cfg := config(j)
	cfg.PublicURL = "https://trk.example.com"
	do(serve(cfg), get("/conversions?payout=1"))
	const want = "this is no postback path; use https://trk.example.com/conversion; " +
		"no click ID: the postback URL needs click_id={sub5}; if it has that, fix the link, not the postback; it came over plain http; use https"
	if got := j.records()[0].Postback.Hint; got != want {
		t.Errorf("hint %q", got)
	}
}

func TestSetSetupReplacesRoutes(t *testing.T) {
	r := receiver.New(config(&journal{}))
	if w := do(r.Handler(), get("/c/spring")); w.Code != http.StatusNotFound {
		t.Errorf("before: %d, want 404", w.Code)
	}
	r.SetSetup(setup())
	if w := do(r.Handler(), get("/c/spring")); w.Code != http.StatusFound {
		t.Errorf("after: %d, want 302", w.Code)
	}
}

func TestProbes(t *testing.T) {
	tests := map[string]struct {
		ready func() (bool, bool)
		code  int
		body  string
	}{
		"always":       {nil, 200, `{"status":"ok"}`},
		"ok":           {func() (bool, bool) { return true, false }, 200, `{"status":"ok"}`},
		"degraded":     {func() (bool, bool) { return true, true }, 200, `{"status":"degraded"}`},
		"can't accept": {func() (bool, bool) { return false, true }, 503, `{"status":"unready"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(&journal{})
			cfg.Ready = tt.ready
			h := serve(cfg)
			if w := do(h, get("/readyz")); w.Code != tt.code || w.Body.String() != tt.body {
				t.Errorf("readyz: %d %s", w.Code, w.Body)
			}
			if w := do(h, get("/livez")); w.Code != http.StatusOK || w.Body.String() != `{"status":"ok"}` {
				t.Errorf("livez: %d %s", w.Code, w.Body)
			}
		})
	}
}

// A key in a path is hidden however the path is written.
func TestAKeyInThePathIsHidden(t *testing.T) {
	for _, path := range []string{"/k3yS3cret/postback", "//k3yS3cret/postback", "/k3yS3cret//PostBack/"} {
		j := &journal{}
		do(serve(config(j)), get(path+"?payout=3&status=sale"))
		for _, rec := range j.records() {
			if strings.Contains(rec.Postback.Request.Path, "k3y") {
				t.Errorf("%s is kept as %s", path, rec.Postback.Request.Path)
			}
		}
	}
}

// PHP's way of writing lists names the same field.
func TestUserDataInBrackets(t *testing.T) {
	for _, name := range []string{"email", "email[]", "user[email]", "user[E-Mail]", "a[b][email]"} {
		j := &journal{}
		do(serve(config(j)), get("/conversion?click_id="+clickID+"&"+url.QueryEscape(name)+"=jane@example.com"))
		p := j.records()[0].Postback
		if len(p.UserData) != 1 || strings.Contains(fmt.Sprint(p.Request.Params), "jane") {
			t.Errorf("%s: user data %v, parameters %v", name, p.UserData, p.Request.Params)
		}
	}
}
