package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"subfive"
)

// place is where a template's values go, and so how they are escaped.
type place int

const (
	nowhere  place = iota
	inURL          // and in a form's body
	inHeader       // line breaks and other control characters become spaces
	inJSON
	inText
)

// escape makes v harmless in its place.
func (p place) escape(v string) string {
	switch p {
	case inURL:
		// %20 is a space in the path and in the query; + only in one of them.
		return strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
	case inHeader:
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, v)
	case inJSON:
		quoted := literal(v)
		return quoted[1 : len(quoted)-1]
	case inText, nowhere:
	}
	return v
}

// literal returns v as a JSON string.
func literal(v string) string {
	quoted, err := json.Marshal(v)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(quoted)
}

// template is text with placeholders.
type template struct {
	at    place
	parts []part
}

// part is a text, or a placeholder when name is set.
type part struct {
	text string
	name string
	// bare: in JSON and outside quotes, so that the value brings its own, or is
	// a number, or null when it is missing.
	bare bool
}

// render fills the placeholders with what get returns for their names.
func (t template) render(get func(name string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.name == "":
			b.WriteString(p.text)
		case !p.bare:
			b.WriteString(t.at.escape(get(p.name)))
		default:
			b.WriteString(bareValue(p.name, get(p.name)))
		}
	}
	return b.String()
}

func bareValue(name, v string) string {
	switch {
	case v == "":
		return "null"
	case slices.Contains(numbers, name):
		return v
	}
	return literal(v)
}

// numbers are the placeholders whose values are JSON numbers.
var numbers = []string{"payout", "value", "sale_amount", "event_time_unix", "seq"}

// names are the placeholders, but for sub1…, adv1…, param.NAME and secret.NAME.
var names = []string{
	"click_id", "conversion_id", "event_id", "event_name", "event_time", "event_time_unix", "kind",
	"value", "value_currency", "payout", "currency", "sale_amount",
	"transaction_id", "order_id", "goal", "status", "seq",
	"campaign_id", "source_id", "offer_id", "network_offer_id", "landing_id",
}

var (
	placeholder = regexp.MustCompile(`\{([A-Za-z0-9_.-]+)\}`)
	subName     = regexp.MustCompile(`^(sub|adv)([1-9]|10)$`)
	paramName   = regexp.MustCompile(`^param\.[A-Za-z0-9_-]+$`)
)

// parser reads templates and remembers which secrets they use.
type parser struct {
	secrets   map[string]string
	sensitive bool
	used      map[string]bool
}

func (p *parser) parse(text string, at place) (template, error) {
	t := template{at: at}
	if text == "" {
		return t, nil
	}
	if !utf8.ValidString(text) {
		return t, errors.New("it is not UTF-8")
	}
	quotes := 0
	last := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		before, name := text[last:m[0]], text[m[2]:m[3]]
		quotes += countQuotes(before)
		bare := at == inJSON && quotes%2 == 0
		t.parts = append(t.parts, part{text: before})
		last = m[1]
		if secret, ok := strings.CutPrefix(name, "secret."); ok {
			if _, ok := p.secrets[secret]; !ok {
				return t, fmt.Errorf("{%s}: secrets has no %q", name, secret)
			}
			p.used[secret] = true
			hidden := mark(secret)
			if bare {
				hidden = literal(hidden)
			}
			t.parts = append(t.parts, part{text: hidden})
			continue
		}
		if err := p.check(name); err != nil {
			return t, err
		}
		t.parts = append(t.parts, part{name: name, bare: bare})
	}
	t.parts = append(t.parts, part{text: text[last:]})
	return t, nil
}

// countQuotes counts the quotes in a piece of JSON that open or close a string.
func countQuotes(text string) (n int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			n++
		}
	}
	return n
}

// check refuses what is no placeholder, or must not leave without consent.
func (p *parser) check(name string) error {
	switch {
	case slices.Contains(names, name), paramName.MatchString(name):
		return nil
	case subName.MatchString(name):
		if !p.sensitive {
			return fmt.Errorf("{%s}: sub parameters may say what the visitor looked at, and are not passed on; set allow_sensitive: true if the receiver may know", name)
		}
		return nil
	}
	all := slices.Concat(names, []string{"sub1", "adv1", "param.fbclid"})
	slices.SortStableFunc(all, func(a, b string) int { return distance(name, a) - distance(name, b) })
	return fmt.Errorf("{%s} is not a placeholder; did you mean {%s}? There are {%s}, {sub1} to {sub10}, {adv1} to {adv10}, {param.NAME} and {secret.NAME}",
		name, all[0], strings.Join(names, "}, {"))
}

// distance is the number of letters to change, add or remove between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// value returns what a placeholder stands for, "" if it is missing.
func value(d subfive.Delivery, name string, statusWords map[string]string) string {
	c := d.Conversion
	click := subfive.Click{}
	if d.Click != nil {
		click = *d.Click
	}
	if param, ok := strings.CutPrefix(name, "param."); ok {
		if param == c.DirectParam && click.Params[param] == "" {
			return c.DirectValue
		}
		return click.Params[param]
	}
	switch name {
	case "click_id":
		return clickID(d)
	case "conversion_id":
		return d.ConversionID
	case "event_id":
		return d.EventID
	case "event_name":
		return d.EventName
	case "event_time":
		return d.EventTime.UTC().Format(time.RFC3339)
	case "event_time_unix":
		return strconv.FormatInt(d.EventTime.Unix(), 10)
	case "kind":
		return string(d.Kind)
	case "value":
		if d.Value != nil {
			return d.Value.Amount.String()
		}
		return ""
	case "value_currency":
		if d.Value != nil {
			return d.Value.Currency
		}
		return ""
	case "payout":
		return amount(c.Payout)
	case "currency":
		return c.Currency
	case "sale_amount":
		return amount(c.SaleAmount)
	case "transaction_id":
		return c.TransactionID
	case "order_id":
		return c.OrderID
	case "goal":
		return c.Goal()
	case "status":
		return status(c, statusWords)
	case "seq":
		return strconv.Itoa(c.Seq)
	case "campaign_id":
		return c.CampaignID
	case "source_id":
		return c.SourceID
	case "offer_id":
		return c.OfferID
	case "network_offer_id":
		return c.NetworkOfferID
	case "landing_id":
		return click.LandingID
	}
	return c.Subs[name]
}

// clickID is ours if there is one, else what the network brought: another
// tracker's, which may be the one we tell.
func clickID(d subfive.Delivery) string {
	switch {
	case d.Click != nil:
		return d.Click.ID
	case d.Conversion.AttributedClickID != "":
		return d.Conversion.AttributedClickID
	}
	return d.Conversion.ReceivedClickID
}

func amount(m *subfive.Micros) string {
	if m == nil {
		return ""
	}
	return m.String()
}

func status(c subfive.Conversion, words map[string]string) string {
	if word, ok := words[string(c.Status)]; ok {
		return word
	}
	return string(c.Status)
}
