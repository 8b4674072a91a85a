package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"subfive"
)

// as answers a call from inside as somebody.
func as(t *testing.T, d *Dashboard, role subfive.Role, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.ServeAs(w, r, subfive.User{ID: "us_1", Name: "ann", Role: role})
	if role != "" && (w.Code == http.StatusForbidden || w.Code == http.StatusOK) {
		document(t).knows(t, r, w)
	}
	return w
}

// Each call is closed to who may not make it, and the document says so: a call
// that is added is tried here, too.
func TestRolesOfAllCalls(t *testing.T) {
	d, _ := open(&backend{err: Refusal{What: "it went through", Do: "nothing"}})
	for _, route := range d.engine.Routes() {
		path := strings.ReplaceAll(route.Path, ":id", "x")
		need := needed(route.Method, route.Path)
		for _, role := range append(subfive.Roles(), "") {
			w := as(t, d, role, route.Method, path, "[]") // a body that nothing comes of
			if got := w.Code == http.StatusForbidden; got == role.Covers(need) {
				t.Errorf("%q: %s %s: %d %s", role, route.Method, route.Path, w.Code, w.Body)
			}
		}
	}
}

func TestRolesNeeded(t *testing.T) {
	for call, want := range map[string]subfive.Role{
		"GET /api/v1/clicks": subfive.RoleAnalyst, "GET /metrics": subfive.RoleAnalyst, "POST ": subfive.RoleAnalyst,
		"POST /api/v1/replays": subfive.RoleBuyer, "PUT /api/v1/offers/:id": subfive.RoleBuyer, "DELETE /api/v1/offers/:id": subfive.RoleBuyer,
		"GET /api/v1/users": subfive.RoleOwner, "POST /api/v1/users/:id/link": subfive.RoleOwner, "GET /api/v1/tokens": subfive.RoleOwner,
		"PUT /api/v1/session": subfive.RoleAnalyst, "DELETE /api/v1/views/:id": subfive.RoleAnalyst, "POST /api/v1/sessions": subfive.RoleBuyer,
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := needed(method, path); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
}

func TestWhoMayNotIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		role subfive.Role
		want problem
	}{
		"analyst": {subfive.RoleAnalyst, problem{403, "this changes something, and ann may only read", "ask an owner for another role (subfive users role NAME buyer), or for a token of more scope (subfive tokens add NAME --scope write)"}},
		"nothing": {"", problem{403, "ann has no role, and so may do nothing", "ask an owner for another role (subfive users role NAME buyer), or for a token of more scope (subfive tokens add NAME --scope write)"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			d, _ := open(b)
			refused(t, as(t, d, test.role, "POST", "/api/v1/destinations/x/resume", ""), test.want)
			if len(b.calls) > 0 {
				t.Errorf("calls %v", b.calls)
			}
		})
	}
}

// Who asks from inside is who the audit names, whatever headers say.
func TestServedAsIsTheActor(t *testing.T) {
	b := &backend{value: map[string]any{"destination_id": "x"}}
	d, _ := open(b)
	if w := as(t, d, subfive.RoleBuyer, "POST", "/api/v1/destinations/x/pause", `{"reason":"r"}`); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if len(b.calls) != 1 || b.calls[0].Args[2] != "ann" {
		t.Errorf("calls %v", b.calls)
	}
}
