package tiktok

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"subfive"
)

// What TikTok's ads and TikTok's pixel leave behind, by the names they have
// there. The pixel's cookie of the click ID has the parameter's name.
const (
	paramTtclid = "ttclid"
	paramTtp    = "_ttp"
)

// ttclid returns TikTok's click ID byte for byte: the click's, or in direct mode
// the one that the network brought. It has dots and up to 1,000 characters, and
// its form is documented nowhere: nothing of it is judged.
func ttclid(d subfive.Delivery) string {
	if d.Click != nil && d.Click.Params[paramTtclid] != "" {
		return valid(d.Click.Params[paramTtclid])
	}
	if d.Conversion.DirectParam == paramTtclid {
		return valid(d.Conversion.DirectValue)
	}
	return ""
}

// ttp returns the browser's ID from the pixel's cookie. It is never made up.
func ttp(d subfive.Delivery) string {
	if d.Click == nil {
		return ""
	}
	return valid(d.Click.Params[paramTtp])
}

// valid returns s if JSON can carry it unchanged.
func valid(s string) string {
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// locale returns the language that the visitor prefers, the first of an
// Accept-Language, as a BCP 47 tag.
func locale(c subfive.Click) string {
	first, _, _ := strings.Cut(c.Language, ",")
	first, _, _ = strings.Cut(first, ";")
	if first = strings.TrimSpace(first); !localeForm.MatchString(first) {
		return ""
	}
	return first
}

// page returns the page to name: the one that the visitor really loaded, else
// the buyer's default, else the tracker's own address.
func (f *forwarder) page(d subfive.Delivery) string {
	if isPage(d.PageURL) {
		return bare(d.PageURL, paramTtclid)
	}
	if f.settings.DefaultEventSourceURL != "" {
		return f.settings.DefaultEventSourceURL
	}
	if isPage(d.SiteURL) {
		return d.SiteURL
	}
	return ""
}

// referrer returns the page that led to the click, without its query.
func (f *forwarder) referrer(d subfive.Delivery) string {
	if f.settings.OmitReferrer || d.Click == nil || !isPage(d.Click.Referrer) {
		return ""
	}
	return bare(d.Click.Referrer, "")
}

// bare returns an URL without its fragment and, but for the parameter keep,
// without its query, which may name what was advertised to whom.
func bare(s, keep string) string {
	s, _, _ = strings.Cut(s, "#")
	path, query, _ := strings.Cut(s, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if keep != "" && strings.HasPrefix(pair, keep+"=") {
			return path + "?" + pair
		}
	}
	return path
}
