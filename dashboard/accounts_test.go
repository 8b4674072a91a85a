package dashboard

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestAccounts(t *testing.T) {
	user := map[string]any{"user_id": "us_1", "name": "bob", "role": "buyer", "zone": "", "theme": "", "has_password": false, "created_at": "2026-11-24T09:00:00Z"}
	token := map[string]any{"token_id": "tk_1", "name": "nightly", "scope": "read", "last4": "wxyz", "created_by": "ann", "created_at": "2026-11-24T09:00:00Z"}
	view := map[string]any{"view_id": "vw_1", "page": "reports", "name": "By ad", "query": "by=ad", "created_at": "2026-11-24T09:00:00Z"}
	link := map[string]any{"url": "https://trk.example/admin/welcome?key=x", "expires_at": "2026-11-24T09:30:00Z", "user": user}
	items := func(v any) any { return map[string]any{"items": []any{v}} }
	buyer, zone, dark, system := subfive.RoleBuyer, "Europe/Berlin", "dark", ""
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"users":              {"GET", "/users", "", items(user), 200, []call{{"Users", nil}}, `"name":"bob"`},
		"add a user":         {"POST", "/users", `{"name":"Bob","role":"buyer","zone":"UTC"}`, user, 200, []call{{"AddUser", []any{subfive.User{Name: "bob", Role: buyer, Zone: "UTC"}, "ann"}}}, "us_1"},
		"no name":            {"POST", "/users", `{"role":"buyer"}`, nil, 400, nil, "none to sign in with"},
		"the API's name":     {"POST", "/users", `{"name":"api","role":"buyer"}`, nil, 400, nil, "take another name"},
		"no role":            {"POST", "/users", `{"name":"bob"}`, nil, 400, nil, "say one of owner, buyer, analyst"},
		"no zone":            {"POST", "/users", `{"name":"bob","role":"buyer","zone":"Mars/Olympus"}`, nil, 400, nil, "is not a time zone"},
		"our machine's zone": {"POST", "/users", `{"name":"bob","role":"buyer","zone":"Local"}`, nil, 400, nil, "is not a time zone"},
		"a password":         {"POST", "/users", `{"name":"bob","role":"buyer","password":"x"}`, nil, 400, nil, `there is no field \"password\"`},
		"another role":       {"PATCH", "/users/us_1", `{"role":"buyer"}`, user, 200, []call{{"ChangeUser", []any{"us_1", UserChange{Role: &buyer}, "ann"}}}, "us_1"},
		"a role of none":     {"PATCH", "/users/us_1", `{"role":"root"}`, nil, 400, nil, `role is \"root\"`},
		"archive":            {"DELETE", "/users/us_1", "", user, 200, []call{{"ArchiveUser", []any{"us_1", "ann"}}}, "us_1"},
		"link":               {"POST", "/users/us_1/link", "", link, 200, []call{{"LinkUser", []any{"us_1", "ann"}}}, "welcome?key=x"},
		"tokens":             {"GET", "/tokens", "", items(token), 200, []call{{"Tokens", nil}}, "wxyz"},
		"add a token":        {"POST", "/tokens", `{"name":"nightly","scope":"read"}`, map[string]any{"token": token, "secret": "sf_x"}, 200, []call{{"AddToken", []any{"nightly", subfive.ScopeRead, "ann"}}}, "sf_x"},
		"no scope":           {"POST", "/tokens", `{"name":"nightly"}`, nil, 400, nil, "say one of read, write, owner"},
		"revoke":             {"DELETE", "/tokens/tk_1", "", token, 200, []call{{"RevokeToken", []any{"tk_1", "ann"}}}, "tk_1"},
		"who am I":           {"GET", "/session", "", nil, 200, nil, `{"user_id":"us_1","name":"ann","role":"owner","zone":"","theme":""}`},
		"my zone":            {"PUT", "/session", `{"zone":"Europe/Berlin","theme":"dark"}`, nil, 200, []call{{"ChangeUser", []any{"us_1", UserChange{Zone: &zone, Theme: &dark}, "ann"}}}, `"zone":"Europe/Berlin","theme":"dark"`},
		"the system's theme": {"PUT", "/session", `{"theme":"system"}`, nil, 200, []call{{"ChangeUser", []any{"us_1", UserChange{Theme: &system}, "ann"}}}, `"theme":""`},
		"a theme of none":    {"PUT", "/session", `{"theme":"pink"}`, nil, 400, nil, "say one of system, light, dark"},
		"my role":            {"PUT", "/session", `{"role":"owner"}`, nil, 400, nil, `there is no field \"role\"`},
		"views":              {"GET", "/views?page=reports", "", items(view), 200, []call{{"Views", []any{"us_1", "reports"}}}, "By ad"},
		"all views":          {"GET", "/views", "", items(view), 200, []call{{"Views", []any{"us_1", ""}}}, "By ad"},
		"save a view":        {"POST", "/views", `{"page":"reports","name":"By ad","query":"by=ad"}`, view, 200, []call{{"SaveView", []any{subfive.View{Owner: "us_1", Page: "reports", Name: "By ad", Query: "by=ad"}}}}, "vw_1"},
		"of no page":         {"POST", "/views", `{"page":"../x","name":"By ad"}`, nil, 400, nil, `page is \"../x\"`},
		"without a name":     {"POST", "/views", `{"page":"reports"}`, nil, 400, nil, "1 to 80 characters"},
		"too long":           {"POST", "/views", `{"page":"reports","name":"x","query":"` + strings.Repeat("x", 4097) + `"}`, nil, 400, nil, "save fewer filters"},
		"delete a view":      {"DELETE", "/views/vw_1", "", view, 200, []call{{"DeleteView", []any{"us_1", "vw_1"}}}, "vw_1"},
		"a query":            {"DELETE", "/users/us_1?dry_run=true", "", nil, 400, nil, "takes no query"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: test.value}
			d, _ := open(b)
			w := as(t, d, subfive.RoleOwner, test.method, "/api/v1"+test.path, test.body)
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			if diff := cmp.Diff(test.called, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A token of the database is let in with its scope, also where admin.token is not
// set, and the audit names it.
func TestTokensOfTheDatabase(t *testing.T) {
	call := func(d *Dashboard, secret, method, path, body string) *httptest.ResponseRecorder {
		r := request(method, path, body)
		r.Header.Set("Authorization", "Bearer "+secret)
		return ask(t, d, r)
	}
	b := &backend{value: map[string]any{"destination_id": "x"}}
	opened, _ := open(b)
	cfg := opened.cfg
	cfg.Token = ""
	for name, d := range map[string]*Dashboard{"with admin.token": opened, "without": New(cfg)} {
		if w := call(d, "sf_write", "POST", "/api/v1/destinations/x/pause", "{}"); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if last := b.calls[len(b.calls)-1]; last.Args[2] != "token nightly" {
			t.Errorf("%s: the audit names %v", name, last.Args)
		}
		refused(t, call(d, "sf_read", "POST", "/api/v1/destinations/x/pause", "{}"), problem{
			403, "this changes something, and token nightly may only read",
			"ask an owner for another role (subfive users role NAME buyer), or for a token of more scope (subfive tokens add NAME --scope write)",
		})
		if w := call(d, "sf_write", "GET", "/api/v1/users", ""); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "needs the role owner, and token nightly has buyer") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w := call(d, "sf_read", "GET", "/metrics", ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d", name, w.Code)
		}
		if w := call(d, "sf_read", "PUT", "/api/v1/session", `{"theme":"dark"}`); w.Code != http.StatusConflict {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w := call(d, "sf_nobody", "GET", "/metrics", ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: an unknown one: %d", name, w.Code)
		}
	}
	b.err = errors.New("the database is on fire")
	if w := call(opened, "sf_read", "GET", "/api/v1/errors", ""); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.err = Refusal{Unavailable: true, What: "the database does not answer", Do: "try again"}
	if w := call(opened, "sf_read", "GET", "/api/v1/errors", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
