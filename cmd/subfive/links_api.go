package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"subfive"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/receiver"
)

// shownClickID stands for our click ID in a link that is shown.
const shownClickID = "‹click ID›"

// linkDifference is what becomes of a network's link.
type linkDifference struct {
	Pasted     string   `json:"pasted"`
	Ours       string   `json:"ours"`
	Slot       string   `json:"slot"`
	Parameters int      `json:"parameters"` // kept as they are
	Replaced   string   `json:"replaced,omitempty"`
	Changed    []string `json:"changed"`
	Notes      []string `json:"notes"`
}

// CompareLinks shows that only the slot changes, for the REST API.
func (b *backend) CompareLinks(link, slot string) (any, error) {
	link = strings.TrimSpace(link)
	if slot == "" {
		slot = "sub5"
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, dashboard.Refusal{Invalid: true, What: "that is no link: it has no https:// and host", Do: "copy the whole tracking link from the network's offer page"}
	}
	d := linkDifference{
		Pasted: link, Slot: slot, Changed: []string{slot}, Notes: []string{},
		Ours: strings.ReplaceAll(receiver.SetSlot(link, slot, "CLICKID"), url.QueryEscape(slot)+"=CLICKID", url.QueryEscape(slot)+"="+shownClickID),
	}
	_, query, _ := strings.Cut(link, "?")
	query, _, _ = strings.Cut(query, "#")
	found := 0
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch plainName, err := url.QueryUnescape(name); {
		case part == "":
		case err == nil && plainName == slot:
			if found++; found == 1 {
				d.Replaced = value
			}
		default:
			d.Parameters++
			if strings.Contains(value, "{") || strings.Contains(value, "%7B") {
				d.Notes = append(d.Notes, name+" holds a macro, "+value+": a visitor's browser fills in none, so it goes out as it stands.")
			}
		}
	}
	if found > 1 {
		d.Notes = append(d.Notes, slot+" was there "+strconv.Itoa(found)+" times: only the first is kept.")
	}
	if u.Scheme == "http" {
		d.Notes = append(d.Notes, "It has no TLS: ask the network for an https:// link.")
	}
	if b.ownHost(u.Hostname()) {
		d.Notes = append(d.Notes, "It leads to this tracker itself: paste the network's link, not a campaign's.")
	}
	return d, nil
}

// ownHost reports whether a host is one of ours.
func (b *backend) ownHost(host string) bool {
	public, err := url.Parse(b.t.file.Server.PublicURL)
	if err == nil && public.Hostname() != "" && strings.EqualFold(public.Hostname(), host) {
		return true
	}
	for _, d := range b.t.file.Server.Domains {
		if strings.EqualFold(d.Host, host) {
			return true
		}
	}
	return false
}

// pastableURL is a postback URL with what its macros are for.
type pastableURL struct {
	pastedURL
	Macros []usedMacro `json:"macros"`
}

type usedMacro struct {
	Name  string `json:"name"`
	Gives string `json:"gives"`
	Use   string `json:"use"`
}

// macroUse is what we do with what a macro brings.
func macroUse(name, slot string) string {
	switch name {
	case slot:
		return "finding the click"
	case "payout":
		return "revenue, and the value that platforms get"
	case "offer_id":
		return "checking that it is the offer clicked"
	case "transaction_id":
		return "telling a repeat from a new conversion"
	case "event_id", "event_name":
		return "telling upsells and renewals from the sale itself"
	case "sale_amount":
		return "value.from: sale_amount"
	case "conversion_id":
		return "the surest key of a conversion"
	}
	return "kept with the postback"
}

// PostbackURL is the URL to paste at the network, for the REST API.
func (b *backend) PostbackURL(ctx context.Context, endpointID, offerID string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	stored, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	setup := b.t.app.withKeys(stored)
	if _, ok := setup.Endpoint(endpointID); !ok {
		return nil, subfive.ErrNotFound
	}
	u, err := choosePostback(setup, endpointID, offerID, false)
	if err != nil {
		return nil, dashboard.Refusal{What: err.Error(), Do: "name one of the endpoint's offers, or none for a Global postback"}
	}
	macros, err := catalogue("", b.t.file.Server.DataDir)
	if err != nil {
		return nil, err
	}
	u.complete(hereURL(session{Store: st, file: b.t.file, vault: b.t.vault}), setup, macros)
	return pastableURL{u, usedMacros(u, macros)}, nil
}

// usedMacros are those in a postback URL, in its order.
func usedMacros(u pastedURL, macros []everflow.Macro) []usedMacro {
	slot := "sub5"
	if u.offer.ClickSlot != "" {
		slot = u.offer.ClickSlot
	}
	used := []usedMacro{}
	for rest := u.URL; ; {
		_, after, found := strings.Cut(rest, "{")
		name, left, closed := strings.Cut(after, "}")
		if !found || !closed {
			return used
		}
		rest = left
		m := usedMacro{Name: "{" + name + "}", Use: macroUse(name, slot)}
		for _, known := range macros {
			if known.Name == name {
				m.Gives = known.Gives
			}
		}
		used = append(used, m)
	}
}
