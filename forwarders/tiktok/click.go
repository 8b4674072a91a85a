package tiktok

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"subfive"
	"subfive/forwarders"
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

// page returns the page to name.
func (f *forwarder) page(d subfive.Delivery) string {
	return forwarders.Page(d, f.settings.DefaultEventSourceURL, paramTtclid)
}

// referrer returns the page that led to the click, without its query.
func (f *forwarder) referrer(d subfive.Delivery) string {
	if f.settings.OmitReferrer || d.Click == nil || !forwarders.IsPage(d.Click.Referrer) {
		return ""
	}
	return forwarders.BarePage(d.Click.Referrer, "")
}
