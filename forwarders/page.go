package forwarders

import (
	"net/url"
	"strings"

	"subfive"
)

// Page returns the page to name to a platform: the one that the visitor really
// loaded, with only the platform's click parameter keep in its query; else the
// destination's default; else the tracker's own address; else "".
func Page(d subfive.Delivery, byDefault, keep string) string {
	switch {
	case IsPage(d.PageURL):
		return BarePage(d.PageURL, keep)
	case byDefault != "":
		return byDefault
	case IsPage(d.SiteURL):
		return d.SiteURL
	}
	return ""
}

// IsPage reports whether s is a page's absolute URL, without a password in it.
func IsPage(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// BarePage returns a URL without its fragment and, but for the parameter keep,
// without its query, which may name what was advertised to whom.
func BarePage(s, keep string) string {
	s, _, _ = strings.Cut(s, "#")
	path, query, _ := strings.Cut(s, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if keep != "" && strings.HasPrefix(pair, keep+"=") {
			return path + "?" + pair
		}
	}
	return path
}
