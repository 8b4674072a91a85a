package dashboard

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"subfive"
)

// ListQuery asks for one page of a list, newest first.
type ListQuery struct {
	Kind string // Postbacks, Clicks, …
	// Filters are columns of the kind's view and the values of which they must
	// have one; those that are true or false are 1 or 0.
	Filters map[string][]string
	// Since and Until bound the row's own time, Until not included; zero: no
	// bound.
	Since, Until time.Time
	// ByArrival: the time is when we heard of the row, not when it happened.
	ByArrival bool
	Limit     int // 1 to 1000
	// Cursor is the Next of the page before; empty for the first.
	Cursor string
}

// Page is one page of a list: each item has the columns of the kind's view.
type Page struct {
	Items []map[string]any `json:"items"`
	// Next is the cursor of the following page, empty at the end.
	Next string `json:"next"`
}

const (
	maxLimit     = 1000
	defaultLimit = 100
)

func (d *Dashboard) list(col collection) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		q, err := col.parse(c.Request.URL.RawQuery, d.cfg.Now())
		if err != nil {
			return nil, err
		}
		page, err := d.cfg.Backend.List(c.Request.Context(), q)
		if page.Items == nil {
			page.Items = []map[string]any{}
		}
		return page, err
	}
}

// parse reads a list's query. What it does not know it refuses: a filter that
// was misspelt and ignored would show everything.
func (col collection) parse(raw string, now time.Time) (ListQuery, error) {
	q := ListQuery{Kind: col.kind, Filters: map[string][]string{}, Limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, bad("escape it as URLs are", "the query can't be read: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		given := values[name]
		switch {
		case !slices.Contains(col.names(), name):
			return q, bad("use some of "+strings.Join(col.names(), ", "), "%s can't be asked for by %q", col.kind, name)
		case len(given) > 1:
			return q, bad("give it once", "%s is given %d times", name, len(given))
		case given[0] == "":
			return q, bad("give it a value, or leave it out", "%s is empty", name)
		case !isText(given[0]):
			return q, bad("leave out characters that are no text", "%s is not valid UTF-8, or has a NUL", name)
		}
		if err := col.set(&q, name, given[0], now); err != nil {
			return q, err
		}
	}
	return q, checkSpan(q.Since, q.Until)
}

// names are all parameters that the list takes.
func (col collection) names() []string {
	var names []string
	for _, f := range col.filters {
		names = append(names, f.name)
	}
	return append(names, col.otherNames()...)
}

// otherNames are the parameters that are no filters.
func (col collection) otherNames() []string {
	switch {
	case col.others != nil:
		return col.others
	case col.timed:
		return []string{"since", "until", "limit", "cursor"}
	}
	return []string{"limit", "cursor"}
}

// set reads one parameter.
func (col collection) set(q *ListQuery, name, given string, now time.Time) (err error) {
	switch name {
	case "since":
		q.Since, err = moment(name, given, now)
	case "until":
		q.Until, err = moment(name, given, now)
	case "cursor":
		q.Cursor = given
	case "format", "count": // an export's own, which it reads itself
	case "limit":
		q.Limit, err = strconv.Atoi(given)
		if err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return bad("give a whole number from 1 to "+strconv.Itoa(maxLimit), "limit is %q", given)
		}
	default:
		i := slices.IndexFunc(col.filters, func(f filter) bool { return f.name == name })
		q.Filters[name], err = col.filters[i].values(given)
	}
	return err
}

// moment reads a moment, a day (its beginning in UTC), or how long ago it was.
func moment(name, given string, now time.Time) (time.Time, error) {
	at, ok := readMoment(given, now)
	if !ok || at.Unix() <= 0 { // the zero time would be no bound at all
		return time.Time{}, bad("write it as 2026-11-24T09:00:00Z, 2026-11-24, 24h or 7d", "%s is %q", name, given)
	}
	return at.UTC(), nil
}

func readMoment(given string, now time.Time) (at time.Time, ok bool) {
	written := given
	if i := len(written) - len(" 02:00"); i > len(time.DateOnly) && written[i] == ' ' {
		written = written[:i] + "+" + written[i+1:] // a plus that a query made a space
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, written); err == nil {
			return t, true
		}
	}
	ago, err := subfive.ParseDuration(given)
	return now.Add(-ago), err == nil && ago > 0
}

func checkSpan(since, until time.Time) error {
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return bad("exchange or widen them", "since, %s, is not before until, %s", since.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return nil
}

// isText reports whether a database can be asked for s.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
