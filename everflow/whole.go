package everflow

import (
	"slices"
	"strings"

	"subfive"
)

// twins drops all but one of the parameters that say the same thing.
func (x *exam) twins() {
	same := map[role][]*param{}
	for _, p := range x.params {
		same[p.role] = append(same[p.role], p)
	}
	for _, p := range x.params {
		all := same[p.role]
		switch p.role {
		case roleNone, roleSlot, roleOther, roleOrder:
			continue
		case roleClick, rolePayout, roleOffer, roleTransaction, roleConversion, roleSale, roleEventID, roleEventName, roleType, roleTest, roleKey:
		}
		if len(all) < 2 || all[0] != p {
			continue
		}
		x.twice(all)
	}
}

// twice keeps the best of several: the first that holds a macro, or what
// Everflow would fill in.
func (x *exam) twice(all []*param) {
	keep := slices.MaxFunc(all, func(a, b *param) int { return x.worth(a) - x.worth(b) })
	differ, names := false, []string{}
	for _, p := range all {
		p.drop = p != keep
		differ = differ || p.raw != keep.raw
		if !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	if differ {
		where := strings.Join(names, ", ")
		x.add("duplicate_parameter", where, where+" is given with different values", "keep one")
	}
}

func (x *exam) worth(p *param) int {
	switch {
	case strings.TrimSpace(p.raw) == "":
		return 0
	case (p.hold.form != formNone) == (x.form == FormTemplate):
		return 2
	}
	return 1
}

// whole judges the parameters together: what is missing.
func (x *exam) whole() {
	seen := map[role]*param{}
	for _, p := range x.params {
		if seen[p.role] == nil {
			seen[p.role] = p
		}
	}
	if seen[roleClick] == nil {
		x.missingClick()
	}
	captured := x.form == FormCaptured
	if e := x.endpoint; e.Key != "" && seen[roleKey] == nil && pattern(x.path) != "/*/postback" {
		x.add("missing_key", "key", "endpoint "+e.ID+" has a key, and the URL has none", "copy the URL anew: "+urlCommand(e))
	}
	if captured && x.host == "" && x.path == "" && len(x.params) < 3 {
		return // a fragment of a query: what is missing may have been cut off by hand
	}
	if seen[rolePayout] == nil && !x.payoutKnown() {
		x.add("missing_payout", "payout", "there is no payout", "add payout={payout}, or give the offer a payout in the file")
	}
	if seen[roleTransaction] == nil && seen[roleConversion] == nil {
		x.add("missing_transaction", "tx_id", "there is no transaction ID", "add tx_id={transaction_id}")
	}
}

// payoutKnown reports whether each offer that may be meant has a payout of its
// own.
func (x *exam) payoutKnown() bool {
	offers := slices.DeleteFunc(slices.Clone(x.d.site.Offers), func(o subfive.Offer) bool {
		return len(x.endpoint.Offers) > 0 && !slices.Contains(x.endpoint.Offers, o.ID)
	})
	return len(offers) > 0 && !slices.ContainsFunc(offers, func(o subfive.Offer) bool { return o.Payout == nil })
}

// missingClick looks where the click ID is, when no parameter is read as one.
func (x *exam) missingClick() {
	name := x.clickName()
	slots := x.slots()
	for _, p := range x.params {
		_, ours := subfive.ParseClickID(strings.TrimSpace(p.text))
		macro := p.hold.form != formNone && slices.Contains(slots, p.hold.inner)
		stray := p.role == roleNone || p.role == roleSlot
		if !stray || !ours && !macro && strict[meaning(p.name)] && meaning(p.name) != slots[0] {
			continue
		}
		if ours && p.role == roleSlot {
			return // the receiver finds it there
		}
		if ours || macro || meaning(p.name) == slots[0] && p.role == roleNone {
			p.rename = name
			x.add("wrong_click_parameter", p.name, "the click ID stands in "+p.name+", which this path does not read", "write "+name+"={"+slots[0]+"}")
			return
		}
	}
	if x.endpoint.EmptyClickID == subfive.EmptyOrganic && x.form == FormCaptured {
		return
	}
	x.add("missing_click_id", name, "no parameter brings the click ID", "add "+name+"={"+slots[0]+"}")
}

// clickName is the click ID's parameter at this path.
func (x *exam) clickName() string {
	if x.endpoint.ClickParam != "" {
		return x.endpoint.ClickParam
	}
	switch pattern(x.path) {
	case "/*/postback", "/tracking202/static/gpb.php", "/postback.php":
		return "subid"
	case "/click", "/click.php":
		return "cnv_id"
	case "/*/collect/*":
		return "click"
	}
	return "click_id"
}

// corrected is the URL to paste instead, "" when nothing is wrong with it or it
// is one that arrived.
func (x *exam) corrected() string {
	fixable := slices.ContainsFunc(x.found, func(f Finding) bool {
		return f.Severity != SeverityNote && f.Level == LevelPostback || f.Code == "swapped_link"
	})
	if !fixable || x.form == FormCaptured && !x.replace {
		return ""
	}
	if x.replace || len(x.params) == 0 {
		if x.d.site.PublicURL == "" {
			return ""
		}
		e := x.endpoint
		if x.replace {
			e = x.d.endpointOf("/conversion")
		}
		hidden := ""
		if e.Key != "" {
			e.Key, hidden = "", "&key="+subfive.Hidden
		}
		return PostbackURL(x.d.site.PublicURL, e, Options{Offer: subfive.Offer{ClickSlot: x.slots()[0]}}) + hidden
	}
	if x.fixHost == "" && x.has("local_address", "example_host", "staging_host", "unknown_host") {
		return "" // nobody can tell the right host
	}
	host, path := x.host, x.path
	if x.fixHost != "" {
		host = x.fixHost
	}
	if x.fixPath != "" {
		path = x.fixPath
	}
	if x.host != "" && x.has("plain_http", "local_address", "bad_scheme", "unknown_host") {
		x.scheme = "https"
		if strings.HasPrefix(x.d.site.PublicURL, "http://") && x.d.serves(x.host) || strings.HasPrefix(x.d.site.PublicURL, "http://") && x.fixHost != "" {
			x.scheme = "http"
		}
	}
	x.complete()
	return x.build(func(p *param) (string, string, bool) {
		name, value := p.name, strings.TrimSpace(p.raw)
		if p.rename != "" {
			name = p.rename
			if p.fix == "" && p.hold.form != formNone {
				value = "{" + x.slots()[0] + "}"
			}
		}
		if p.fix != "" {
			value = p.fix
		}
		return name, value, !p.drop
	}, host, path)
}

func (x *exam) has(codes ...string) bool {
	return slices.ContainsFunc(x.found, func(f Finding) bool { return slices.Contains(codes, f.Code) })
}

// complete adds what is missing.
func (x *exam) complete() {
	add := func(code, name, value string, r role) {
		if x.has(code) && !slices.ContainsFunc(x.params, func(p *param) bool { return p.role == r && !p.drop }) {
			x.params = append(x.params, &param{name: name, raw: value, role: r})
		}
	}
	add("missing_click_id", x.clickName(), "{"+x.slots()[0]+"}", roleClick)
	add("missing_payout", "payout", "{payout}", rolePayout)
	add("missing_transaction", "tx_id", "{transaction_id}", roleTransaction)
	add("transaction_as_conversion", "tx_id", "{transaction_id}", roleTransaction)
	add("missing_key", "key", subfive.Hidden, roleKey)
}
