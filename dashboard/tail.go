package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// maxTails is how many callers may follow a list at once: each asks the database
	// once a second.
	maxTails = 16
	// tailEvery is how often a tail looks for new rows, and tailPage how many it
	// tells of at once.
	tailEvery = time.Second
	tailPage  = 100
	// tailLate is how much later than its own time a row may be written down, and
	// still come: requests are decided in batches.
	tailLate = 30 * time.Second
	// tailBeat is how often something is sent where nothing came, so that who has
	// gone is noticed.
	tailBeat = 15 * time.Second
	// tailLasts bounds a tail, so that who may no longer look sees no more soon: an
	// EventSource comes again by itself, from where it was, and is looked at anew.
	tailLasts = time.Minute
	// writeWithin is how long one write of a stream may take; the server's own limit
	// is on the whole answer.
	writeWithin = 10 * time.Second
)

// tail follows a list: rows as they come, as Server-Sent Events.
func (d *Dashboard) tail(col collection) gin.HandlerFunc {
	col.others = []string{}
	return func(c *gin.Context) {
		q, err := col.parse(c.Request.URL.RawQuery, d.cfg.Now())
		if err != nil {
			d.fail(c, err)
			return
		}
		select {
		case d.tails <- struct{}{}:
			defer func() { <-d.tails }()
		default:
			d.refuse(c, problem{http.StatusServiceUnavailable, "as many callers follow lists as may at once", "close a page that shows a live tail, or try again later"})
			return
		}
		t := &tailer{d: d, c: c, col: col, q: q, seen: map[string]time.Time{}}
		if err := t.run(); err != nil {
			d.fail(c, err)
		}
	}
}

// tailer is one tail.
type tailer struct {
	d    *Dashboard
	c    *gin.Context
	col  collection
	q    ListQuery
	w    stream
	seen map[string]time.Time // rows that were told, or were there before
	last time.Time            // the newest row's
}

// run tells of rows until the caller goes, the tracker stops, or it has lasted
// long enough.
func (t *tailer) run() error {
	ctx := t.c.Request.Context()
	t.q.ByArrival, t.q.Limit = true, tailPage
	t.last = t.d.cfg.Now()
	resumed, err := time.Parse(time.RFC3339Nano, t.c.GetHeader("Last-Event-ID"))
	if err == nil && resumed.Before(t.last) && t.last.Sub(resumed) < time.Hour {
		t.last = resumed
	}
	before, err := t.newer()
	if err != nil {
		return err
	}
	for _, r := range before {
		if !r.at.After(t.last) {
			t.seen[r.id] = r.at
		}
	}
	t.w = newStream(t.c.Writer, t.d.cfg.Now)
	t.c.Header("Content-Type", "text/event-stream")
	t.c.Header("X-Accel-Buffering", "no") // nginx would keep the rows back
	if !t.w.send("retry: 1000\n\n") {
		return nil
	}
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	ends := t.d.cfg.Now().Add(tailLasts)
	quiet := t.d.cfg.Now()
	for t.d.cfg.Now().Before(ends) && !t.d.stopping() {
		told, err := t.tell()
		if ctx.Err() != nil {
			return nil // the caller is gone
		}
		if err != nil {
			return err
		}
		if now := t.d.cfg.Now(); told > 0 {
			quiet = now
		} else if now.Sub(quiet) >= tailBeat {
			quiet = now
			if !t.w.send(": nothing new\n\n") {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// row is an item of a list with its ID and the time by which it is followed.
type row struct {
	id   string
	at   time.Time
	item map[string]any
}

// newer returns the newest rows of the time in which new ones may be, oldest
// first.
func (t *tailer) newer() ([]row, error) {
	t.q.Since = t.last.Add(-tailLate)
	page, err := t.d.cfg.Backend.List(t.c.Request.Context(), t.q)
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(page.Items))
	for _, item := range slices.Backward(page.Items) {
		id, _ := item[t.col.id].(string)
		text, _ := item[t.col.arrived].(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		if id == "" || err != nil {
			return nil, fmt.Errorf("follow %s: a row has no %s or no %s", t.col.kind, t.col.id, t.col.arrived)
		}
		rows = append(rows, row{id, at, item})
	}
	return rows, nil
}

// tell tells of what came since, and of how much more came than it tells of.
func (t *tailer) tell() (told int, err error) {
	rows, err := t.newer()
	if err != nil {
		return 0, err
	}
	fresh := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !t.seen[r.id].IsZero() })
	dropped := 0
	if len(fresh) == tailPage {
		q := t.q
		q.Since = t.last.Add(time.Millisecond)
		n, err := t.d.cfg.Backend.Count(t.c.Request.Context(), q)
		if err != nil {
			return 0, err
		}
		dropped = max(0, n-len(fresh))
	}
	var text []byte
	if dropped > 0 {
		text = append(text, "event: dropped\ndata: "+strconv.Itoa(dropped)+"\n\n"...)
	}
	for _, r := range fresh {
		item, err := json.Marshal(r.item)
		if err != nil {
			return 0, fmt.Errorf("follow %s: %w", t.col.kind, err)
		}
		t.seen[r.id] = r.at
		if r.at.After(t.last) {
			t.last = r.at
		}
		text = append(text, "event: row\nid: "+t.last.UTC().Format("2006-01-02T15:04:05.000Z")+"\ndata: "+string(item)+"\n\n"...)
	}
	for id, at := range t.seen {
		if at.Before(t.last.Add(-2 * tailLate)) {
			delete(t.seen, id)
		}
	}
	if len(text) == 0 {
		return 0, nil
	}
	t.w.send(string(text)) // to nobody, if the caller is gone: his context says so
	return len(fresh), nil
}

// stream is an answer that comes in parts over a long time: the server's limits
// on the whole of it are lifted, and each part has one of its own.
type stream struct {
	w   http.ResponseWriter
	on  *http.ResponseController
	now func() time.Time
}

// newStream lifts the server's limits. The one on reading would end the request:
// it is from the connection that we learn that the caller has gone.
func newStream(w http.ResponseWriter, now func() time.Time) stream {
	s := stream{w, http.NewResponseController(w), now}
	_ = s.on.SetReadDeadline(time.Time{}) // a caller inside this process has none
	return s
}

// Write writes a part.
func (s stream) Write(part []byte) (int, error) {
	if err := s.on.SetWriteDeadline(s.now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.w.Write(part)
}

// send writes a part and lets it go at once. It reports whether somebody is there
// to take it.
func (s stream) send(part string) bool {
	if _, err := s.Write([]byte(part)); err != nil {
		return false
	}
	err := s.on.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}
