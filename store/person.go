package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Person says whose data is meant.
type Person struct {
	// IDs are of clicks, postbacks or conversions.
	IDs []string
	// Macs are of values of user data, by which they are found sealed.
	Macs []string
}

// Traces are the rows that hold a person's data, each list in order.
type Traces struct {
	Clicks      []string `json:"clicks"`
	Visits      []string `json:"visits"` // what landing pages told of the clicks
	Postbacks   []string `json:"postbacks"`
	Conversions []string `json:"conversions"`
	// Deliveries are those of the conversions. Unsent of them are not sent yet
	// and will not be; Sending of them a worker holds at this moment.
	Deliveries []string `json:"deliveries"`
	Unsent     int      `json:"unsent"`
	Sending    int      `json:"sending"`
	// Attempts are exchanges whose captured bodies tell of one of them.
	Attempts []string `json:"attempts"`
	// Broken are records that could not be stored, by segment:pos.
	Broken []string `json:"broken"`
}

// Empty reports whether nothing was found.
func (t Traces) Empty() bool {
	return len(t.Clicks)+len(t.Visits)+len(t.Postbacks)+len(t.Conversions)+len(t.Broken) == 0
}

// Minus are the traces without those of o.
func (t Traces) Minus(o Traces) Traces {
	minus := func(ids, less []string) (left []string) {
		without := set(less)
		for _, id := range ids {
			if !without[id] {
				left = append(left, id)
			}
		}
		return left
	}
	return Traces{
		Clicks: minus(t.Clicks, o.Clicks), Visits: minus(t.Visits, o.Visits), Postbacks: minus(t.Postbacks, o.Postbacks),
		Conversions: minus(t.Conversions, o.Conversions), Deliveries: minus(t.Deliveries, o.Deliveries),
		Attempts: minus(t.Attempts, o.Attempts), Broken: minus(t.Broken, o.Broken), Unsent: t.Unsent, Sending: t.Sending,
	}
}

// Plus are the traces and those of o, which has none of them.
func (t Traces) Plus(o Traces) Traces {
	return Traces{
		Clicks: slices.Concat(t.Clicks, o.Clicks), Visits: slices.Concat(t.Visits, o.Visits), Postbacks: slices.Concat(t.Postbacks, o.Postbacks),
		Conversions: slices.Concat(t.Conversions, o.Conversions), Deliveries: slices.Concat(t.Deliveries, o.Deliveries),
		Attempts: slices.Concat(t.Attempts, o.Attempts), Broken: slices.Concat(t.Broken, o.Broken),
		Unsent: t.Unsent + o.Unsent, Sending: t.Sending + o.Sending,
	}
}

// Records are the IDs of journal records that tell of the person.
func (t Traces) Records(p Person) map[string]bool {
	return set(slices.Concat(p.IDs, t.Clicks, t.Visits, t.Postbacks))
}

// walkRows is how many rows one statement of a search looks through.
const walkRows = 5000

// Trace finds a person's rows: those of the IDs, those that hold one of the
// macs, and what hangs on them. A click leads to its postbacks and conversions
// and back. It reads the tables from end to end, a piece at a time.
func (s *Store) Trace(ctx context.Context, p Person, now time.Time) (Traces, error) {
	var found Traces
	err := s.trace(ctx, p, now, &found)
	return found, wrap("find a person's data", err)
}

func (s *Store) trace(ctx context.Context, p Person, now time.Time, found *Traces) error {
	clicks, visits, postbacks, conversions := set(p.IDs), set(p.IDs), set(p.IDs), set(p.IDs)
	for table, into := range map[string]map[string]bool{"clicks": clicks, "visits": visits, "postbacks": postbacks, "conversions": conversions} {
		if err := s.holding(ctx, table, p.Macs, into); err != nil {
			return err
		}
	}
	if err := s.closure(ctx, clicks, visits, postbacks, conversions); err != nil {
		return err
	}
	for _, of := range []struct {
		table, key string
		ids        map[string]bool
		into       *[]string
	}{
		{"clicks", "click_id", clicks, &found.Clicks},
		{"visits", "visit_id", visits, &found.Visits},
		{"postbacks", "postback_id", postbacks, &found.Postbacks},
		{"conversions", "conversion_id", conversions, &found.Conversions},
	} {
		ids, err := s.related(ctx, of.table, of.key, of.key, of.ids)
		if err != nil {
			return err
		}
		*of.into = unique(ids)
	}
	var err error
	if found.Broken, err = s.broken(ctx, p, found); err != nil {
		return err
	}
	return s.traceDeliveries(ctx, now, found)
}

// set is the IDs as a set.
func set(ids []string) map[string]bool {
	m := map[string]bool{}
	for _, id := range ids {
		if id != "" {
			m[id] = true
		}
	}
	return m
}

// holding adds the IDs of a table's rows whose document holds one of the macs.
func (s *Store) holding(ctx context.Context, table string, macs []string, into map[string]bool) error {
	if len(macs) == 0 {
		return nil
	}
	key := keyOf(table)
	for after, more := "", true; more; {
		var last string
		err := s.read(ctx, s.screens, func(t *tx) error {
			// PostgreSQL's max of no rows is NULL.
			err := t.row(ctx, "walk "+table, func() string {
				in := s.flavor.NewSelectBuilder()
				in.Select(key).From(table).Where(in.GT(key, "")).OrderBy(key).Limit(walkRows)
				b := s.flavor.NewSelectBuilder()
				b.Select("coalesce(max(" + key + "), '')").From(b.BuilderAs(in, "piece"))
				return text(b)
			}, []any{after, walkRows}, &last)
			if err != nil || last == "" {
				return err
			}
			for _, mac := range macs {
				// A mac may hold "_", which LIKE takes for anything: the document is read.
				err := t.query(ctx, "holding "+table, func() string {
					b := s.flavor.NewSelectBuilder()
					b.Select(key, "doc").From(table).Where(b.GT(key, ""), b.LE(key, ""), b.Like("doc", ""))
					return text(b)
				}, []any{after, last, "%" + mac + "%"}, func(r *sql.Rows) error {
					var id string
					var has struct {
						UserData map[string]subfive.Sealed `json:"user_data"`
					}
					if err := scanDoc(r, &has, &id); err != nil {
						return err
					}
					if holds(has.UserData, macs) {
						into[id] = true
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after, more = last, last != ""
	}
	return nil
}

// holds reports whether a value of the data has one of the macs.
func holds(data map[string]subfive.Sealed, macs []string) bool {
	for _, v := range data {
		if v.Mac != "" && slices.Contains(macs, v.Mac) {
			return true
		}
	}
	return false
}

func keyOf(table string) string { return strings.TrimSuffix(table, "s") + "_id" }

// closure adds what hangs together with what is known, until nothing is new.
func (s *Store) closure(ctx context.Context, clicks, visits, postbacks, conversions map[string]bool) error {
	for known := -1; known != len(clicks)+len(visits)+len(postbacks)+len(conversions); {
		known = len(clicks) + len(visits) + len(postbacks) + len(conversions)
		for _, link := range []struct {
			table, by, want string
			from, into      map[string]bool
		}{
			{"visits", "click_id", "visit_id", clicks, visits},
			{"visits", "visit_id", "click_id", visits, clicks},
			{"postbacks", "click_id", "postback_id", clicks, postbacks},
			{"conversions", "attributed_click_id", "conversion_id", clicks, conversions},
			{"conversions", "received_click_id", "conversion_id", clicks, conversions},
			{"postbacks", "conversion_id", "postback_id", conversions, postbacks},
			{"postbacks", "postback_id", "conversion_id", postbacks, conversions},
			{"conversions", "conversion_id", "attributed_click_id", conversions, clicks},
			{"postbacks", "postback_id", "click_id", postbacks, clicks},
		} {
			ids, err := s.related(ctx, link.table, link.by, link.want, link.from)
			if err != nil {
				return err
			}
			maps.Copy(link.into, set(ids))
		}
	}
	return nil
}

// related returns the column want of the rows whose column by is one of the IDs.
func (s *Store) related(ctx context.Context, table, by, want string, ids map[string]bool) (found []string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.queryIn(ctx, "related "+table+" "+by+" "+want, nil, slices.Sorted(maps.Keys(ids)), func(ids []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select(want).From(table).Where(b.In(by, ids...), by+" <> ''")
			return text(b)
		}, collect(&found))
	})
	return found, err
}

// traceDeliveries finds what was told, and is to be told, about the conversions.
func (s *Store) traceDeliveries(ctx context.Context, now time.Time, found *Traces) error {
	return s.read(ctx, s.screens, func(t *tx) error {
		found.Deliveries, found.Attempts, found.Unsent, found.Sending = nil, nil, 0, 0
		err := t.queryIn(ctx, "deliveries of a person", nil, found.Conversions, func(ids []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select("delivery_id").From("deliveries").Where(b.In("conversion_id", ids...))
			return text(b)
		}, collect(&found.Deliveries))
		if err != nil {
			return err
		}
		found.Deliveries = unique(found.Deliveries)
		held := map[string]bool{}
		err = t.queryIn(ctx, "unsent of a person", nil, found.Deliveries, func(ids []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select("o.delivery_id", "o.lease_id", "o.next_attempt_at").From("outbox o JOIN deliveries d ON d.delivery_id = o.delivery_id").
				Where(b.In("o.delivery_id", ids...), "d.status = 'scheduled'")
			return text(b)
		}, func(r *sql.Rows) error {
			var id, lease string
			var next int64
			err := r.Scan(&id, &lease, &next)
			held[id] = lease != "" && next > subfive.Millis(now)
			return err
		})
		if err != nil {
			return err
		}
		found.Unsent = len(held)
		for _, sending := range held {
			found.Sending += flag(sending)
		}
		err = t.queryIn(ctx, "attempts of a person", nil, found.Deliveries, func(ids []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select("attempt_id").From("attempt_items").Where(b.In("delivery_id", ids...))
			return text(b)
		}, collect(&found.Attempts))
		found.Attempts = unique(found.Attempts)
		return err
	})
}

// broken finds the person among the records that could not be stored. There are
// few or none.
func (s *Store) broken(ctx context.Context, p Person, known *Traces) (found []string, err error) {
	ids := known.Records(p)
	err = s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.query(ctx, "broken records", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("segment", "pos", "data").From("broken_records").Where("data <> ''").OrderBy("segment", "pos")
			return text(b)
		}, nil, func(r *sql.Rows) error {
			var at subfive.Position
			var data string
			if err := r.Scan(&at.Segment, &at.Pos, &data); err != nil {
				return err
			}
			raw, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				return fmt.Errorf("broken record %s: %w", at, err)
			}
			if p.In(raw, ids) {
				found = append(found, at.String())
			}
			return nil
		})
	})
	return found, err
}

// In reports whether a journal record's bytes are of one of the IDs, speak of
// one of them as their click, or hold one of the person's macs. What is no
// record is searched as text.
func (p Person) In(data []byte, ids map[string]bool) bool {
	var r subfive.Record
	if json.Unmarshal(data, &r) != nil {
		for _, needle := range slices.Concat(p.Macs, slices.Collect(maps.Keys(ids))) {
			if strings.Contains(string(data), needle) {
				return true
			}
		}
		return false
	}
	switch {
	case ids[r.ID]:
		return true
	case r.Click != nil:
		return holds(r.Click.UserData, p.Macs)
	case r.Visit != nil:
		return ids[r.Visit.ClickID] || holds(r.Visit.UserData, p.Macs)
	case r.Postback != nil:
		return r.Postback.ClickID != "" && ids[r.Postback.ClickID] || holds(r.Postback.UserData, p.Macs)
	}
	return false
}
