package meta

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"subfive"
	"subfive/forwarders"
)

// What Meta's ads and Meta's pixel leave behind, by the names they have there.
const (
	paramFbclid = "fbclid"
	paramFbc    = "_fbc"
	paramFbp    = "_fbp"
)

// payload returns what a value of the form fb.1.1795166130123.payload holds, ""
// if it has another form. A library of Meta's adds a tag of two or eight characters as a fifth part.
func payload(value string) string {
	rest, ok := strings.CutPrefix(value, "fb.")
	depth, rest, ok1 := strings.Cut(rest, ".")
	millis, rest, ok2 := strings.Cut(rest, ".")
	id, tag, tagged := strings.Cut(rest, ".")
	switch {
	case !ok || !ok1 || !ok2 || id == "", !digits(depth), len(millis) != 13 || !digits(millis), strings.ContainsAny(id, " \t\n\f\r"):
		return ""
	case tagged && (len(tag) != 2 && len(tag) != 8 || strings.ContainsFunc(tag, noTag)):
		return ""
	}
	return id
}

func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func noTag(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
}

// fbc returns the click ID as Meta wants it, or "" if there is none in a form
// that Meta takes: one malformed value would fail the whole request.
//
// It is made from the fbclid, byte for byte, and the moment of the click. The
// cookie of the pixel goes out as it is when it holds the same fbclid, or when
// there is none: its time is the older, and the browser sends the same.
func fbc(d subfive.Delivery) string {
	fbclid, at := clickID(d)
	cookie := ""
	if d.Click != nil {
		cookie = d.Click.Params[paramFbc]
	}
	if seen := payload(cookie); seen != "" && (fbclid == "" || seen == fbclid) {
		return valid(cookie)
	}
	if fbclid == "" {
		return ""
	}
	made := "fb.1." + strconv.FormatInt(at.UnixMilli(), 10) + "." + fbclid
	if payload(made) == "" {
		return ""
	}
	return valid(made)
}

// clickID returns the fbclid and when it was first seen. In direct mode the
// network brings a raw fbclid and nobody saw the click: then it is the latest
// moment it can have had, that of the conversion, the same in all its events.
func clickID(d subfive.Delivery) (fbclid string, at time.Time) {
	if d.Click != nil && d.Click.Params[paramFbclid] != "" {
		return d.Click.Params[paramFbclid], d.Click.ClickedAt
	}
	if d.Conversion.DirectParam != paramFbclid {
		return "", time.Time{}
	}
	for _, at = range []time.Time{d.Conversion.ClickedAt, d.Conversion.ConvertedAt} {
		if !at.IsZero() {
			return d.Conversion.DirectValue, at
		}
	}
	return d.Conversion.DirectValue, d.EventTime
}

// fbp returns the browser's ID from the pixel's cookie. It is never made up:
// Meta reports an invented one as invalid.
func fbp(d subfive.Delivery) string {
	if d.Click == nil || !digits(payload(d.Click.Params[paramFbp])) {
		return ""
	}
	return d.Click.Params[paramFbp]
}

// valid returns s if JSON can carry it unchanged.
func valid(s string) string {
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}

// page returns the page to name.
func (f *forwarder) page(d subfive.Delivery) string {
	return forwarders.Page(d, f.settings.DefaultEventSourceURL, paramFbclid)
}

// referrer returns the page that led to the click, without its query.
func (f *forwarder) referrer(d subfive.Delivery) string {
	if f.settings.OmitReferrer || d.Click == nil || !forwarders.IsPage(d.Click.Referrer) {
		return ""
	}
	return forwarders.BarePage(d.Click.Referrer, "")
}
