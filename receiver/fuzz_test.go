package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/receiver"
)

// FuzzPostback proves for whatever arrives: 200, exactly one record, the raw
// bytes recoverable, and the parameters the same when they are read from those
// again.
func FuzzPostback(f *testing.F) {
	f.Add("/conversion", "click_id="+clickID+"&payout=42.50&offer_id=7&tx_id=t", "", "")
	f.Add("/postback", "cid={cid}&payout=%24&amp;txid=%ff%00?et=cpc;status=x", "", "")
	f.Add("/k/postback", "subid=%7Bsubid%7D&email=a@b.c&key=k", "key=s3cret", "application/x-www-form-urlencoded")
	f.Add("/cf/cv", "?https://x/?click_id=1", `{"payout":1e3,"email":"a","x":{"y":[1]}}`, "application/json")
	f.Add("/pixel", "", "--B\r\nContent-Disposition: form-data; name=cid\r\n\r\n1\r\n--B--", "multipart/form-data; boundary=B")
	f.Add("/click.php", "cnv_id=1&event1=1", "{\"a\":", "")
	f.Add("/conversion/meta", "s5=IwAR2F4-dbP0l7Mn1Iaw%0A&event_id=&is_event=0&timestamp=9999999999999", "\xff=\xfe", "text/plain")
	j := &journal{}
	h := serve(config(j))
	f.Fuzz(func(t *testing.T, path, query, body, contentType string) {
		send := func(query, body string) (code int, p *subfive.Postback) {
			r := httptest.NewRequest(http.MethodPost, "/conversion", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			if isPostbackPath(path) {
				r.URL.Path = path
			}
			// A query can't hold white space or "#": HTTP's own grammar ends it there.
			r.URL.RawQuery = query
			code = do(h, r).Code
			if all := j.records(); len(all) == 1 {
				p = all[0].Postback
			}
			j.all = nil
			return code, p
		}
		query = strings.NewReplacer("\n", "", "\r", "").Replace(query)
		if strings.HasPrefix(path, "/click") {
			query = "cnv_id=1&" + query
		}
		code, p := send(query, body)
		if code != http.StatusOK || p == nil {
			t.Fatalf("answered %d, recorded %v", code, p)
		}
		raw := open(t, p.Request.Raw)
		if want := query + "\n" + body; raw != want[:min(len(want), len(query)+1+64<<10)] {
			t.Errorf("raw is %q, want %q", raw, want)
		}
		gotQuery, gotBody, _ := strings.Cut(raw, "\n")
		_, again := send(gotQuery, gotBody)
		if diff := cmp.Diff(p.Request.Params, again.Request.Params); diff != "" {
			t.Errorf("parameters read from the raw bytes (-want +got):\n%s", diff)
		}
		if p.ClickID != again.ClickID || p.Goal() != again.Goal() || p.PayoutRaw != again.PayoutRaw {
			t.Errorf("read again: %+v, first %+v", again, p)
		}
	})
}

func isPostbackPath(path string) bool {
	switch path {
	case "/conversion", "/postback", "/k/postback", "/cf/cv", "/pixel", "/click.php", "/conversion/meta":
		return true
	}
	return false
}

// FuzzClick proves for whatever arrives at a campaign's link: 302 to the offer,
// exactly one record, platform click IDs byte for byte.
func FuzzClick(f *testing.F) {
	f.Add("fbclid=IwAR%2B&_fbc=fb.1.2.3", "_fbp=fb.1.2.3; x", "iPhone", "https://x/?email=a")
	f.Add("gclid=%ff&?ttclid=E.C.P.;rdt_cid=1", "=; _fbc=", "", "\xff")
	f.Fuzz(func(t *testing.T, query, cookie, agent, referrer string) {
		j := &journal{}
		r := httptest.NewRequest(http.MethodGet, "/c/spring", nil)
		r.URL.RawQuery = query
		r.Header.Set("Cookie", cookie)
		r.Header.Set("User-Agent", agent)
		r.Header.Set("Referer", referrer)
		w := do(serve(config(j)), r)
		records := j.records()
		if w.Code != http.StatusFound || len(records) != 1 || records[0].Click == nil {
			t.Fatalf("answered %d, recorded %+v", w.Code, records)
		}
		c := records[0].Click
		if got := w.Header().Get("Location"); got != c.Location ||
			got != receiver.SetSlot(setup().Offers[0].Link, "sub5", c.ID) {
			t.Errorf("sent to %q, recorded %q", got, c.Location)
		}
		if raw := open(t, c.Request.Raw); raw != query+"\n" {
			t.Errorf("raw is %q, want %q", raw, query)
		}
		for name, value := range c.Params {
			if c.Request.Param(name) != value && !strings.Contains(cookie, value) && !anyFolded(c.Request.Params, value) {
				t.Errorf("%s is %q, which nobody said", name, value)
			}
		}
	})
}

func anyFolded(params []subfive.Param, value string) bool {
	for _, p := range params {
		if p.Value == value || strings.HasSuffix(p.Value, "?"+subfive.Hidden) {
			return true
		}
	}
	return strings.Contains(value, "%") // a cookie that is not UTF-8 is encoded
}
