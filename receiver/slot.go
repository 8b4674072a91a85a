package receiver

import (
	"net/url"
	"strings"
)

// SetSlot returns link with the query parameter slot set to clickID, and every
// other byte as it was pasted: tokens in braces, escapes, repeated keys,
// fragment. A slot that is there already is replaced where it stands; further
// ones are removed. Links are never built, because a network's own parameters
// steer things we know nothing of.
func SetSlot(link, slot, clickID string) string {
	return setParam(link, slot, url.QueryEscape(clickID))
}

// setParam is SetSlot for a value that is escaped already: it goes in byte for
// byte.
func setParam(link, wanted, value string) string {
	link, fragment, hasFragment := strings.Cut(link, "#")
	if hasFragment {
		fragment = "#" + fragment
	}
	base, query, hasQuery := strings.Cut(link, "?")
	setting := url.QueryEscape(wanted) + "=" + value
	if !hasQuery || query == "" {
		return base + "?" + setting + fragment
	}
	var b strings.Builder
	set := false
	for i, part := range strings.Split(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		isWanted := decode(name) == wanted
		if isWanted && set {
			continue
		}
		if i > 0 {
			b.WriteByte('&')
		}
		if isWanted {
			b.WriteString(name + "=" + value)
			set = true
			continue
		}
		b.WriteString(part)
	}
	query = b.String()
	if !set {
		if !strings.HasSuffix(query, "&") {
			query += "&"
		}
		query += setting
	}
	return base + "?" + query + fragment
}
