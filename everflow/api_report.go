package everflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"subfive"
)

const (
	// zoneUTC is the API's number for UTC.
	zoneUTC = 67
	// pageSize is how many rows a page is asked to have.
	pageSize = 2000
	// maxPages bounds a report of a span: it is far beyond what partners have.
	maxPages = 5000
	// spanOfReport is the longest time that is asked for at once.
	spanOfReport = 31 * 24 * time.Hour
	// passes is how often a report is read whose pages shift meanwhile.
	passes = 4

	apiTime = "2006-01-02 15:04:05"
)

// Lookback is how far back the report goes. Source: developers.everflow.io.
const Lookback = 365 * 24 * time.Hour

// ErrUnsteady says that a report changed each time while it was read.
var ErrUnsteady = errors.New("the report changed each time while it was read; try again later")

// Listing is what the network lists of a span of time.
type Listing struct {
	// Conversions are what it lists, base and events, the oldest first. They have
	// neither ID nor time of arrival yet.
	Conversions []subfive.Postback
	// Scrubbed are those it withholds: it neither tells nor pays them.
	Scrubbed int
}

type reportBody struct {
	From   string      `json:"from"`
	To     string      `json:"to"`
	Zone   int         `json:"timezone_id"`
	Base   bool        `json:"show_conversions"`
	Events bool        `json:"show_events"`
	Query  reportQuery `json:"query"`
}

type reportQuery struct {
	Filters []struct{} `json:"filters"`
	Terms   []struct{} `json:"search_terms"`
}

type paging struct {
	Page  int `json:"page"`
	Size  int `json:"page_size"`
	Total int `json:"total_count"`
}

type reportPage struct {
	Conversions []json.RawMessage `json:"conversions"`
	Paging      *paging           `json:"paging"`
}

// Conversions lists the conversions from since up to until, until not included.
// An error means that the listing would not be whole.
func (a *API) Conversions(ctx context.Context, since, until time.Time) (Listing, error) {
	if !since.Before(until) {
		return Listing{}, errors.New("the span is empty: since must lie before until")
	}
	if a.config.Now().Sub(since) > Lookback {
		return Listing{}, fmt.Errorf("since %s: Everflow lists the last 365 days only", since.UTC().Format(time.DateOnly))
	}
	rows := map[string]json.RawMessage{}
	for from := since; from.Before(until); from = from.Add(spanOfReport) {
		to := from.Add(spanOfReport)
		if to.After(until) {
			to = until
		}
		span, err := a.report(ctx, from, to)
		if err != nil {
			return Listing{}, err
		}
		maps.Copy(rows, span)
	}
	return a.listing(rows, since, until)
}

// listing reads rows, and keeps those of the span.
func (a *API) listing(rows map[string]json.RawMessage, since, until time.Time) (Listing, error) {
	var l Listing
	for _, raw := range rows {
		p, err := a.read(raw)
		switch {
		case errors.Is(err, errScrubbed):
			l.Scrubbed++
		case err != nil:
			return Listing{}, fmt.Errorf("read the report: %w", err)
		case !p.NetworkAt.Before(since) && p.NetworkAt.Before(until):
			l.Conversions = append(l.Conversions, p)
		}
	}
	slices.SortFunc(l.Conversions, func(x, y subfive.Postback) int {
		return cmp.Or(x.NetworkAt.Compare(y.NetworkAt), cmp.Compare(x.NetworkConversionID, y.NetworkConversionID))
	})
	return l, nil
}

// report reads all pages of a span, by conversion ID. Pages may shift while they
// are read: a row is then seen twice, or not at all. So it is whole only when a
// pass found as many rows as the report has, from its first page to its last.
func (a *API) report(ctx context.Context, from, to time.Time) (map[string]json.RawMessage, error) {
	found, total := 0, 0
	for range passes {
		rows, first, last, err := a.pass(ctx, from, to)
		if err != nil {
			return nil, err
		}
		if first == last && len(rows) == last {
			return rows, nil
		}
		found, total = len(rows), last
	}
	return nil, fmt.Errorf("conversions of %s to %s: %d of %d were found: %w", from.UTC().Format(apiTime), to.UTC().Format(apiTime), found, total, ErrUnsteady)
}

// pass reads the pages once. first and last are how many rows the report had at
// its first and its last page.
func (a *API) pass(ctx context.Context, from, to time.Time) (rows map[string]json.RawMessage, first, last int, err error) {
	rows = map[string]json.RawMessage{}
	body := reportBody{
		From: from.UTC().Format(apiTime), To: to.UTC().Format(apiTime), Zone: zoneUTC, Base: true, Events: true,
		Query: reportQuery{Filters: []struct{}{}, Terms: []struct{}{}},
	}
	read := 0
	for page := 1; page <= maxPages; page++ {
		var p reportPage
		query := url.Values{
			"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)},
			"order_field": {"conversion_unix_timestamp"}, "order_direction": {"asc"},
		}
		if err := a.call(ctx, http.MethodPost, "/reporting/conversions", query, body, &p); err != nil {
			return nil, 0, 0, err
		}
		if p.Paging == nil || p.Paging.Total < 0 || p.Paging.Page != 0 && p.Paging.Page != page {
			return nil, 0, 0, fmt.Errorf("page %d of the conversions: it does not say which page of how many rows it is", page)
		}
		if page == 1 {
			first = p.Paging.Total
		}
		last = p.Paging.Total
		for _, raw := range p.Conversions {
			var key struct {
				ID loose `json:"conversion_id"`
			}
			if err := json.Unmarshal(raw, &key); err != nil || key.ID == "" {
				return nil, 0, 0, fmt.Errorf("page %d of the conversions has a row without a conversion_id", page)
			}
			rows[string(key.ID)] = raw
		}
		if read += len(p.Conversions); read >= last || len(p.Conversions) == 0 {
			return rows, first, last, nil
		}
	}
	return nil, 0, 0, fmt.Errorf("the report has more than %d pages: ask for a shorter time", maxPages)
}

// APIClick is a click as the network keeps it.
type APIClick struct {
	TransactionID string
	At            time.Time
	// Subs are sub1 to sub10, those that are not empty.
	Subs map[string]string
}

// Click looks a click session up: what the link brought. An ID that the network
// does not know is subfive.ErrNotFound.
func (a *API) Click(ctx context.Context, transactionID string) (APIClick, error) {
	if transactionID == "" {
		return APIClick{}, errors.New("a click is looked up by its transaction ID, which is empty")
	}
	var row map[string]loose
	if err := a.call(ctx, http.MethodGet, "/reporting/clicks/"+url.PathEscape(transactionID), nil, nil, &row); err != nil {
		return APIClick{}, err
	}
	if row["transaction_id"] == "" {
		return APIClick{}, fmt.Errorf("click %s: %w", transactionID, subfive.ErrNotFound)
	}
	at, err := unixTime(string(row["unix_timestamp"]))
	if err != nil {
		return APIClick{}, fmt.Errorf("click %s: unix_timestamp: %w", transactionID, err)
	}
	c := APIClick{TransactionID: string(row["transaction_id"]), At: at, Subs: map[string]string{}}
	for i := 1; i <= 10; i++ {
		name := "sub" + strconv.Itoa(i)
		if v := string(row[name]); v != "" {
			c.Subs[name] = v
		}
	}
	return c, nil
}
