package attribution

import (
	"fmt"
	"slices"

	"subfive"
)

// permission is what consent allows for one conversion at one destination.
type permission struct {
	do subfive.ConsentAction
	// code and why name the decision: country, what was said, and the row that
	// decided. code is for a delivery that is skipped.
	code, why string
}

// permit decides by a destination's own rows, and after them by the built-in
// ones, what consent allows. What the visitor said of his data and his opt-out
// are two answers; of what follows from them the more careful holds. So it does
// of what the click says and what the network passed on.
func (b *book) permit(c subfive.Conversion, to subfive.Destination) permission {
	click := b.clicks[c.AttributedClickID]
	said := b.rules.ReadConsent(click.Consent).Careful(b.rules.ReadConsent(c.Consent))
	at := region{country: b.country(c, click), gdpr: said.GDPR, address: click.Request.ClientAddr}
	p := b.answer(to, said.UserData, at)
	if said.OptOut {
		if o := b.answer(to, subfive.ConsentGPC, at); carefulness(o.do) > carefulness(p.do) {
			p = o
		}
	}
	return p
}

// allow freezes on a delivery what consent allows, or says why it is not sent.
// Without a code, why still says which row decided.
func (b *book) allow(c subfive.Conversion, to subfive.Destination, d *subfive.Delivery) (code, why string) {
	p := b.permit(c, to)
	switch p.do {
	case subfive.ConsentSend:
	case subfive.ConsentLimit:
		d.LimitedUse = true
	case subfive.ConsentSkip:
		return p.code, p.why
	}
	return "", p.why
}

// country is where the visitor was: as his address says, else as the network
// told. "": not known.
func (b *book) country(c subfive.Conversion, click subfive.Click) string {
	if click.Visitor.Country != "" {
		return click.Visitor.Country
	}
	if sealed, ok := c.UserData[subfive.UserCountry]; ok {
		return b.rules.Country(sealed)
	}
	return ""
}

func carefulness(do subfive.ConsentAction) int {
	return slices.Index([]subfive.ConsentAction{subfive.ConsentSend, subfive.ConsentLimit, subfive.ConsentSkip}, do)
}

// region is where the visitor was, for the rows.
type region struct {
	country string // "": not known
	gdpr    bool   // the page said that the GDPR applies
	address string // the visitor's, of his click
}

func (r region) in(where []string) bool {
	return slices.ContainsFunc(where, func(w string) bool {
		switch w {
		case subfive.RegionAny:
			return true
		case subfive.RegionUnknown:
			return r.country == ""
		case subfive.RegionEEA:
			return r.country == "" && r.gdpr || subfive.InEEA(r.country)
		}
		return w == r.country
	})
}

func (r region) String() string {
	switch {
	case r.country != "":
		return "in " + r.country
	case r.gdpr:
		return "in an unknown country where the page says that the GDPR applies"
	}
	return "in an unknown country"
}

// builtIn are the rows that come after a destination's own. Something fits
// always.
func builtIn(limits bool) []subfive.ConsentRule {
	optOut := subfive.ConsentSkip
	if limits {
		optOut = subfive.ConsentLimit
	}
	anywhere := []string{subfive.RegionAny}
	return []subfive.ConsentRule{
		{Where: anywhere, When: subfive.ConsentDenied, Do: subfive.ConsentSkip},
		{Where: anywhere, When: subfive.ConsentGPC, Do: optOut},
		{Where: []string{subfive.RegionEEA, "GB", "CH"}, When: subfive.ConsentUnknown, Do: subfive.ConsentSkip},
		{Where: anywhere, When: subfive.ConsentUnknown, Do: subfive.ConsentSend},
		{Where: anywhere, When: subfive.ConsentGranted, Do: subfive.ConsentSend},
	}
}

// answer is the first row's that fits: own ones first.
func (b *book) answer(to subfive.Destination, when subfive.ConsentState, at region) permission {
	fits := func(r subfive.ConsentRule) bool { return r.When == when && at.in(r.Where) }
	rows, which := to.Consent, "row %d of "+to.ID+"'s consent"
	i := slices.IndexFunc(rows, fits)
	if i < 0 {
		rows, which = builtIn(b.rules.Platforms[to.Platform].LimitedUse), "built-in row %d"
		i = slices.IndexFunc(rows, fits)
	}
	row := rows[i]
	p := permission{do: row.Do, code: reason(when)}
	p.why = fmt.Sprintf("%s %s: "+which+" says %s", saying(when), at, i+1, row)
	if limits := b.rules.Limits[to.ID]; p.do == subfive.ConsentLimit && limits != nil {
		if err := limits(at.country, at.address); err != nil {
			return permission{do: subfive.ConsentSkip, code: p.code, why: p.why + ", which can't be done, so that it is skipped: " + err.Error()}
		}
	}
	if p.do == subfive.ConsentSkip {
		own := subfive.ConsentRule{Where: []string{at.word()}, When: when, Do: subfive.ConsentSend}
		p.why += fmt.Sprintf("; to send all the same, put a row before it under consent of %s: %s", to.ID, own)
	}
	return p
}

// word is how a row of one's own names the place.
func (r region) word() string {
	switch {
	case r.country != "":
		return r.country
	case r.gdpr:
		return subfive.RegionEEA
	}
	return subfive.RegionUnknown
}

func saying(when subfive.ConsentState) string {
	if when == subfive.ConsentGPC {
		return "the visitor opted out (gpc)"
	}
	return "consent is " + string(when)
}

func reason(when subfive.ConsentState) string {
	switch when {
	case subfive.ConsentGranted:
		return reasonConsentGranted
	case subfive.ConsentDenied:
		return reasonConsentDenied
	case subfive.ConsentUnknown:
		return reasonConsentUnknown
	case subfive.ConsentGPC:
		return reasonGPC
	}
	return reasonConsentUnknown
}
