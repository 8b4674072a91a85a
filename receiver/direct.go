package receiver

import "strings"

// directShape returns the click parameter whose IDs look like value, or "".
// Reddit's and Google's wbraid have no shape of their own: an endpoint or the
// parameter's name must say so. The shapes were read from IDs in use; no
// platform documents them.
func directShape(value string) string {
	switch {
	case len(value) >= 10 && strings.HasPrefix(value, "E.C.P."):
		return "ttclid"
	case len(value) < 20 || !isBase64URL(value):
		return ""
	case hasAnyPrefix(value, "Cj0KCQ", "EAIaIQ", "CjwK", "CjgK"):
		return "gclid"
	case hasAnyPrefix(value, "0AAAAA"):
		return "gbraid"
	case hasAnyPrefix(value, "IwAR", "IwZX", "IwY2x", "PAZX"):
		return "fbclid"
	}
	return ""
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// isBase64URL allows the dots and tildes that Meta's suffixes bring.
func isBase64URL(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return true
}
