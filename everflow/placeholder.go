package everflow

import (
	"regexp"
	"strings"
)

// form is how a placeholder was written.
type form int

const (
	formNone     form = iota
	formCurly         // {x}: Everflow's own form
	formForeign       // another tracker's or platform's
	formDoubled       // {{x}}
	formBare          // the name without braces, or with one of them
	formWord          // REPLACE, YOUR_CLICK_ID
	formOwnName       // click_id=click_id
	formEmbedded      // {x} within other text
)

// wrapper is a pair of marks that some tracker puts around its placeholders.
type wrapper struct {
	open, close string
	form        form
	accept      func(h Hinter, param, inner string) bool
}

// wrappers are tried in this order: the longer marks first.
var wrappers = []wrapper{
	{"{{", "}}", formDoubled, anyName},
	{"${", "}", formForeign, anyName},
	{"#{", "}", formForeign, anyName},
	{"[[", "]]", formForeign, anyName},
	{"!!!", "!!!", formForeign, anyName},
	{"{", "}", formCurly, anyName},
	{"__", "__", formForeign, upperName},
	{"--", "--", formForeign, upperName},
	{"%%", "%%", formForeign, fittingName},
	{"%", "%", formForeign, fittingName},
	{"#", "#", formForeign, fittingName},
	{"[", "]", formForeign, fittingName},
	{"<", ">", formForeign, fittingName},
}

func anyName(_ Hinter, _, inner string) bool { return inner != "" }

// upperName: the marks occur in random IDs too, an all-capitals name does not.
func upperName(h Hinter, _, inner string) bool {
	return strings.ToUpper(inner) == inner || h.known(inner)
}

// fittingName: these marks occur in what people write ("[SALE]"), so either the
// name is one we know, or the parameter is one that never holds such text.
func fittingName(h Hinter, param, inner string) bool {
	return !strings.Contains(inner, " ") && (h.known(inner) || strict[meaning(param)])
}

// unwrap finds the placeholder in value, which must be all of it.
func (h Hinter) unwrap(param, value string) (inner string, f form) {
	for _, w := range wrappers {
		inner, ok := strings.CutPrefix(value, w.open)
		if !ok {
			continue
		}
		inner, ok = strings.CutSuffix(inner, w.close)
		if !ok {
			continue
		}
		inner = strings.TrimSpace(inner)
		if looksNamed(inner) && w.accept(h, param, inner) {
			return inner, w.form
		}
	}
	return "", formNone
}

var (
	// A name that people give: Sub5, sub-5, campaign.id, var:ad, "click id".
	namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[ _.\-]+[A-Za-z0-9]+|:[A-Za-z0-9_]+)*$`)
	guidPattern = regexp.MustCompile(`^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`)
	hexPattern  = regexp.MustCompile(`^[0-9A-Fa-f]{8,}$`)
	embedded    = regexp.MustCompile(`\{\s*([A-Za-z][A-Za-z0-9_ \-]{0,40})\s*\}`)
	insertWord  = regexp.MustCompile(`^(?:REPLACE|REPLACEME|OPTIONAL|(?:REPLACE|INSERT|YOUR|ENTER)_[A-Z_]+|[A-Z_]+_HERE)$`)
)

// looksNamed tells a name from a random ID in braces.
func looksNamed(s string) bool {
	if len(s) > 48 || !namePattern.MatchString(s) || guidPattern.MatchString(s) || hexPattern.MatchString(s) {
		return false
	}
	longest := 0 // run of letters and digits mixed: IDs have long ones
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" _.-:", r) }) {
		if strings.ContainsAny(part, "0123456789") {
			longest = max(longest, len(part))
		}
	}
	return longest < 20
}

// strict are the meanings of parameters that hold an ID or a number, never text
// that a person wrote.
var strict = map[string]bool{
	"sub5": true, "payout": true, "sale_amount": true, "offer_id": true,
	"transaction_id": true, "conversion_id": true, "event_id": true,
}

// meanings are names without case, _, - and dots, by the macro that gives what
// they ask for: our parameters, the rivals' and their macros.
var meanings = map[string]string{
	"clickid": "sub5", "cid": "sub5", "click": "sub5", "subid": "sub5", "cnvid": "sub5", "clid": "sub5",
	"cfclickid": "sub5", "refid": "sub5", "externalid": "sub5", "affclickid": "sub5", "affsub": "sub5",
	"sid": "sub5", "updclickid": "sub5", "aclid": "sub5",
	"payout": "payout", "sum": "payout", "amount": "payout", "value": "payout", "commission": "payout",
	"conversionpayout": "payout", "conversionrevenue": "payout", "payoutamount": "payout", "price": "payout",
	"revenue": "payout", "saleamount": "sale_amount", "ordertotal": "sale_amount",
	"txid": "transaction_id", "tid": "transaction_id", "transactionid": "transaction_id",
	"transaction": "transaction_id", "offerid": "offer_id", "oid": "offer_id", "offer": "offer_id",
	"eventid": "event_id", "goalid": "event_id", "adveventid": "event_id",
	"eventname": "event_name", "goal": "event_name", "goalname": "event_name", "event": "event_name", "eventtype": "event_name",
	"conversionid": "conversion_id", "convid": "conversion_id", "sourceid": "source_id", "source": "source_id",
	"orderid": "order_id",
}

var slotPattern = regexp.MustCompile(`^(?:s|sub|subid|affsub|affsubid)(10|[1-9])$`)

// fold drops what people vary: case, _, -, dots and spaces.
func fold(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

// meaning returns the macro that gives what a name asks for, or "".
func meaning(name string) string {
	folded := fold(name)
	if m := slotPattern.FindStringSubmatch(folded); m != nil {
		return "sub" + m[1]
	}
	return meanings[folded]
}
