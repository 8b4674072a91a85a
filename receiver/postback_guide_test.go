package receiver_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"subfive"
	"subfive/receiver"
)

// No parameter is mandatory: whatever of a Global postback's URL a source can't
// fill in is missing, empty or literal, and the answer is 200 and the rest kept.
func TestNoParameterIsMandatory(t *testing.T) {
	names := []string{"click_id", "payout", "offer_id", "tx_id", "fbclid"}
	states := []func(name string) []string{
		func(string) []string { return nil },
		func(name string) []string { return []string{name + "="} },
		func(name string) []string { return []string{name + "={" + name + "}"} },
		func(name string) []string { return []string{name + "=1"} },
	}
	j := &journal{}
	h := serve(config(j))
	sent := 0
	var send func(rest, query []string)
	send = func(rest, query []string) {
		if len(rest) > 0 {
			for _, state := range states {
				send(rest[1:], append(slices.Clone(query), state(rest[0])...))
			}
			return
		}
		target := "/conversion?" + strings.Join(query, "&")
		if w := do(h, get(target)); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), `{"status":"accepted"`) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		sent++
		records := j.records()
		if len(records) != sent {
			t.Fatalf("%s left %d records of %d", target, len(records), sent)
		}
		if got := len(records[sent-1].Postback.Request.Params); got != len(query) {
			t.Errorf("%s: %d parameters kept", target, got)
		}
	}
	send(names, nil)
	if sent != 1024 {
		t.Errorf("%d requests", sent)
	}
}

// The ID that a click gets comes back as the same one, whatever links, forms and
// encoders do to it on the way.
func TestMintedIDSurvivesTheWay(t *testing.T) {
	j := &journal{}
	r := receiver.New(config(j))
	r.SetSetup(setup())
	w := do(r.Handler(), get("/c/spring"))
	link, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	id := link.Query().Get("sub5")
	if id == "" || id != j.last().ID || id != url.QueryEscape(id) || len(id) > 32 {
		t.Fatalf("the link carries %q for click %q", id, j.last().ID)
	}
	every := ""
	for _, b := range []byte(id) {
		every += fmt.Sprintf("%%%02X", b)
	}
	ways := map[string]string{
		"as it is": id, "in capitals": strings.ToUpper(id), "each byte encoded": every, "with a line end": id + "%0D%0A", "with spaces": "+" + id + "%20",
	}
	for _, name := range slices.Sorted(maps.Keys(ways)) {
		t.Run(name, func(t *testing.T) {
			do(r.Handler(), get("/conversion?click_id="+ways[name]))
			all := j.records()
			if p := all[len(all)-1].Postback; p == nil || p.ClickID != id || p.Reading != subfive.ReadingOK {
				t.Errorf("came back as %+v", p)
			}
		})
	}
}

// A postback is taken at every name that leads here, over both protocols, and
// never answered with a redirect.
func TestEveryHostAndProtocolTakesPostbacks(t *testing.T) {
	for _, origin := range []string{
		"https://trk.example.com", "http://trk.example.com", "http://www.trk.example.com", "https://TRK.example.com:8443", "http://203.0.113.1", "http://[2001:db8::1]:80",
	} {
		for _, path := range []string{"/conversion", "/conversion/", "/Conversion", "//conversion", "/conversion//"} {
			j := &journal{}
			cfg := config(j)
			cfg.PublicURL = "https://trk.example.com"
			w := do(serve(cfg), get(origin+path+"?click_id="+clickID))
			if w.Code != http.StatusOK || w.Header().Get("Location") != "" || len(j.records()) != 1 {
				t.Errorf("%s%s: %d, to %q, %d records", origin, path, w.Code, w.Header().Get("Location"), len(j.records()))
				continue
			}
			plain := strings.HasPrefix(origin, "http:")
			if hint := j.records()[0].Postback.Hint; strings.Contains(hint, "use https") != plain {
				t.Errorf("%s%s: hint %q", origin, path, hint)
			}
		}
	}
}
