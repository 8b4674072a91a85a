package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Hit is one thing that a search found.
type Hit struct {
	Kind string    // click, postback, conversion, delivery or attempt
	ID   string    // ours
	At   time.Time // when it was
	// What it is: the columns by which people know it apart.
	Name, State, Detail string
	Amount              *subfive.Money
}

// PlatformClickParams are the parameters whose value clicks are found by, in the
// order in which one of several is taken.
func PlatformClickParams() []string {
	return []string{"fbclid", "gclid", "ttclid", "rdt_cid", "gbraid", "wbraid"}
}

// platformClick is by what a click with these parameters is found; 0: by nothing.
func platformClick(params map[string]string) int64 {
	for _, name := range PlatformClickParams() {
		if value := params[name]; value != "" {
			return platformHash(value)
		}
	}
	return 0
}

func platformHash(value string) int64 {
	sum := sha256.Sum256([]byte(value))
	return max(1, int64(binary.BigEndian.Uint64(sum[:8])>>1)) //nolint:gosec // 63 bits
}

// hitLimit is how many things of a kind one search finds.
const hitLimit = 20

// Search finds what has an ID, and what belongs to it: all that Story takes, and
// a platform's own click ID as a click brought it. What has the ID comes first.
func (s *Store) Search(ctx context.Context, id string) (hits []Hit, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		f, err := t.direct(ctx, id)
		if errors.Is(err, subfive.ErrNotFound) {
			err = nil
		}
		if err == nil {
			err = t.clicksOfPlatform(ctx, strings.TrimSpace(id), &f.clicks)
		}
		if err == nil {
			hits, err = t.hits(ctx, f)
		}
		return err
	})
	return hits, wrap("search", err)
}

// hits are what was found, and then what belongs to it.
func (t *tx) hits(ctx context.Context, f found) ([]Hit, error) {
	hits, err := t.describe(ctx, f)
	if err != nil || len(hits) == 0 {
		return hits, err
	}
	for _, l := range []struct {
		lookup
		into *[]string
	}{
		{lookup{"conversions", "attributed_click_id", "conversion_id", "attributed_click_id <> ''"}, &f.conversions},
		{lookup{"postbacks", "click_id", "postback_id", "click_id <> ''"}, &f.postbacks},
	} {
		if err := t.follow(ctx, l.lookup, f.clicks, l.into); err != nil {
			return nil, err
		}
	}
	all, err := t.expand(ctx, f)
	if err != nil {
		return nil, err
	}
	related, err := t.describe(ctx, all)
	for _, h := range related {
		if !slices.ContainsFunc(hits, func(known Hit) bool { return known.ID == h.ID }) {
			hits = append(hits, h)
		}
	}
	return hits, err
}

// clicksOfPlatform adds the clicks that brought a platform's click ID.
func (t *tx) clicksOfPlatform(ctx context.Context, value string, into *[]string) error {
	if err := checkValues([]any{value}); value == "" || err != nil {
		return nil //nolint:nilerr // what no database can hold is no click's
	}
	err := t.query(ctx, "clicks of platform", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("click_id", "doc").From("clicks").Where(b.EQ("platform_click", 0), "platform_click <> 0").OrderBy("clicked_at DESC").Limit(1)
		return text(b)
	}, []any{platformHash(value), hitLimit}, func(r *sql.Rows) error {
		var id string
		var c subfive.Click
		if err := scanDoc(r, &c, &id); err != nil {
			return err
		}
		for _, name := range PlatformClickParams() {
			if c.Params[name] == value {
				*into = append(*into, id)
				break
			}
		}
		return nil
	})
	*into = unique(*into)
	return err
}

// describe says what the IDs are of, a kind after the other, the newest first.
func (t *tx) describe(ctx context.Context, f found) (hits []Hit, err error) {
	for _, of := range []struct {
		kind, table, at string
		name, state     string
		detail          string
		amount          []string
		ids             []string
	}{
		{"click", "clicks", "clicked_at", "campaign_id", "record_kind", "platform", nil, f.clicks},
		{"postback", "postbacks", "received_at", "endpoint_id", "verdict", "goal", nil, f.postbacks},
		{"conversion", "conversions", "converted_at", "goal", "verdict", "network_status", []string{"payout_micros", "currency"}, f.conversions},
		{"delivery", "deliveries", "created_at", "destination_id", "status", "event_name", []string{"value_micros", "currency"}, f.deliveries},
		{"attempt", "attempts", "started_at", "destination_id", "class", "platform_code", nil, f.attempts},
	} {
		amount := of.amount
		if amount == nil {
			amount = []string{"NULL", "''"}
		}
		id := of.kind + "_id"
		var found []Hit
		err := t.queryIn(ctx, "describe "+of.table, nil, of.ids[:min(len(of.ids), storyLimit)], func(ids []any) string {
			b := t.s.flavor.NewSelectBuilder()
			b.Select(id, of.at, of.name, of.state, of.detail, amount[0], amount[1]).From(of.table).Where(b.In(id, ids...))
			return text(b)
		}, func(r *sql.Rows) error {
			h := Hit{Kind: of.kind}
			var at int64
			var micros sql.NullInt64
			var currency string
			err := r.Scan(&h.ID, &at, &h.Name, &h.State, &h.Detail, &micros, &currency)
			h.At = subfive.FromMillis(at)
			if micros.Valid {
				h.Amount = &subfive.Money{Amount: subfive.Micros(micros.Int64), Currency: currency}
			}
			found = append(found, h)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(found, func(a, b Hit) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID)) })
		found = slices.CompactFunc(found, func(a, b Hit) bool { return a.ID == b.ID })
		hits = append(hits, found[:min(len(found), hitLimit)]...)
	}
	return hits, nil
}

// macRows is how many rows of a table a search for a person looks through, the
// newest, and macPiece how many at once.
const (
	macRows  = 100_000
	macPiece = 5000
)

// SearchMacs finds what holds one of the macs of user data among the newest rows,
// and what belongs to it. back is how far that was: before it nobody looked. Zero:
// everything was looked through. It stops when ctx ends, too.
func (s *Store) SearchMacs(ctx context.Context, macs []string) (hits []Hit, back time.Time, err error) {
	var f found
	for _, of := range []struct {
		table, at string
		into      *[]string
	}{
		{"postbacks", "received_at", &f.postbacks}, {"conversions", "received_at", &f.conversions}, {"clicks", "clicked_at", &f.clicks},
	} {
		left, err := s.newestHolding(ctx, of.table, of.at, macs, of.into)
		if err != nil {
			return nil, back, wrap("search "+of.table, err)
		}
		if left.After(back) {
			back = left
		}
	}
	ctx = context.WithoutCancel(ctx) // what was found is told, however long the search took
	err = s.read(ctx, s.screens, func(t *tx) (err error) {
		hits, err = t.hits(ctx, f)
		return err
	})
	return hits, back, wrap("search", err)
}

// farAhead is after every moment that a row can have.
const farAhead = int64(1) << 52

// newestHolding adds the IDs of the newest rows whose document holds one of the
// macs, and returns the moment before which nobody looked.
func (s *Store) newestHolding(ctx context.Context, table, at string, macs []string, into *[]string) (back time.Time, err error) {
	key, until := keyOf(table), farAhead
	for seen := 0; seen < macRows && len(*into) < hitLimit; seen += macPiece {
		var from, n int64
		ids := map[string]bool{}
		err := s.read(ctx, s.screens, func(t *tx) error {
			err := t.row(ctx, "newest piece of "+table, func() string {
				in := s.flavor.NewSelectBuilder()
				in.Select(at).From(table).Where(in.LT(at, 0)).OrderBy(at + " DESC").Limit(macPiece)
				b := s.flavor.NewSelectBuilder()
				b.Select("coalesce(min("+at+"), 0)", "count(*)").From(b.BuilderAs(in, "piece"))
				return text(b)
			}, []any{until, macPiece}, &from, &n)
			if err != nil || n == 0 {
				return err
			}
			for _, mac := range macs {
				err := t.query(ctx, "newest holding "+table, func() string {
					b := s.flavor.NewSelectBuilder()
					b.Select(key, "doc").From(table).Where(b.GE(at, 0), b.LT(at, 0), b.Like("doc", ""))
					return text(b)
				}, []any{from, until, "%" + mac + "%"}, func(r *sql.Rows) error {
					var id string
					var has struct {
						UserData map[string]subfive.Sealed `json:"user_data"`
					}
					if err := scanDoc(r, &has, &id); err != nil {
						return fmt.Errorf("%s %s: %w", table, id, err)
					}
					if holds(has.UserData, macs) {
						ids[id] = true
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		switch {
		case ctx.Err() != nil:
			return subfive.FromMillis(until), nil //nolint:nilerr // time is up: what was found is told
		case err != nil:
			return back, err
		case n == 0:
			return time.Time{}, nil
		}
		for id := range ids {
			*into = append(*into, id)
		}
		*into = unique(*into)
		until = from
	}
	return subfive.FromMillis(until), nil
}
