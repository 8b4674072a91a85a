package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// ListQuery asks for one page of a view.
type ListQuery struct {
	// View is clicks, postbacks, conversions, deliveries or attempts.
	View string
	// Filters are columns of the view and the values of which they must have one,
	// at most maxValues. A delivery's status may be held, too: scheduled for a
	// destination that is paused.
	Filters map[string][]string
	// Since and Until bound the row's own time, Until not included; zero: no bound.
	Since, Until time.Time
	// ByArrival: a conversion's time is when we heard of it, not when it happened.
	ByArrival bool
	// Limit is 1 to MaxPage; 0 means 50.
	Limit int
	// Cursor is the next of the page before; empty for the first.
	Cursor string
}

// MaxPage is the most rows of a page.
const MaxPage = 1000

const (
	defaultPage = 50
	// maxValues is how many values a filter takes.
	maxValues = 64
	// statusHeld is what a delivery's status can be asked for by, and never is.
	statusHeld = "held"
)

// ErrBadQuery says that a list was asked for in a way that can't be answered.
var ErrBadQuery = errors.New("bad query")

// list is how a view is paged: newest first by at, then by id, both of them
// columns of the view.
type list struct {
	view, id, at string
	filters      []string
}

func lists() map[string]list {
	return map[string]list{
		"clicks": {"v_clicks", "click_id", "clicked_at_ms", []string{
			"click_id", "record_kind", "campaign_id", "source_id", "platform", "ad_account_id", "offer_id", "landing_id", "is_bot", "is_test",
		}},
		"postbacks": {"v_postbacks", "postback_id", "received_at_ms", []string{
			"postback_id", "network_id", "endpoint_id", "via", "reading", "verdict", "click_id", "transaction_id", "network_conversion_id",
			"order_id", "goal", "conversion_id", "settled_as",
		}},
		"conversions": {"v_conversions", "conversion_id", "converted_at_ms", []string{
			"conversion_id", "click_id", "match_method", "verdict", "network", "endpoint_id", "network_conversion_id", "transaction_id",
			"order_id", "goal", "network_status", "campaign_id", "source_id", "offer_id", "platform", "is_test", "counts_conversion",
		}},
		"deliveries": {"v_deliveries", "delivery_id", "created_at_ms", []string{
			"delivery_id", "conversion_id", "click_id", "destination_id", "platform", "kind", "status", "reason_code", "mode", "event_name", "event_id",
		}},
		"attempts": {"v_attempts", "attempt_id", "started_at_ms", []string{
			"attempt_id", "destination_id", "class", "http_status", "platform_code", "trace_id",
		}},
	}
}

// list is the one that is asked for.
func (q ListQuery) list() (list, error) {
	l, ok := lists()[q.View]
	if !ok {
		return l, fmt.Errorf("%w: there is no list %q", ErrBadQuery, q.View)
	}
	if q.ByArrival && l.view == "v_conversions" {
		l.at = "received_at_ms"
	}
	return l, nil
}

// List returns one page of a view, newest first: each item has the view's
// columns by name, times as ISO text in UTC and amounts as exact decimal text.
// next is the cursor of the following page, empty at the end. Rows that come
// while one pages move nothing. A wrong view, filter or cursor is ErrBadQuery.
func (s *Store) List(ctx context.Context, q ListQuery) (items []map[string]any, next string, err error) {
	l, err := q.list()
	if err != nil {
		return nil, "", err
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return nil, "", fmt.Errorf("%w: limit must be 1 to %d", ErrBadQuery, MaxPage)
	}
	key, build, args, err := s.listText(l, q)
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		items = []map[string]any{}
		return t.query(ctx, key, build, args, func(r *sql.Rows) error {
			item, err := scanItem(r)
			items = append(items, item)
			return err
		})
	})
	if err != nil {
		return nil, "", wrap("list "+q.View, misfit(err))
	}
	if len(items) > q.Limit {
		items = items[:q.Limit]
		last := items[q.Limit-1]
		next = cursor(last[l.at], last[l.id])
	}
	for _, item := range items {
		delete(item, lists()[q.View].at)
	}
	return items, next, nil
}

// listText returns the statement of a query, the key it is kept under, and its
// arguments: it depends on which filters there are, not on their values.
func (s *Store) listText(l list, q ListQuery) (key string, build func() string, args []any, err error) {
	n, err := l.narrow(q)
	if err != nil {
		return "", nil, nil, err
	}
	args = n.args
	if q.Cursor != "" {
		ms, id, err := readCursor(q.Cursor)
		if err != nil {
			return "", nil, nil, err
		}
		args = append(args, ms, ms, id)
	}
	args = append(args, q.Limit+1) // one more tells whether there is a next page
	key = fmt.Sprintf("list %s %s %s %t", l.view, l.at, n.key, q.Cursor != "")
	return key, func() string {
		b := s.flavor.NewSelectBuilder()
		b.Select("*").From(l.view)
		n.where(b)
		if q.Cursor != "" {
			// The first half is implied by the second; an index can use it.
			b.Where(b.LE(l.at, 0), b.Or(l.at+" < "+b.Var(0), b.LT(l.id, "")))
		}
		return text(b.OrderBy(l.at+" DESC", l.id+" DESC").Limit(1))
	}, args, nil
}

func cursor(at, id any) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprint(at, "|", id)))
}

func readCursor(c string) (ms int64, id string, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(c)
	at, id, ok := strings.Cut(string(plain), "|")
	if err == nil && ok {
		ms, err = strconv.ParseInt(at, 10, 64)
	}
	if err == nil {
		err = checkValues([]any{id})
	}
	if err != nil || !ok {
		return 0, "", fmt.Errorf("%w: the cursor is none of ours", ErrBadQuery)
	}
	return ms, id, nil
}

// scanItem reads a row as JSON shows it, alike from both databases.
func scanItem(r *sql.Rows) (map[string]any, error) {
	columns, err := r.Columns()
	if err != nil {
		return nil, err
	}
	values, err := scanAll(r, len(columns))
	if err != nil {
		return nil, err
	}
	item := make(map[string]any, len(columns))
	for i, name := range columns {
		item[name] = values[i]
		if at, ok := values[i].(time.Time); ok {
			item[name] = at.Format("2006-01-02T15:04:05.000Z")
		}
	}
	for name, v := range item {
		amount, ok := strings.CutSuffix(name, "_micros")
		if n, isInt := v.(int64); ok && isInt {
			item[amount] = subfive.Micros(n).String()
		}
	}
	return item, nil
}
