package screens

import (
	"net/http"
	"testing"

	"subfive"
)

// nobody is not signed in.
var nobody = subfive.User{Name: "-"}

func doorStates(testing.TB) []state {
	bob := subfive.User{ID: "us_bob", Name: "bob", Role: subfive.RoleBuyer, Zone: "Europe/Berlin"}
	link := func(purpose subfive.LinkPurpose) func(*people) {
		return func(p *people) {
			p.users[bob.ID] = bob
			id := bob.ID
			if purpose == subfive.LinkFirst {
				id = ""
			}
			p.offer("k", purpose, id)
		}
	}
	return []state{
		{name: "login/fresh", path: "/admin/login", who: nobody, sees: []string{"Nobody has set a password yet", "subfive users link"}},
		{name: "login/full", path: "/admin/login?next=/admin/users", who: nobody, people: func(p *people) { p.users[mara.ID], p.passwords[mara.ID] = mara, "hash" }, sees: []string{`value="/admin/users"`, "Sign in"}},
		{name: "login/error", path: "/admin/login", who: nobody, status: http.StatusServiceUnavailable, people: (*people).fall, sees: []string{"the database does not answer"}},
		{name: "login/closed-page", path: "/admin/account", status: http.StatusServiceUnavailable, people: (*people).fall, sees: []string{"the database does not answer"}},
		{name: "welcome/over", path: "/admin/welcome?key=x", who: nobody, status: http.StatusGone, sees: []string{"This link works no more"}},
		{name: "welcome/first", path: "/admin/welcome?key=k", who: nobody, people: link(subfive.LinkFirst), sees: []string{"You are the first owner", `value="USD"`, "Begin"}},
		{name: "welcome/password", path: "/admin/welcome?key=k", who: nobody, people: link(subfive.LinkPassword), sees: []string{"Set your password, bob", `value="Europe/Berlin"`}},
		{name: "welcome/sign-in", path: "/admin/welcome?key=k", who: nobody, people: link(subfive.LinkSignIn), sees: []string{"Sign in as bob"}},
		{name: "welcome/error", path: "/admin/welcome?key=k", who: nobody, status: http.StatusServiceUnavailable, people: (*people).fall, sees: []string{"the database does not answer"}},
	}
}

func accountStates(testing.TB) []state {
	analyst := subfive.User{ID: "us_eve", Name: "eve", Role: subfive.RoleAnalyst, Theme: subfive.ThemeDark}
	return []state{
		{name: "account/empty", path: "/admin/account", sees: []string{"You are mara, an owner", "America/New_York", "will be a line here"}},
		{name: "account/analyst", path: "/admin/account", who: analyst, sees: []string{"You are eve, an analyst", "change nothing", `<option value="dark" selected>`}},
		{name: "account/full", path: "/admin/account", sees: []string{"Firefox on Linux", "Another program", "2001:db8"}, people: func(p *people) {
			for hash, agent := range map[string]string{"a": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0", "b": `<script>alert(1)</script>" onload="x`} {
				p.sessions[hash] = subfive.UserSession{
					Hash: hash, UserID: mara.ID, Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", UserAgent: agent, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionLife),
				}
			}
		}},
	}
}

func usersStates(testing.TB) []state {
	const users = `{"items":[
		{"user_id":"us_bob","name":"bob.with.a.rather.long.name@northlane.example","role":"buyer","zone":"","theme":"","has_password":false,"created_at":"2026-11-24T08:00:00Z"},
		{"user_id":"us_eve","name":"eve","role":"analyst","zone":"","theme":"","has_password":false,"created_at":"2025-01-24T08:00:00Z","archived_at":"2026-11-01T08:00:00Z"},
		{"user_id":"us_mara","name":"mara","role":"owner","zone":"America/New_York","theme":"","has_password":true,"created_at":"2026-01-24T08:00:00Z","signed_in_at":"2026-11-24T08:55:00Z"}]}`
	const tokens = `{"items":[
		{"token_id":"tk_1","name":"nightly-export","scope":"read","last4":"k3x9","created_by":"mara","created_at":"2026-11-01T08:00:00Z","last_used_at":"2026-11-24T03:00:00Z"},
		{"token_id":"tk_2","name":"never-used","scope":"write","last4":"aaaa","created_by":"token nightly","created_at":"2026-11-01T08:00:00Z"},
		{"token_id":"tk_3","name":"leaked","scope":"owner","last4":"zzzz","created_by":"api","created_at":"2026-01-01T08:00:00Z","revoked_at":"2026-11-02T08:00:00Z"}]}`
	const bob = `{"user_id":"us_bob","name":"bob","role":"buyer","created_at":"2026-11-24T08:00:00Z"}`
	return []state{
		{name: "users/error", path: "/admin/users", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{name: "users/full", path: "/admin/users", answers: map[string]string{"GET /users": users}, sees: []string{"2 people may sign in", "has no password yet", "archived", "(you)"}},
		{
			name: "users/linked", path: "/admin/users/us_bob/link", form: "x=y", sees: []string{"Give this link to bob", "welcome?key=abcdef"},
			answers: map[string]string{"GET /users": users, "POST /users/us_bob/link": `{"url":"https://trk.northlane.example/admin/welcome?key=abcdefghijklmnopqrstuvwxyz","expires_at":"2026-11-24T09:30:00Z","user":` + bob + `}`},
		},
		{
			name: "users/wrong", path: "/admin/users", form: "name=bob&role=buyer", status: http.StatusUnprocessableEntity, sees: []string{"User bob: the name is taken: take another name.", `value="bob"`},
			answers: map[string]string{"GET /users": users, "POST /users": `409 {"error":{"what":"user bob: the name is taken","do":"take another name"}}`},
		},
		{name: "tokens/empty", path: "/admin/users/tokens", answers: map[string]string{"GET /tokens": `{"items":[]}`}, sees: []string{"No token yet", "subfive tokens add"}},
		{name: "tokens/error", path: "/admin/users/tokens", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{name: "tokens/full", path: "/admin/users/tokens", answers: map[string]string{"GET /tokens": tokens}, sees: []string{"2 tokens open the API", "nightly-export", "k3x9", "never", "revoked"}},
		{
			name: "tokens/made", path: "/admin/users/tokens", form: "name=nightly&scope=read", sees: []string{"Copy the token nightly now", "sf_abcdef", "Bearer sf_abcdef"},
			answers: map[string]string{"GET /tokens": tokens, "POST /tokens": `{"token":{"token_id":"tk_4","name":"nightly","scope":"read","last4":"wxyz","created_by":"mara","created_at":"2026-11-24T09:00:00Z"},"secret":"sf_abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"}`},
		},
	}
}
