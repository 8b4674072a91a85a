package sandbox

import (
	"encoding/json"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// sheetsMaxCell is how many characters a cell holds.
const sheetsMaxCell = 50_000

// sheetsColumns are the columns of a row and what they hold: a text, a number, a
// boolean or a moment.
var sheetsColumns = map[string]string{
	"id": "text", "kind": "text", "test": "boolean", "event_name": "text", "event_time": "moment",
	"value": "number", "value_currency": "text", "payout": "number", "sale_amount": "number", "currency": "text",
	"status": "text", "goal": "text", "seq": "number", "transaction_id": "text", "order_id": "text",
	"conversion_id": "text", "converted_at": "moment", "click_id": "text", "clicked_at": "moment",
	"platform": "text", "campaign_id": "text", "source_id": "text", "landing_id": "text",
	"offer_id": "text", "network_offer_id": "text", "network_id": "text",
}

// sheetsMore are the columns with names of their own: platforms' click IDs and
// sub parameters.
var sheetsMore = regexp.MustCompile(`^(?:param\.[A-Za-z0-9_-]+|(?:sub|adv)(?:[1-9]|10))$`)

// readSheetsBody returns the body's object, nil if it is none.
func readSheetsBody(c *sheetsCall) (map[string]any, *sheetsError) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/plain" {
		return nil, badRows("the body must be application/json or text/plain: a form has no contents to parse")
	}
	if err := strictJSON(c.body); err != nil {
		return nil, badRows("the body is %s", err)
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return nil, badRows("the body %s", err)
	}
	return top, nil
}

func readSheetsRows(c *sheetsCall, top map[string]any) *sheetsError {
	for key := range top {
		if key != "secret" && key != "rows" {
			return badRows("%s: no such key", key)
		}
	}
	var body struct{ Rows []json.RawMessage }
	if err := json.Unmarshal(c.body, &body); err != nil {
		return badRows("rows: must be a list")
	}
	if len(body.Rows) == 0 || len(body.Rows) > sheetsMaxRows {
		return badRows("rows: %d of them; 1 to %d can be", len(body.Rows), sheetsMaxRows)
	}
	var refusal *sheetsError
	for i, raw := range body.Rows {
		row, err := decodeObject(raw)
		if err != nil {
			return badRows("rows.%d: %s", i, err)
		}
		if problem := checkSheetsRow(row); problem != "" && refusal == nil {
			refusal = badRows("rows.%d.%s", i, problem)
		}
		c.events = append(c.events, newSheetsRow(c, row, raw))
	}
	return refusal
}

// checkSheetsRow returns the column and what is wrong with it, "" if all is well.
func checkSheetsRow(row map[string]any) string {
	names := make([]string, 0, len(row))
	for name := range row {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if problem := checkSheetsCell(name, row[name]); problem != "" {
			return name + ": " + problem
		}
	}
	for _, name := range []string{"id", "kind", "event_time"} {
		if _, ok := row[name]; !ok {
			return name + ": is missing"
		}
	}
	kind, _ := row["kind"].(string)
	if !slices.Contains([]string{"conversion", "approval", "retraction", "restatement"}, kind) {
		return "kind: is none"
	}
	_, priced := row["value"]
	if _, currency := row["value_currency"]; priced && !currency {
		return "value: is in no currency"
	}
	return ""
}

func checkSheetsCell(name string, v any) string {
	holds, ok := sheetsColumns[name]
	if sheetsMore.MatchString(name) {
		holds, ok = "text", true
	}
	if !ok {
		return "no such column"
	}
	text, isText := v.(string)
	if _, isNumber := v.(json.Number); holds == "number" && !isNumber {
		return "must be a number"
	}
	if _, isBool := v.(bool); holds == "boolean" && !isBool {
		return "must be true or false"
	}
	switch {
	case holds == "number" || holds == "boolean":
		return ""
	case !isText || text == "":
		return "must be a text, or left out"
	case utf8.RuneCountInString(text) > sheetsMaxCell:
		return "is longer than a cell"
	case holds == "moment":
		if _, err := time.Parse(time.RFC3339, text); err != nil || !strings.HasSuffix(text, "Z") {
			return "must be a moment in UTC, such as 2026-11-20T12:00:00Z"
		}
	}
	return ""
}

func newSheetsRow(c *sheetsCall, row map[string]any, raw []byte) Event {
	e := Event{ReceivedAt: c.at, Raw: raw}
	e.Dataset, _, _ = strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/macros/s/"), "/")
	e.EventName, _ = row["event_name"].(string)
	e.EventID, _ = row["id"].(string)
	e.OrderID, _ = row["order_id"].(string)
	e.Currency, _ = row["value_currency"].(string)
	if v, ok := row["value"].(json.Number); ok {
		e.Value = v.String()
	}
	if test, _ := row["test"].(bool); test {
		e.TestCode = "test"
	}
	text, _ := row["event_time"].(string)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		e.EventTime = at.Unix()
	}
	return e
}
