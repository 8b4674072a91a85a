package everflow

import (
	"slices"
	"strings"

	"subfive"
)

// role is what this tracker reads a parameter as.
type role string

const (
	roleNone        role = ""
	roleClick       role = "click"
	rolePayout      role = "payout"
	roleOffer       role = "offer"
	roleTransaction role = "transaction"
	roleConversion  role = "conversion"
	roleSale        role = "sale"
	roleEventID     role = "event_id"
	roleEventName   role = "event_name"
	roleOrder       role = "order"
	roleSlot        role = "slot" // sub1…, adv1…: kept as they are
	roleType        role = "type"
	roleTest        role = "test"
	roleKey         role = "key"
	roleOther       role = "other" // known, and Everflow's own word stands in it
)

// filled reports whether Everflow fills the parameter in, so that a typed value
// is suspicious.
func (r role) filled() bool {
	switch r {
	case roleClick, rolePayout, roleOffer, roleTransaction, roleConversion, roleSale, roleEventID, roleEventName:
		return true
	case roleNone, roleOrder, roleSlot, roleType, roleTest, roleKey, roleOther:
	}
	return false
}

// wants are the macros that belong into a role; nil: any.
func (r role) wants() []string {
	switch r {
	case rolePayout:
		return []string{"payout", "payout_amount"}
	case roleOffer:
		return []string{"offer_id"}
	case roleTransaction:
		return []string{"transaction_id"}
	case roleConversion:
		return []string{"conversion_id"}
	case roleSale:
		return []string{"sale_amount"}
	case roleEventID, roleEventName:
		return []string{"event_id", "event_name"}
	case roleNone, roleClick, roleOrder, roleSlot, roleType, roleTest, roleKey, roleOther:
	}
	return nil
}

// roles are the parameters that every postback path understands, folded.
var roles = map[string]role{
	"clickid": roleClick, "cid": roleClick, "payout": rolePayout, "payoutamount": rolePayout,
	"offerid": roleOffer, "txid": roleTransaction, "transactionid": roleTransaction, "tid": roleTransaction,
	"conversionid": roleConversion, "eventid": roleEventID, "eventname": roleEventName, "isevent": roleOther,
	"orderid": roleOrder, "saleamount": roleSale, "currency": roleOther, "status": roleOther, "timestamp": roleOther,
	"couponcode": roleOther, "test": roleTest, "key": roleKey,
	"type": roleType, "postbacktype": roleType, "trackingtype": roleType, "et": roleType,
}

// dialects are the further names of each path that other trackers have.
var dialects = map[string]map[string]role{
	"/postback":    {"sum": rolePayout, "rdtkeventid": roleConversion, "type": roleOther, "et": roleOther, "cet": roleOther},
	"/*/postback":  {"subid": roleClick, "revenue": rolePayout},
	"/*/collect/*": {"click": roleClick, "value": rolePayout},
	"/cf/cv":       {"ct": roleOther},
	"/cf/postback": {"ct": roleOther},
	"/click.php":   {"cnvid": roleClick, "updclickid": roleClick, "updkey": roleKey, "cnvstatus": roleOther, "cnvcurrency": roleOther},
	"/click":       {"cnvid": roleClick, "updclickid": roleClick, "updkey": roleKey, "cnvstatus": roleOther, "cnvcurrency": roleOther},
	"/tracking202/static/gpb.php": {
		"subid": roleClick, "sid": roleClick, "amount": rolePayout, "oid": roleOrder,
	},
	"/postback.php": {"subid": roleClick},
}

// pattern is the dialect that a path speaks, "" for our own.
func pattern(path string) string {
	path = strings.ToLower("/" + strings.Trim(path, "/"))
	if _, ok := dialects[path]; ok {
		return path
	}
	segs := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(segs) == 2 && segs[1] == "postback":
		return "/*/postback"
	case len(segs) == 3 && segs[1] == "collect":
		return "/*/collect/*"
	}
	return ""
}

// role is what a parameter is read as at this URL's path.
func (x *exam) role(name string) role {
	folded := fold(strings.TrimSpace(name))
	if p := x.endpoint.ClickParam; p != "" && fold(p) == folded {
		return roleClick
	}
	if r, ok := dialects[pattern(x.path)][folded]; ok {
		return r
	}
	if r, ok := roles[folded]; ok {
		return r
	}
	if slotName(folded) {
		return roleSlot
	}
	return roleNone
}

// slotName reports whether a folded name is sub1…sub10 or adv1…adv10.
func slotName(folded string) bool {
	number, ok := strings.CutPrefix(folded, "sub")
	if !ok {
		number, ok = strings.CutPrefix(folded, "adv")
	}
	return ok && slices.Contains([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, number)
}

// endpointOf is the endpoint that a path names, else the default one.
func (d Doctor) endpointOf(path string) subfive.Endpoint {
	name := subfive.DefaultEndpoint
	segs := strings.Split(strings.Trim(path, "/"), "/")
	if len(segs) == 2 && (strings.EqualFold(segs[0], "conversion") || strings.EqualFold(segs[0], "pixel")) {
		name = segs[1]
	}
	i := slices.IndexFunc(d.site.Endpoints, func(e subfive.Endpoint) bool { return strings.EqualFold(e.ID, name) })
	if i < 0 {
		return subfive.Endpoint{ID: subfive.DefaultEndpoint}
	}
	return d.site.Endpoints[i]
}

// clickSlots are the links' slots that may hold our click ID at an endpoint.
func clickSlots(offers []subfive.Offer, e subfive.Endpoint) []string {
	var slots []string
	for _, o := range offers {
		if len(e.Offers) > 0 && !slices.Contains(e.Offers, o.ID) {
			continue
		}
		if slot := slotOf(o); !slices.Contains(slots, slot) {
			slots = append(slots, slot)
		}
	}
	if len(slots) == 0 {
		return []string{defaultSlot}
	}
	return slots
}

func (x *exam) slots() []string { return clickSlots(x.d.site.Offers, x.endpoint) }

const defaultSlot = "sub5"

func slotOf(o subfive.Offer) string {
	if o.ClickSlot == "" {
		return defaultSlot
	}
	return o.ClickSlot
}
