package main

import (
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/config"
)

// Each host serves its role and 404 beside it; no postback is refused anywhere,
// or redirected.
func TestDomains(t *testing.T) {
	r := runTracker(t, t.TempDir(), `
public_url: https://trk.example.test
admin: {token: test-token}
domains:
  - {host: go.example.test, role: click}
  - {host: www.pb.example.test, role: postback}
  - {host: ops.example.test, role: admin}
offers: [{id: offer, link: "https://offer.example/A/B/"}]
campaigns: [{id: spring, offer: offer, aliases: [old/path]}]
`, clock)
	c := &http.Client{
		Transport: bearer{newAuthority(t, "http-01").client(r.address).Transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	eventually(t, "a start", func() bool { return r.store.Load() != nil })
	hosts := []string{
		"trk.example.test", "www.trk.example.test", "go.example.test", "www.go.example.test", "pb.example.test", "www.pb.example.test",
		"ops.example.test", "unknown.example.test", "127.0.0.1",
	}
	got := map[string][]int{}
	for _, host := range hosts {
		for _, path := range []string{
			"/c/spring", "/old/path", "/conversion?click_id=1", "/conversion/?click_id=1", "/konversion?payout=1&tx_id=2", "/metrics", "/api/v1/postbacks", "/livez", "/readyz", "/nothing",
		} {
			status, _, _ := fetch(t, c, "http://"+host+path)
			got[host] = append(got[host], status)
		}
	}
	all := []int{302, 302, 200, 200, 200, 404, 404, 200, 200, 404}
	click := []int{302, 302, 200, 200, 404, 404, 404, 200, 200, 404}
	postback := []int{404, 404, 200, 200, 200, 404, 404, 200, 200, 404}
	admin := []int{404, 404, 200, 200, 404, 200, 200, 200, 200, 404}
	want := map[string][]int{
		"trk.example.test": all, "www.trk.example.test": all, "unknown.example.test": all, "127.0.0.1": all,
		"go.example.test": click, "www.go.example.test": click, "pb.example.test": postback, "www.pb.example.test": postback, "ops.example.test": admin,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOperatorsHost(t *testing.T) {
	none := newDomains(config.Server{PublicURL: "https://trk.example.test:8443", Domains: []config.Domain{{Host: "go.example.test", Role: config.RoleClick}}})
	both := newDomains(config.Server{PublicURL: "https://trk.example.test", Domains: []config.Domain{
		{Host: "trk.example.test", Role: config.RoleClick}, {Host: "trk.example.test", Role: config.RoleAdmin},
	}})
	tests := map[string]struct {
		domains domains
		host    string
		want    bool
	}{
		"without an admin host":          {none, "trk.example.test", true},
		"without one, by address":        {none, net.JoinHostPort("::1", "80"), true},
		"without one, a click host":      {none, "go.example.test", false},
		"a host of two roles":            {both, "WWW.trk.example.test.:443", true},
		"with an admin host, by address": {both, "127.0.0.1:8080", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.domains.operator(tt.host); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if got := none.secureHost("evil.example", "https://trk.example.test:8443"); got != "trk.example.test:8443" {
		t.Errorf("a stranger's name is sent to %s", got)
	}
	if diff := cmp.Diff([]string{"trk.example.test"}, both.names); diff != "" {
		t.Error(diff)
	}
}
