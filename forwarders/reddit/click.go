package reddit

import (
	"regexp"
	"unicode/utf8"

	"subfive"
	"subfive/forwarders"
)

// What Reddit's ads and Reddit's pixel leave behind, by the names they have
// there.
const (
	paramClickID = "rdt_cid"
	paramUUID    = "_rdt_uuid"
)

// uuidForm is the pixel's cookie: when it was made, and the visitor's ID.
var uuidForm = regexp.MustCompile(`^\d+\.([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$`)

// clickID returns the rdt_cid, byte for byte, or "" if there is none that JSON
// can carry unchanged. In direct mode the network brings it and nobody saw the
// click.
func clickID(d subfive.Delivery) string {
	id := ""
	if d.Click != nil {
		id = d.Click.Params[paramClickID]
	}
	if id == "" && d.Conversion.DirectParam == paramClickID {
		id = d.Conversion.DirectValue
	}
	if !utf8.ValidString(id) {
		return ""
	}
	return id
}

// uuid returns the visitor's ID from the pixel's cookie. It is never made up.
func uuid(d subfive.Delivery) string {
	if d.Click == nil {
		return ""
	}
	form := uuidForm.FindStringSubmatch(d.Click.Params[paramUUID])
	if form == nil {
		return ""
	}
	return form[1]
}

// page returns the page to name.
func (f *forwarder) page(d subfive.Delivery) string {
	return forwarders.Page(d, f.settings.DefaultEventSourceURL, paramClickID)
}
