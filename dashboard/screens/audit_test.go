package screens

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func auditStates(testing.TB) []state {
	full := `{"items":[
		{"id":"au_1","at":"2026-11-24T08:59:00Z","actor":"mara","action":"mode","subject":"destination meta-main","old":"{\"id\":\"meta-main\",\"mode\":\"dry_run\"}","new":"{\"id\":\"meta-main\",\"mode\":\"live\",\"confirmed\":[\"test_event\"]}"},
		{"id":"au_2","at":"2026-11-22T08:59:00Z","actor":"file","action":"create","subject":"offer <script>alert(1)</script>","new":"{\"id\":\"a\",\"link\":\"https://x.example/?a=1\",\"window\":\"7d\",\"network\":\"everflow\",\"click_slot\":\"sub5\"}"},
		{"id":"au_3","at":"2026-11-22T08:58:00Z","actor":"mara","action":"settle","subject":"postback pb_1","old":"possible_duplicate","new":"new"}],"next":"abc"}`
	return []state{
		{name: "audit/empty", path: "/admin/audit", answers: map[string]string{"GET /audit": `{"items":[],"next":""}`}, sees: []string{"Nothing was changed yet"}},
		{name: "audit/error", path: "/admin/audit", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "audit/full", path: "/admin/audit", answers: map[string]string{"GET /audit": full},
			sees: []string{"Last changed by mara: destination meta-main", "<del>mode: dry_run</del><ins>mode: live</ins>", "5 fields", "<del>possible_duplicate</del>", "Older", "/admin/destinations/meta-main"},
		},
		{name: "audit/for an analyst", path: "/admin/audit", who: analyst, answers: map[string]string{"GET /audit": full}, sees: []string{"<ins>mode: live</ins>"}},
	}
}

func TestAuditDifferences(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, now string
		want     []auditDifference
	}{
		"a field":        {`{"a":"1","b":[1]}`, `{"a":"2","b":[1]}`, []auditDifference{{"a: 1", "a: 2"}}},
		"a field more":   {`{"a":"1"}`, `{"a":"1","b":{"c":true}}`, []auditDifference{{"", `b: {"c":true}`}}},
		"a field less":   {`{"a":"1","b":2}`, `{"a":"1"}`, []auditDifference{{"b: 2", ""}}},
		"made":           {"", `{"a":"1"}`, []auditDifference{{"", "a: 1"}}},
		"no object":      {"dry_run", "live", []auditDifference{{"dry_run", "live"}}},
		"nothing":        {"", "", nil},
		"the same again": {"live", "live", nil},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, auditLine{Old: tt.old, New: tt.now}.Differences()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What came from the file is put back in the file; what is no resource is not put
// back at all.
func TestAuditUndoable(t *testing.T) {
	t.Parallel()
	for line, want := range map[auditLine]bool{
		{Actor: "mara", Subject: "offer dream"}:   true,
		{Actor: "api", Subject: "landing_page a"}: true,
		{Actor: "file", Subject: "offer dream"}:   false,
		{Actor: "mara", Subject: "postback pb_1"}: false,
		{Actor: "mara", Subject: "offer"}:         false,
	} {
		if got := line.Undoable(); got != want {
			t.Errorf("%+v: %t", line, got)
		}
	}
}
