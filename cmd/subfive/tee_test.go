package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"subfive/sandbox"
)

// Another tracker gets each postback of an endpoint byte for byte: tests,
// nonsense and what is kept aside, too. Ours is answered all the same while it
// refuses everything.
func TestTee(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		hook := sandbox.NewHook(clock, 0)
		old := httptest.NewServer(hook)
		t.Cleanup(old.Close)
		r := runTracker(t, t.TempDir(), fmt.Sprintf(`
database_url: %q
admin: {token: test-token}
endpoints:
  - {id: default, key: s3cret, tee: "%s/postback?cid=7"}
  - {id: alone}
`, dsn, old.URL), clock)

		var want []string
		var send errgroup.Group
		send.SetLimit(16)
		post := func(method, path, query, body string) {
			send.Go(func() error {
				req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.address+path+"?"+query, strings.NewReader(body))
				if err != nil {
					return err
				}
				if method == http.MethodPost {
					req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				res, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					return err
				}
				if err := res.Body.Close(); err != nil {
					return err
				}
				if res.StatusCode != http.StatusOK {
					return fmt.Errorf("%s is answered with %d", query, res.StatusCode)
				}
				return nil
			})
			if path != "/conversion/alone" {
				want = append(want, method+" /postback?cid=7&"+query+" "+body)
			}
		}
		for i := range 1000 {
			switch i % 5 {
			case 0:
				post(http.MethodPost, "/conversion", fmt.Sprintf("key=s3cret&click_id=%d", i), "payout=1%2e50&e={sub5}")
			case 1:
				post(http.MethodGet, "/conversion", fmt.Sprintf("click_id=%d&key=wrong&&x=%%zz", i), "")
			case 2:
				post(http.MethodGet, "/conversion/default", fmt.Sprintf("click_id=%%41+%d&test=1", i), "")
			case 3:
				post(http.MethodGet, "/conversion", fmt.Sprintf("tx_id=%d&payout=1.50", i), "")
			default:
				post(http.MethodGet, "/konversion", fmt.Sprintf("payout=%d", i), "")
			}
		}
		post(http.MethodGet, "/conversion/alone", "click_id=1", "")
		if err := send.Wait(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a thousand copies", func() bool { return len(hook.Requests()) >= len(want) })
		var got []string
		for _, req := range hook.Requests() {
			got = append(got, req.Method+" "+req.URL+" "+req.Body)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}

		story, err := (&backend{r.tracker}).Story(t.Context(), "postbacks", "3")
		if err != nil {
			t.Fatal(err)
		}
		page, err := json.Marshal(story)
		if err != nil || !strings.Contains(string(page), `"tee":{"endpoint_id":"default","state":"sent"`) {
			t.Errorf("the story says nothing of the copy (%v): %s", err, page)
		}
	})
}

// A private address must be written as such: a name that leads to one is none.
func TestMeantPrivate(t *testing.T) {
	tests := map[string]struct {
		address string
		want    []string
	}{
		"a name":     {"https://old.example.com/postback", nil},
		"an address": {"http://10.0.0.5:8080/postback", []string{"10.0.0.5"}},
		"IPv6":       {"http://[fd00::1]/postback", []string{"fd00::1"}},
		"this one":   {"http://localhost/postback", []string{"localhost"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, meantPrivate(tt.address)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
