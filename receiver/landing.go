package receiver

import (
	"strings"

	"subfive"
)

// landingSlot is the parameter in which a landing page gets the click's ID.
const landingSlot = "cid"

// landingURL is the address of a landing page for a click: what the buyer wrote,
// its tokens filled in, the click's ID in landingSlot, and the platform's own
// click parameters passed on as they came, for the pixel on the page.
func (r *Receiver) landingURL(page string, c subfive.Click, rawQuery string) string {
	page = strings.NewReplacer(
		"{click_id}", c.ID, "{campaign_id}", c.CampaignID, "{source_id}", c.SourceID, "{offer_id}", c.OfferID, "{path_id}", c.PathID,
	).Replace(page)
	page = SetSlot(page, landingSlot, c.ID)
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		known, ok := r.words.clicks[fold(decode(name))]
		if !ok || value == "" || strings.HasPrefix(known, "_") || hasParam(page, known) {
			continue
		}
		if _, literal := r.literalMacro(known, decode(value)); literal {
			continue
		}
		page = setParam(page, known, value) // the ID's bytes as they came
	}
	return page
}

// hasParam reports whether a link brings a value of that name.
func hasParam(link, name string) bool {
	link, _, _ = strings.Cut(link, "#")
	_, query, _ := strings.Cut(link, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if given, value, _ := strings.Cut(pair, "="); decode(given) == name && value != "" {
			return true
		}
	}
	return false
}
