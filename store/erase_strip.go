package store

import (
	"strings"

	"subfive"
)

// stripRequest takes out of a request who made it. whole takes all that the
// client chose with it: its parameters and its path's query.
func stripRequest(r *subfive.Request, personal map[string]string, whole bool) {
	r.ClientAddr, r.UserAgent, r.Headers = "", "", nil
	if whole {
		r.Params, r.Raw = nil, ""
		return
	}
	for i, p := range r.Params {
		if _, ok := personal[p.Name]; ok {
			r.Params[i].Value = subfive.Hidden
		}
	}
}

// stripClick takes the personal data out of a click: address, user agent, user
// data, the platforms' IDs and cookies, and the queries of its URLs. What
// reports count by stays: campaign, ad, country, device, consent. whole takes
// what the link brought, too.
func stripClick(c *subfive.Click, whole bool) {
	stripRequest(&c.Request, c.Params, whole)
	c.Params, c.UserData = nil, nil
	c.VisitorID, c.Visitor.City, c.Visitor.Carrier, c.Visitor.ASN = "", "", "", 0
	c.Location, c.PageURL, c.Referrer = withoutQuery(c.Location), withoutQuery(c.PageURL), withoutQuery(c.Referrer)
	if whole {
		c.Referrer, c.Language, c.Tokens = "", "", nil
	}
}

// stripVisit takes the personal data out of what a landing page told.
func stripVisit(v *subfive.Visit, whole bool) {
	stripRequest(&v.Request, v.Params, whole)
	v.Params, v.UserData = nil, nil
	v.PageURL, v.Referrer = withoutQuery(v.PageURL), withoutQuery(v.Referrer)
	if whole {
		v.Referrer = ""
	}
}

// stripPostback takes the personal data out of a postback. The click ID and the
// transaction stay: by them a repeat is told from a new conversion.
func stripPostback(p *subfive.Postback, whole bool) {
	stripRequest(&p.Request, nil, whole)
	p.UserData = nil
}

// stripConversion takes the personal data out of a conversion. What happened
// and what it paid stays.
func stripConversion(c *subfive.Conversion, whole bool) {
	c.UserData, c.DirectValue = nil, ""
	if whole {
		c.Subs = nil
	}
}

// withoutQuery cuts a URL's query and fragment off.
func withoutQuery(u string) string {
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		return u[:i]
	}
	return u
}
