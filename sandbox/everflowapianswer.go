package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// everflowError is an answer that is no success.
type everflowError struct {
	status int
	text   string
}

func (e everflowError) Error() string { return e.text }

func malformed(format string, args ...any) everflowError {
	return everflowError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// ServeHTTP answers as the API does.
func (e *EverflowAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, released, limited := e.admit(w.Header())
	switch {
	case limited || fault == EverflowThrottled:
		w.Header().Set("Retry-After", "1")
		w.Header().Set("X-RateLimit-Remaining", "0")
		e.refuse(w, everflowError{http.StatusTooManyRequests, "rate limit exceeded"})
		return
	case fault == EverflowTimeout:
		select {
		case <-r.Context().Done():
		case <-released:
		}
		e.refuse(w, everflowError{http.StatusGatewayTimeout, "upstream timed out"})
		return
	case fault == EverflowServerError:
		e.refuse(w, everflowError{http.StatusInternalServerError, "internal error"})
		return
	case fault == EverflowHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		reply(w, []byte("<!DOCTYPE html><title>Just a moment</title>"))
		return
	case fault == EverflowLostKey || r.Header.Get("X-Eflow-API-Key") != EverflowAPIKey:
		e.refuse(w, everflowError{http.StatusUnauthorized, "Unauthorized"})
		return
	case fault == EverflowForbidden:
		e.refuse(w, everflowError{http.StatusForbidden, "Forbidden"})
		return
	}
	answer, err := e.route(r, fault)
	if err != nil {
		var refusal everflowError
		if !errors.As(err, &refusal) {
			refusal = everflowError{http.StatusInternalServerError, err.Error()}
		}
		e.refuse(w, refusal)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		e.refuse(w, everflowError{http.StatusInternalServerError, err.Error()})
		return
	}
	if fault == EverflowTruncated {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Type", "application/json")
	reply(w, body)
}

func (e *EverflowAPI) refuse(w http.ResponseWriter, err everflowError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(err.status)
	reply(w, fmt.Appendf(nil, `{"Error":%q}`, err.text))
}

// admit counts a request, takes a token for it, and says what it meets.
func (e *EverflowAPI) admit(h http.Header) (fault EverflowFault, released <-chan struct{}, limited bool) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	e.tokens = min(everflowBurst, e.tokens+now.Sub(e.filledAt).Seconds()*everflowPerSecond)
	e.filledAt = now
	h.Set("X-RateLimit-Limit", strconv.Itoa(everflowBurst))
	if e.tokens < 1 {
		return "", nil, true
	}
	e.tokens--
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(e.tokens)))
	if len(e.faults) > 0 {
		fault, e.faults = e.faults[0], e.faults[1:]
	}
	return fault, e.released, false
}

func (e *EverflowAPI) route(r *http.Request, fault EverflowFault) (any, error) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), EverflowAPIPath+"/affiliates")
	click, isClick := strings.CutPrefix(path, "/reporting/clicks/")
	pixel, isPixel := strings.CutPrefix(path, "/pixels/")
	switch {
	case path == "/reporting/conversions" && r.Method == http.MethodPost:
		return e.report(r, fault)
	case isClick && r.Method == http.MethodGet:
		return e.click(click)
	case path == "/pixels" && r.Method == http.MethodGet:
		return e.list(r)
	case isPixel && r.Method == http.MethodGet:
		return e.pixel(pixel, nil)
	case isPixel && r.Method == http.MethodPut:
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return nil, err
		}
		return e.pixel(pixel, body)
	}
	return nil, everflowError{http.StatusNotFound, "404 page not found"}
}

// page reads the paging, which is in the query and not in the body.
func (e *EverflowAPI) page(q url.Values) (page, size int, err error) {
	page, size = 1, 50
	for name, into := range map[string]*int{"page": &page, "page_size": &size} {
		if text := q.Get(name); text != "" {
			if *into, err = strconv.Atoi(text); err != nil || *into < 1 {
				return 0, 0, malformed("%s %q is no number from 1", name, text)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return page, min(size, e.largest), nil
}

func (e *EverflowAPI) report(r *http.Request, fault EverflowFault) (any, error) {
	page, size, err := e.page(r.URL.Query())
	if err != nil {
		return nil, err
	}
	from, to, base, events, err := e.asked(r.Body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if fault == EverflowShift {
		e.shifted++
		id := fmt.Sprintf("shifted-%d", e.shifted)
		e.rows = append(e.rows, everflowRow{
			Conversion: Conversion{TransactionID: id, ConversionID: id, EventName: "Base", Payout: "1", Status: "approved"}, at: from, clickedAt: from,
		})
	}
	var rows []everflowRow
	for _, row := range e.rows {
		if isBase := row.isBase(); !row.at.Before(from) && !row.at.After(to) && (isBase && base || !isBase && events) {
			rows = append(rows, row)
		}
	}
	descending := r.URL.Query().Get("order_direction") != "asc"
	slices.SortStableFunc(rows, func(a, b everflowRow) int {
		order := cmp.Or(a.at.Compare(b.at), cmp.Compare(a.ConversionID, b.ConversionID))
		if descending {
			return -order
		}
		return order
	})
	total := len(rows)
	rows = rows[min((page-1)*size, len(rows)):min(page*size, len(rows))]
	items := []map[string]any{}
	for _, row := range rows {
		items = append(items, row.json())
	}
	if fault == EverflowWrongTotal {
		total++
	}
	return map[string]any{
		"conversions": items, "paging": map[string]any{"page": page, "page_size": size, "total_count": total},
	}, nil
}

// asked reads the body of a report: dates, time zone and both flags must be
// there.
func (e *EverflowAPI) asked(body io.Reader) (from, to time.Time, base, events bool, err error) {
	var b struct {
		From   string           `json:"from"`
		To     string           `json:"to"`
		Zone   *int             `json:"timezone_id"`
		Base   *bool            `json:"show_conversions"`
		Events *bool            `json:"show_events"`
		Query  *json.RawMessage `json:"query"`
	}
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return from, to, false, false, malformed("body: %v", err)
	}
	switch {
	case b.Zone == nil:
		return from, to, false, false, malformed("timezone_id is required")
	case *b.Zone != everflowZoneUTC:
		return from, to, false, false, malformed("this stand-in knows timezone_id %d, UTC, only", everflowZoneUTC)
	case b.Base == nil || b.Events == nil:
		return from, to, false, false, malformed("show_conversions and show_events are required")
	}
	for _, one := range []struct {
		text string
		into *time.Time
	}{{b.From, &from}, {b.To, &to}} {
		if *one.into, err = time.Parse("2006-01-02 15:04:05", one.text); err != nil {
			return from, to, false, false, malformed("%q is no date and time such as 2026-03-01 14:00:00", one.text)
		}
	}
	const year = 365 * 24 * time.Hour
	if to.Before(from) || to.Sub(from) > year || e.now().Sub(from) > year+time.Minute {
		return from, to, false, false, malformed("from and to must be within a year, and within the last 365 days")
	}
	return from, to, *b.Base, *b.Events, nil
}

func (r everflowRow) isBase() bool { return r.EventName == "" || r.EventName == "Base" }

// json is a row as the API has it: what the partner earns is its revenue.
func (r everflowRow) json() map[string]any {
	event := r.EventName
	if event == "" {
		event = "Base"
	}
	offer, err := strconv.Atoi(r.OfferID)
	if err != nil {
		offer = 0 // the network's numbers are numbers
	}
	row := map[string]any{
		"conversion_id": r.ConversionID, "conversion_unix_timestamp": r.at.Unix(), "click_unix_timestamp": r.clickedAt.Unix(),
		"transaction_id": r.TransactionID, "source_id": r.SourceID, "status": r.Status, "revenue_type": "cpa", "revenue": everflowAmount(r.Payout),
		"sale_amount": everflowAmount(r.SaleAmount), "currency_id": "USD", "is_event": !r.isBase(), "event": event, "order_id": r.OrderID,
		"is_scrub": false, "is_view_through": false, "error_code": 0, "error_message": "", "email": "visitor@example.com",
		"session_user_ip": "192.0.2.1", "conversion_user_ip": "192.0.2.1", "country": "Germany", "http_user_agent": "Mozilla/5.0",
		"relationship": map[string]any{"offer": map[string]any{"network_offer_id": offer, "name": "Offer " + r.OfferID}},
	}
	for i := range r.Sub {
		row["sub"+strconv.Itoa(i+1)] = r.Sub[i]
		row["adv"+strconv.Itoa(i+1)] = r.Adv[i]
	}
	return row
}

func everflowAmount(amount string) json.Number {
	if amount == "" {
		return "0"
	}
	return json.Number(amount)
}

func (e *EverflowAPI) click(transaction string) (any, error) {
	id, err := url.PathUnescape(transaction)
	if err != nil {
		return nil, malformed("transaction ID: %v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rows {
		if r.TransactionID == id {
			row := map[string]any{"transaction_id": id, "is_unique": 1, "unix_timestamp": r.clickedAt.Unix()}
			for i, v := range r.Sub {
				row["sub"+strconv.Itoa(i+1)] = v
			}
			return row, nil
		}
	}
	return nil, everflowError{http.StatusNotFound, "click not found"}
}

func (e *EverflowAPI) list(r *http.Request) (any, error) {
	page, size, err := e.page(r.URL.Query())
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	pixels := []EverflowPixel{}
	for _, p := range e.pixels {
		if status := r.URL.Query().Get("pixel_status"); status == "" || status == p.Status {
			pixels = append(pixels, p)
		}
	}
	total := len(pixels)
	pixels = pixels[min((page-1)*size, total):min(page*size, total)]
	return map[string]any{"pixels": pixels, "paging": map[string]any{"page": page, "page_size": size, "total_count": total}}, nil
}

// pixel shows a postback, or replaces it by body.
func (e *EverflowAPI) pixel(id string, body []byte) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.pixels, func(p EverflowPixel) bool { return strconv.Itoa(p.ID) == id })
	if i < 0 {
		return nil, everflowError{http.StatusNotFound, "pixel not found"}
	}
	if body == nil {
		return e.pixels[i], nil
	}
	if e.readOnly {
		return nil, everflowError{http.StatusForbidden, "partners may not change postbacks"}
	}
	changed := EverflowPixel{ID: e.pixels[i].ID}
	if err := json.Unmarshal(body, &changed); err != nil {
		return nil, malformed("body: %v", err)
	}
	switch {
	case changed.URL == "" || changed.Method == "" || changed.Level == "" || changed.Type == "":
		return nil, malformed("delivery_method, pixel_level, pixel_type and postback_url are required: the postback is replaced as a whole")
	case changed.Status != "active" && changed.Status != "inactive":
		return nil, malformed("pixel_status %q: not active or inactive", changed.Status)
	}
	changed.ID = e.pixels[i].ID
	e.pixels[i] = changed
	return changed, nil
}
