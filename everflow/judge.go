package everflow

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"subfive"
)

// judge judges one parameter.
func (x *exam) judge(p *param) {
	value := strings.TrimSpace(p.raw)
	switch {
	case p.role == roleKey:
		x.judgeKey(p)
	case value == "":
		x.judgeEmpty(p)
	case p.hold.form == formNone || p.role == roleTest || p.role == roleType:
		x.judgeValue(p)
	default:
		x.judgePlaceholder(p)
	}
}

// judgeEmpty judges a parameter without a value.
func (x *exam) judgeEmpty(p *param) {
	switch {
	case x.form == FormTemplate && p.role.filled():
		right := x.rightMacro(p, "")
		p.fix = "{" + right + "}"
		x.add("no_macro", p.name, p.name+" is empty", "write "+p.name+"="+p.fix)
	case p.role == roleClick && x.endpoint.EmptyClickID != subfive.EmptyOrganic && !x.otherClick(p):
		x.add("empty_click_id", p.name, "the click ID is empty",
			"fix the link: give visitors the campaign's link of this tracker, which sets "+x.slots()[0]+"; look at a recent click in Everflow for its "+x.slots()[0])
	}
}

// otherClick reports whether another parameter brings the click ID.
func (x *exam) otherClick(than *param) bool {
	return slices.ContainsFunc(x.params, func(p *param) bool { return p != than && p.role == roleClick && strings.TrimSpace(p.raw) != "" })
}

// judgePlaceholder judges a value that is a macro, or was to be one.
func (x *exam) judgePlaceholder(p *param) {
	h := p.hold
	right := x.rightMacro(p, h.inner)
	say := func(code, what string) {
		fix := "write " + p.name + "={" + right + "}"
		if right == "" {
			fix, p.drop = "pick the right macro from the list in Everflow's postback form, or remove the parameter", true
		} else {
			p.fix = "{" + right + "}"
		}
		x.add(code, p.name, p.name+"="+show(strings.TrimSpace(p.raw))+": "+what, fix)
	}
	exact := x.exact(h)
	platform, isPlatform := platformMacro(h.inner)
	_, absent := x.d.hinter.absent[fold(h.inner)]
	switch {
	case h.encoded > 1:
		say("double_encoding", "the braces are encoded twice")
		return
	case h.encoded == 1 && h.form == formCurly && (exact || x.form == FormTemplate):
		say("encoded_braces", "the braces are encoded")
		if exact {
			return
		}
	}
	switch {
	case isPlatform && h.form != formBare && h.form != formOwnName:
		if p.role != roleClick {
			right = ""
		}
		say("platform_macro", h.text+" is "+platform)
		x.found[len(x.found)-1].Fix += "; the ad platform's IDs are captured by the campaign link and kept with the click"
	case absent && h.form == formCurly:
		if fold(right) == fold(h.inner) || right == "" {
			right = ""
		}
		say("not_partner_macro", h.text+" is "+x.d.hinter.absent[fold(h.inner)].Gives)
	case h.form == formWord:
		say("template_word", "a template's word")
	case h.form == formOwnName:
		say("own_name", "the parameter's own name")
	case h.form == formBare:
		say("lost_braces", "braces are missing")
	case h.form == formDoubled && (x.d.hinter.folded[fold(h.inner)] != ""):
		say("doubled_braces", "doubled braces")
	case h.form == formForeign, h.form == formDoubled:
		say("foreign_macro", "not Everflow's form")
	case !exact:
		say("wrong_macro", "there is no macro "+wrapped(h))
	case h.form == formEmbedded && p.role.filled():
		say("embedded_macro", "text stands around the macro")
	default:
		x.judgeMacro(p, say)
	}
}

func wrapped(h placeholder) string {
	if h.form == formCurly {
		return show(h.text)
	}
	return "{" + show(h.inner) + "}"
}

// exact reports whether a placeholder is an Everflow macro, letter for letter.
func (x *exam) exact(h placeholder) bool {
	_, ok := x.d.hinter.macros[h.inner]
	switch h.form {
	case formCurly:
		return ok && h.text == "{"+h.inner+"}"
	case formEmbedded:
		return ok && strings.Contains(h.text, "{"+h.inner+"}")
	case formNone, formForeign, formDoubled, formBare, formWord, formOwnName:
	}
	return false
}

// judgeMacro judges a macro that exists: whether it belongs where it stands.
func (x *exam) judgeMacro(p *param, say func(code, what string)) {
	inner := p.hold.inner
	wants := p.role.wants()
	if p.role == roleClick {
		wants = x.slots()
	}
	switch {
	case wants == nil || slices.Contains(wants, inner):
		if x.form == FormCaptured {
			x.add("unfilled_macro", p.name, p.name+"="+show(p.raw)+" arrived as it stands", "check the postback form: is it saved with this macro, and does the network offer it? Then make a test conversion")
		} else if m := x.d.hinter.macros[inner]; m.Confidence == Unclear {
			x.add("unclear_macro", p.name, "{"+inner+"} is not confirmed for partners", "look for it in the macro list of the postback form; if it is not there, remove the parameter")
		}
	case p.role == roleClick && slotName(inner):
		say("wrong_slot", "your links carry the click ID in "+strings.Join(wants, ", "))
	case inner == "offer_id" || p.role == roleOffer:
		say("offer_id_misplaced", "{"+inner+"} gives "+x.d.hinter.macros[inner].Gives)
	case p.role == roleConversion && inner == "transaction_id":
		p.drop = true
		x.add("transaction_as_conversion", p.name, p.name+"={transaction_id} names the session, not the conversion",
			"write tx_id={transaction_id}, and "+p.name+"={conversion_id} only if the postback form offers that macro")
	case p.role == rolePayout && inner == "revenue":
		say("revenue_as_payout", "{revenue} is the network's")
	default:
		say("mismatched_macro", "{"+inner+"} gives "+x.d.hinter.macros[inner].Gives)
	}
}

// rightMacro is the macro that belongs into a parameter, "" for unknown.
func (x *exam) rightMacro(p *param, inner string) string {
	right := ""
	if inner != "" {
		right = x.d.hinter.rightMacro(p.name, inner)
	}
	wants := p.role.wants()
	if p.role == roleClick {
		wants = x.slots()
	}
	switch {
	case wants == nil || slices.Contains(wants, right):
		return right
	case p.role == roleEventName:
		return "event_name"
	}
	return wants[0]
}

func (x *exam) judgeKey(p *param) {
	value := strings.TrimSpace(p.text)
	if x.endpoint.Key == "" || value == "" || value == subfive.Hidden || value == x.endpoint.Key {
		return
	}
	x.add("wrong_key", p.name, "the key is not that of endpoint "+x.endpoint.ID, "copy the URL anew: "+urlCommand(x.endpoint))
}

// urlCommand is how to print an endpoint's URL.
func urlCommand(e subfive.Endpoint) string {
	if e.ID == subfive.DefaultEndpoint || e.ID == "" {
		return "subfive postback-url"
	}
	return "subfive postback-url --endpoint " + e.ID
}

var escaped = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// judgeValue judges a value that was typed or filled in.
func (x *exam) judgeValue(p *param) {
	value := strings.TrimSpace(p.text)
	switch p.role {
	case roleType:
		x.judgeType(p, value)
	case roleTest:
		if slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(value)) {
			p.drop = true
			x.add("test_flag", p.name, "the URL says "+p.name+"="+show(value), "remove it before real traffic")
		}
	case rolePayout, roleSale:
		x.judgeAmount(p, value)
	case roleClick:
		if x.form == FormCaptured {
			x.judgeClickID(p, value)
		} else {
			x.fixed(p, value)
		}
	case roleOffer:
		x.judgeOffer(p, value)
	case roleTransaction, roleConversion:
		if x.form == FormTemplate {
			x.fixed(p, value)
		}
	case roleNone, roleEventID, roleEventName, roleOrder, roleSlot, roleKey, roleOther:
	}
	if x.form == FormCaptured && p.role != roleClick && escaped.MatchString(p.text) {
		x.add("double_encoding", p.name, p.name+"="+show(p.text)+" holds escapes still", "find out who encodes it a second time: a redirect or a script before the link")
	}
}

func (x *exam) fixed(p *param, value string) {
	right := x.rightMacro(p, "")
	p.fix = "{" + right + "}"
	x.add("fixed_value", p.name, p.name+"="+show(value)+" is typed in", "write "+p.name+"="+p.fix)
}

func (x *exam) judgeType(p *param, value string) {
	switch strings.ToLower(value) {
	case "cpc", "click", "clicks":
		p.drop = true
		x.add("cpc_postback", p.name, p.name+"="+show(value)+" is for paid clicks", "make the postback one of type Conversion, and remove "+p.name)
	case "event":
		if !slices.ContainsFunc(x.params, func(q *param) bool {
			return (q.role == roleEventID || q.role == roleEventName) && strings.TrimSpace(q.raw) != ""
		}) {
			p.drop = true
			x.add("event_without_goal", p.name, p.name+"=event, and no event is named", "add event_id={event_id}&event_name={event_name}, or make the postback one of type Conversion")
		}
	}
}

func (x *exam) judgeAmount(p *param, value string) {
	_, err := subfive.ParseMicros(value)
	bare := strings.Trim(value, "$€£¥₹ \u00a0")
	for _, c := range []string{"USD", "EUR", "GBP", "usd", "eur", "gbp"} {
		bare = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(bare, c), c))
	}
	_, bareErr := subfive.ParseMicros(bare)
	right := "{" + x.rightMacro(p, "") + "}"
	fix := "write " + p.name + "=" + right + " and nothing around it"
	switch {
	case err == nil && x.form == FormTemplate:
		x.fixed(p, value)
		return
	case err == nil:
		return
	case strings.Contains(bare, ",") && strings.Trim(bare, "0123456789.,") == "":
		x.add("payout_decimal_comma", p.name, p.name+"="+show(value)+" has a comma", fix+"; if the network writes commas, ask it for plain numbers")
	case bareErr == nil && bare != value:
		x.add("payout_currency", p.name, p.name+"="+show(value)+" has a currency", fix+"; a currency goes into currency=")
	default:
		x.add("payout_not_a_number", p.name, p.name+"="+show(value)+" is no number such as 42.50", fix)
	}
	p.fix = right
}

// judgeOffer judges a filled-in offer ID against the endpoint's offers.
func (x *exam) judgeOffer(p *param, value string) {
	if len(x.endpoint.Offers) == 0 {
		return
	}
	for _, o := range x.d.site.Offers {
		if slices.Contains(x.endpoint.Offers, o.ID) && (o.NetworkOfferID == value || o.NetworkOfferID == "") {
			return
		}
	}
	x.add("offer_out_of_scope", p.name, "offer "+show(value)+" is none of endpoint "+x.endpoint.ID+"'s", "make the postback Specific to the endpoint's offer, or add the offer to the endpoint")
}

var ourLetters = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]+$`)

// judgeClickID judges a click ID that arrived.
func (x *exam) judgeClickID(p *param, value string) {
	if _, ok := subfive.ParseClickID(value); ok {
		return
	}
	platform, name := platformID(value)
	offer := slices.ContainsFunc(x.d.site.Offers, func(o subfive.Offer) bool { return o.NetworkOfferID != "" && o.NetworkOfferID == value })
	switch {
	case x.endpoint.Direct != "":
	case platform != "":
		x.add("platform_click_id", p.name, p.name+" holds a "+name,
			"use this tracker's campaign link, which puts its own ID into "+x.slots()[0]+"; or, if that is meant, set direct: "+platform+" on the endpoint")
	case offer:
		x.add("offer_id_misplaced", p.name, p.name+"="+value+" is an offer's number", "write "+p.name+"={"+x.slots()[0]+"} and offer_id={offer_id}")
	case escaped.MatchString(value):
		x.add("double_encoding", p.name, p.name+"="+show(value)+" holds escapes still", "find out who encodes it a second time: a redirect or a script before the link")
	case isHex32(value):
		x.add("mismatched_macro", p.name, p.name+"="+show(value)+" looks like a transaction ID", "write "+p.name+"={"+x.slots()[0]+"} and tx_id={transaction_id}")
	case len(value) >= 18 && len(value) <= 34 && ourLetters.MatchString(value):
		x.add("damaged_click_id", p.name, fmt.Sprintf("%s has %d characters of our click IDs' letters, and not %d", p.name, len(value), subfive.ClickIDLength),
			"look at the click in Everflow: where does the link, or a page on the way, cut or extend "+x.slots()[0]+"?")
	default:
		x.add("foreign_click_id", p.name, p.name+"="+show(value)+" is no click ID of this tracker", "give visitors this tracker's campaign link; if another tracker made the ID, import its clicks")
	}
}

func isHex32(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 32
}

// platformID recognizes an ad platform's click ID by its form. The forms were
// read from IDs in use; no platform documents them.
func platformID(value string) (platform, name string) {
	begins := func(all ...string) bool {
		return len(value) >= 20 && slices.ContainsFunc(all, func(b string) bool { return strings.HasPrefix(value, b) })
	}
	switch {
	case strings.HasPrefix(value, "E.C.P."):
		return "tiktok", "ttclid of TikTok"
	case begins("Cj0KCQ", "EAIaIQ", "CjwK", "CjgK"):
		return "google", "gclid of Google"
	case begins("0AAAAA"):
		return "google", "gbraid of Google"
	case begins("IwAR", "IwZX", "IwY2x", "PAZX"), begins("fb.1."):
		return "meta", "fbclid of Meta"
	}
	return "", ""
}
