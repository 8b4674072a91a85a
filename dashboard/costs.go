package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Cost is what a platform says one ad cost on one day.
type Cost struct {
	SourceID     string         `json:"source_id"`
	Day          string         `json:"day"`           // in the ad account's own time zone, 2006-01-02
	AdAccountID  string         `json:"ad_account_id"` // "": the source's
	CampaignID   string         `json:"platform_campaign_id"`
	CampaignName string         `json:"platform_campaign_name"`
	SetID        string         `json:"adset_id"`
	SetName      string         `json:"adset_name"`
	AdID         string         `json:"ad_id"`
	AdName       string         `json:"ad_name"`
	Spend        subfive.Micros `json:"spend"`
	Currency     string         `json:"currency"` // "": the source's
	Impressions  int64          `json:"impressions"`
	Clicks       int64          `json:"platform_clicks"`
	Conversions  int64          `json:"platform_conversions"`
	Value        subfive.Micros `json:"platform_value"`
}

// CostQuery asks for one page of costs, the latest day first.
type CostQuery struct {
	SourceID     string
	Since, Until string // days, Until not included; "": no bound
	Limit        int    // 1 to 1000
	Cursor       string
}

// Rate is what one unit of a currency was worth in the reporting currency on a
// day.
type Rate struct {
	Date     string `json:"date"`
	Currency string `json:"currency"`
	Rate     string `json:"rate"`
}

// RateQuery asks for the latest rates.
type RateQuery struct {
	Currency string // "": all
	Since    string // a day; "": no bound
	Limit    int    // 1 to 1000
}

// maxRows is more than a day of any account takes, in bytes.
const maxRows = 16 << 20

// costsBody is the body of a call that replaces days' costs.
type costsBody struct {
	Rows []json.RawMessage `json:"rows"`
}

func (d *Dashboard) replaceCosts(c *gin.Context) (any, error) {
	var body costsBody
	if err := decodeUpTo(c, &body, maxRows); err != nil {
		return nil, err
	}
	costs, err := rowsOf[Cost](body.Rows, "source_id", "day", "spend")
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.ReplaceCosts(c.Request.Context(), costs)
}

// ratesBody is the body of a call that writes rates.
type ratesBody struct {
	Source string            `json:"source"` // who says so; "": manual
	Rows   []json.RawMessage `json:"rows"`
}

func (d *Dashboard) putRates(c *gin.Context) (any, error) {
	var body ratesBody
	if err := decodeUpTo(c, &body, maxRows); err != nil {
		return nil, err
	}
	rates, err := rowsOf[Rate](body.Rows, "date", "currency", "rate")
	if err != nil {
		return nil, err
	}
	if body.Source == "" {
		body.Source = "manual"
	}
	return d.cfg.Backend.PutRates(c.Request.Context(), body.Source, rates)
}

// rowsOf reads each row as strictly as a body is read.
func rowsOf[T any](rows []json.RawMessage, required ...string) ([]T, error) {
	if len(rows) == 0 {
		return nil, bad("give at least one row", "rows is missing")
	}
	all := make([]T, len(rows))
	for i, row := range rows {
		err := decodeObject(row, &all[i])
		if errors.Is(err, subfive.ErrNotANumber) {
			err = bad(`write amounts as text with a point, such as "42.50"`, "an amount is no plain decimal")
		}
		if err == nil {
			err = lacks(row, required)
		}
		if p, ok := errors.AsType[problem](err); ok {
			p.what = fmt.Sprintf("rows[%d]: %s", i, p.what)
			return nil, p
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// lacks says which field of a row is not there.
func lacks(row json.RawMessage, required []string) error {
	var there map[string]json.RawMessage
	if err := json.Unmarshal(row, &there); err != nil {
		return err
	}
	for _, name := range required {
		if _, ok := there[name]; !ok {
			return bad("each row has "+strings.Join(required, ", "), "%s is missing", name)
		}
	}
	return nil
}

func (d *Dashboard) costs(c *gin.Context) (any, error) {
	given, err := queryOf(c, "source_id", "since", "until", "limit", "cursor")
	if err != nil {
		return nil, err
	}
	q := CostQuery{SourceID: given["source_id"], Since: given["since"], Until: given["until"], Cursor: given["cursor"]}
	if q.Limit, err = limitOf(given["limit"]); err != nil {
		return nil, err
	}
	for name, day := range map[string]string{"since": q.Since, "until": q.Until} {
		if err := isDay(name, day); err != nil {
			return nil, err
		}
	}
	if q.Since != "" && q.Until != "" && q.Since >= q.Until {
		return nil, bad("exchange or widen them", "since, %s, is not before until, %s", q.Since, q.Until)
	}
	return d.cfg.Backend.Costs(c.Request.Context(), q)
}

func (d *Dashboard) rates(c *gin.Context) (any, error) {
	given, err := queryOf(c, "currency", "since", "limit")
	if err != nil {
		return nil, err
	}
	q := RateQuery{Currency: strings.ToUpper(given["currency"]), Since: given["since"]}
	if q.Limit, err = limitOf(given["limit"]); err != nil {
		return nil, err
	}
	if err := isDay("since", q.Since); err != nil {
		return nil, err
	}
	return d.cfg.Backend.Rates(c.Request.Context(), q)
}

// queryOf reads a query that takes these names, each at most once.
func queryOf(c *gin.Context, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, bad("escape it as URLs are", "the query can't be read: %v", err)
	}
	given := map[string]string{}
	for name, all := range values {
		switch {
		case !slices.Contains(names, name):
			return nil, bad("use some of "+strings.Join(names, ", "), "it can't be asked for by %q", name)
		case len(all) > 1:
			return nil, bad("give it once", "%s is given %d times", name, len(all))
		case all[0] == "":
			return nil, bad("give it a value, or leave it out", "%s is empty", name)
		case !isText(all[0]):
			return nil, bad("leave out characters that are no text", "%s is not valid UTF-8, or has a NUL", name)
		}
		given[name] = all[0]
	}
	return given, nil
}

func limitOf(given string) (int, error) {
	if given == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > maxLimit {
		return 0, bad("give a whole number from 1 to "+strconv.Itoa(maxLimit), "limit is %q", given)
	}
	return n, nil
}

func isDay(name, given string) error {
	if _, err := time.Parse(time.DateOnly, given); given != "" && err != nil {
		return bad("write a day as 2026-11-24", "%s is %q", name, given)
	}
	return nil
}
