package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"subfive/config"
)

func TestOperatorURL(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]config.Server{
		"http://127.0.0.1:8080":    {},
		"https://trk.example.com":  {PublicURL: "https://trk.example.com"},
		"https://desk.example.com": {PublicURL: "https://trk.example.com", Domains: []config.Domain{{Host: "go.example.com", Role: config.RoleClick}, {Host: "desk.example.com", Role: config.RoleAdmin}}},
		"http://localhost:9090":    {PublicURL: "https://trk.example.com", Admin: config.Admin{Listen: ":9090"}},
		"http://10.0.0.1:9090":     {Admin: config.Admin{Listen: "10.0.0.1:9090"}},
	} {
		if got := operatorURL(s, "127.0.0.1:8080"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for listen, want := range map[string]string{"[::]:80": "localhost:80", "0.0.0.0:80": "localhost:80", "[::1]:80": "[::1]:80", "host:80": "host:80", "nonsense": "nonsense"} {
		if got := reachable(listen); got != want {
			t.Errorf("%s: %q, want %q", listen, got, want)
		}
	}
}

// Users, tokens and views over the REST API, on a running tracker.
func TestAccountsOverTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.start()
	defer s.stop()
	s.wants(200, "GET", "session", "", `"name":"api"`, `"role":"owner"`)
	bob := s.wants(200, "POST", "users", `{"name":"Bob","role":"buyer","zone":"Europe/Berlin"}`, `"name":"bob"`, `"has_password":false`)
	id, _ := bob["user_id"].(string)
	s.wants(409, "POST", "users", `{"name":"bob","role":"owner"}`, "user bob: the name is taken")
	s.wants(200, "POST", "users/"+id+"/link", "", "http://"+s.address+"/admin/welcome?key=", `"name":"bob"`)
	s.wants(200, "PATCH", "users/"+id, `{"role":"analyst"}`, `"role":"analyst"`)
	s.wants(404, "PATCH", "users/us_x", `{"role":"analyst"}`)
	s.wants(200, "DELETE", "users/"+id, "", `"archived_at":`)
	s.wants(404, "DELETE", "users/"+id, "")
	s.wants(200, "GET", "users", "", `"name":"bob"`)

	made := s.wants(200, "POST", "tokens", `{"name":"nightly","scope":"read"}`, `"secret":"sf_`)
	s.wants(409, "POST", "tokens", `{"name":"nightly","scope":"read"}`, "token nightly: the name is taken")
	secret, _ := made["secret"].(string)
	with := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+s.address+"/api/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	if code, text := with("GET", "session", ""); code != 200 || !strings.Contains(text, `"name":"token nightly","role":"analyst"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := with("POST", "tokens", `{"name":"more","scope":"owner"}`); code != 403 || !strings.Contains(text, "token nightly has analyst") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := with("POST", "views", `{"page":"reports","name":"By ad","query":"by=ad"}`); code != 200 || !strings.Contains(text, `"view_id":"vw_`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := with("GET", "views?page=reports", ""); code != 200 || !strings.Contains(text, "by=ad") {
		t.Errorf("%d %s", code, text)
	}
	s.wants(200, "GET", "views", "", `{"items":[]}`)
	s.wants(200, "GET", "tokens", "", `"last_used_at":`)
	token, _ := made["token"].(map[string]any)
	tokenID, _ := token["token_id"].(string)
	s.wants(200, "DELETE", "tokens/"+tokenID, "", `"revoked_at":`)
	if code, text := with("GET", "session", ""); code != 401 {
		t.Errorf("revoked: %d %s", code, text)
	}
	s.wants(200, "GET", "audit", "", `"subject":"token nightly"`, `"action":"archive"`)
}
