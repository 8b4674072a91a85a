package sandbox

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// macros are the names that Everflow replaces in a partner postback, with their
// values for one conversion. Names are exact: {Sub5} and {sub_5} are none.
func (c Conversion) macros(conversionID bool) map[string]string {
	eventID, eventName := c.EventID, c.EventName
	if c.Type != TypeEvent && eventID == "" && eventName == "" {
		eventID, eventName = "0", "Base"
	}
	values := map[string]string{
		"transaction_id": c.TransactionID,
		"payout":         c.Payout,
		"payout_amount":  c.Payout,
		"sale_amount":    c.SaleAmount,
		"event_id":       eventID,
		"event_name":     eventName,
		"offer_id":       c.OfferID,
		"order_id":       c.OrderID,
		"source_id":      c.SourceID,
		"status":         c.Status,
	}
	if conversionID {
		values["conversion_id"] = c.ConversionID
	}
	for i := range 10 {
		values["sub"+strconv.Itoa(i+1)] = c.Sub[i]
		values["adv"+strconv.Itoa(i+1)] = c.Adv[i]
	}
	for name, value := range c.Extra {
		values[name] = value
	}
	return values
}

// expand puts values, encoded, into a template. A macro that is not known stays
// as it is written, and so does a brace that opens none.
func expand(template string, values map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := values[name]
		if closed && known {
			b.WriteString(encodeComponent(value))
			template = after
			continue
		}
		b.WriteByte('{')
		template = rest
	}
}

// encodeComponent encodes as a browser's encodeURIComponent does.
func encodeComponent(s string) string {
	return escape(s, func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0
	})
}

func escape(s string, keep func(byte) bool) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if keep(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// postbackURL makes the URL that is called, cleaned as a browser cleans what is
// typed into its address bar: spaces around it and line ends inside are
// dropped, what a query can't hold is encoded, all else stays as written.
// See https://url.spec.whatwg.org/#query-state.
func postbackURL(template string, values map[string]string) (*url.URL, error) {
	raw := strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(expand(template, values))
	raw = strings.TrimFunc(raw, func(r rune) bool { return r <= ' ' })
	raw, _, _ = strings.Cut(raw, "#")
	path, query, found := strings.Cut(raw, "?")
	u, err := url.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("postback URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("postback URL %q must begin with http:// or https://", path)
	}
	u.ForceQuery = found && query == ""
	u.RawQuery = escape(query, func(c byte) bool {
		return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\''
	})
	return u, nil
}
