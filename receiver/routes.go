package receiver

import (
	"net/url"
	"slices"
	"strings"

	"subfive"
)

type routeKind int

const (
	routeNowhere routeKind = iota
	routePostback
	routeClick
	routeGo
	routeScript
	routeCollect
)

// route is what a request is, by its path and, where that leaves it open, by
// its parameters.
type route struct {
	kind     routeKind
	dialect  dialect
	endpoint string // named in the path
	key      string // given in the path
	pixel    bool
	// wrongPath: it has a postback's parameters at no path of ours.
	wrongPath bool
	// shownPath replaces a path that holds a key.
	shownPath string

	campaign plan   // routeClick; the zero value is an unknown one
	clickID  string // routeGo
	offer    string // routeGo
}

// segments splits a path at its slashes and drops empty segments. exact is false
// if there were any.
func segments(u *url.URL) (segs []string, exact bool) {
	exact = true
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "" {
			exact = false
			continue
		}
		plain, err := url.PathUnescape(seg)
		if err != nil {
			plain = seg
		}
		segs = append(segs, plain)
	}
	return segs, exact
}

func equal(a, b string) bool { return a == b }

// resolve finds out what a request is: first by its path as it is, then with
// case and slashes set right, then by what it carries.
func (r *Receiver) resolve(t *table, in *intake) route {
	segs, exact := segments(in.c.Request.URL)
	if exact {
		if rt, ok := r.match(t, segs, equal, in); ok {
			return rt
		}
	}
	rt, ok := r.match(t, segs, strings.EqualFold, in)
	if ok && (rt.kind != routePostback || r.read(in.params, rt.dialect, t.clickParam(rt.endpoint)).hasClickID()) {
		return rt
	}
	if c, ok := t.campaigns[normalPath(segs)]; ok {
		return route{kind: routeClick, campaign: c}
	}
	all := r.read(in.params, plain, t.clickParam(""))
	if slices.ContainsFunc(all, meant.holdsOurClickID) {
		return route{kind: routePostback, shownPath: rt.shownPath}
	}
	if slices.ContainsFunc(all, r.saysPostback) {
		return route{kind: routePostback, wrongPath: true, shownPath: rt.shownPath} // a key in it stays hidden
	}
	return route{}
}

// match finds the route of a path, comparing its fixed words with same.
func (r *Receiver) match(t *table, segs []string, same func(a, b string) bool, in *intake) (route, bool) {
	is := func(want ...string) bool {
		if len(segs) != len(want) {
			return false
		}
		for i, w := range want {
			if w != "" && !same(segs[i], w) {
				return false
			}
		}
		return true
	}
	postback := func(d dialect) (route, bool) { return route{kind: routePostback, dialect: d}, true }
	switch {
	case is("conversion"):
		return postback(plain)
	case is("conversion", ""):
		return route{kind: routePostback, endpoint: segs[1]}, true
	case is("c", ""):
		return route{kind: routeClick, campaign: t.campaigns[normalPath(segs[1:])]}, true
	case is("go", "", ""):
		return route{kind: routeGo, clickID: segs[1], offer: segs[2]}, true
	case is("subfive.js"):
		return route{kind: routeScript}, true
	case is("collect"):
		return route{kind: routeCollect}, true
	case is("pixel"):
		return route{kind: routePostback, pixel: true}, true
	case is("pixel", ""):
		return route{kind: routePostback, pixel: true, endpoint: segs[1]}, true
	case is("postback"):
		return postback(redirected)
	case is("cf", "cv"), is("cf", "postback"):
		return postback(clickflare)
	case is("postback.php"):
		return postback(yellow)
	case is("tracking202", "static", "gpb.php"):
		return postback(prosper)
	case is("", "collect", ""):
		return postback(anytrack)
	case is("click.php"), is("click"):
		return r.binom(t, in), true
	case is("", "postback"):
		return route{kind: routePostback, dialect: keitaro, key: segs[0], shownPath: "/" + subfive.Hidden + "/postback"}, true
	}
	return route{}, false
}

// binom tells /click.php's uses apart: a postback, a campaign's link, or a click
// on a landing page, whose way on only a link of ours knows.
func (r *Receiver) binom(t *table, in *intake) route {
	var campaign string
	for _, p := range in.params {
		switch fold(p.name) {
		case "cnvid", "updclickid":
			return route{kind: routePostback, dialect: binom}
		case "campid", "key":
			if _, known := t.campaigns[strings.ToLower(campaign)]; !known {
				campaign = strings.TrimSpace(p.value)
			}
		}
	}
	return route{kind: routeClick, campaign: t.campaigns[strings.ToLower(campaign)]}
}

// hasClickID reports whether a parameter for the click ID came with a value,
// though that may be a literal macro.
func (all fields) hasClickID() bool {
	m, ok := all.click()
	return ok && (!m.missing || m.literal)
}

// holdsOurClickID reports whether a value has the form of our click IDs, where
// one may be.
func (m meant) holdsOurClickID() bool {
	if m.field == fieldClickID {
		_, ok := subfive.ParseClickID(m.text())
		return ok
	}
	return m.isStrayClickID()
}

// saysPostback reports whether a parameter is one that postbacks have, in
// anybody's words. Keys, test flags and user data say nothing: any form has
// those.
func (r *Receiver) saysPostback(m meant) bool {
	switch r.words.anyField(fold(m.name)) {
	case fieldNone, fieldKey, fieldTest:
		return m.direct != ""
	case fieldClickID, fieldPayout, fieldOfferID, fieldTransaction, fieldConversion, fieldEventID, fieldEventName,
		fieldIsEvent, fieldOrderID, fieldSaleAmount, fieldCurrency, fieldStatus, fieldTimestamp, fieldSub, fieldCoupon,
		fieldType, fieldGoalType, fieldEventSlot, fieldUpdate, fieldSaleWords, fieldLeadWords, fieldRejectWords,
		fieldIgnoreWords:
		return true
	}
	return false
}

// normalPath is how campaigns and their aliases are looked up.
func normalPath(segs []string) string { return strings.ToLower(strings.Join(segs, "/")) }
