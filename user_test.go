package subfive

import "testing"

func TestRolesCover(t *testing.T) {
	for role, want := range map[Role][3]bool{
		RoleOwner: {true, true, true}, RoleBuyer: {false, true, true}, RoleAnalyst: {false, false, true}, "": {}, "root": {},
	} {
		if got := [3]bool{role.Covers(RoleOwner), role.Covers(RoleBuyer), role.Covers(RoleAnalyst)}; got != want {
			t.Errorf("%q: %v, want %v", role, got, want)
		}
	}
	if RoleOwner.Covers("more") || Role("").Covers("") {
		t.Error("a role that is none is covered")
	}
	if got := [4]Role{ScopeRead.Role(), ScopeWrite.Role(), ScopeOwner.Role(), Scope("all").Role()}; got != [4]Role{RoleAnalyst, RoleBuyer, RoleOwner, ""} {
		t.Errorf("roles of scopes: %v", got)
	}
}

func TestParseUserName(t *testing.T) {
	for given, want := range map[string]string{
		"Ann": "ann", " ann.b@example.com ": "ann.b@example.com", "7": "7",
		"": "", "api": "", "API": "", "file": "", "-x": "", "a b": "", "a/b": "", "ann\x00": "", "jörg": "",
		"a23456789012345678901234567890123456789012345678901234567890123x": "a23456789012345678901234567890123456789012345678901234567890123x", "a23456789012345678901234567890123456789012345678901234567890123xy": "",
	} {
		got, err := ParseUserName(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
}
