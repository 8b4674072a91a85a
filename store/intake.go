package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"subfive"
)

// Lookup reads what attribution must know before it decides a batch. The
// sessions' versions are read first: whoever writes one of them afterwards
// makes RecordBatch refuse what was decided on the older state.
func (s *Store) Lookup(ctx context.Context, l subfive.Lookup) (subfive.Known, error) {
	var k subfive.Known
	err := s.read(ctx, s.intake, func(t *tx) error {
		k = subfive.Known{Stored: map[string]bool{}, Clicks: map[string]subfive.Click{}, Versions: map[string]int64{}}
		if err := t.versions(ctx, l.Sessions, k.Versions); err != nil {
			return err
		}
		if err := t.storedPostbacks(ctx, l.PostbackIDs, k.Stored); err != nil {
			return err
		}
		if err := t.storedVisits(ctx, l.VisitIDs, k.Stored); err != nil {
			return err
		}
		var err error
		if k.Groups, err = t.groups(ctx, l.Sessions); err != nil {
			return err
		}
		if l.WithWaiting {
			if k.Waiting, err = t.waiting(ctx, l.ClickIDs); err != nil {
				return err
			}
			if k.Visits, err = t.visitsOf(ctx, l.ClickIDs); err != nil {
				return err
			}
		}
		if k.Credited, err = t.credited(ctx, l.CreditedTo); err != nil {
			return err
		}
		conversions, clicks := knownIDs(k)
		if k.Deliveries, err = t.deliveriesOf(ctx, conversions); err != nil {
			return err
		}
		return t.clicksByID(ctx, append(clicks, l.ClickIDs...), k.Clicks)
	})
	if err != nil {
		return k, fmt.Errorf("look up: %w", err)
	}
	return k, nil
}

// knownIDs names the conversions found and the clicks they count for.
func knownIDs(k subfive.Known) (conversions, clicks []string) {
	all := slices.Concat(k.Waiting, k.Credited)
	for _, g := range k.Groups {
		all = append(all, g.Conversions...)
	}
	for _, c := range all {
		conversions = append(conversions, c.ID)
		if c.AttributedClickID != "" {
			clicks = append(clicks, c.AttributedClickID)
		}
	}
	return conversions, clicks
}

// unique returns the IDs without repeats and without the empty one.
func unique(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

func (t *tx) versions(ctx context.Context, sessions []subfive.Session, into map[string]int64) error {
	var keys []string
	for _, s := range sessions {
		keys = append(keys, s.Keys()...)
	}
	return t.queryIn(ctx, "session versions", nil, unique(keys), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("session_key", "version").From("session_versions").Where(b.In("session_key", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var key string
		var version int64
		if err := r.Scan(&key, &version); err != nil {
			return err
		}
		into[key] = version
		return nil
	})
}

func (t *tx) storedPostbacks(ctx context.Context, ids []string, into map[string]bool) error {
	return t.queryIn(ctx, "stored postbacks", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("postback_id").From("postbacks").Where(b.In("postback_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		if err := r.Scan(&id); err != nil {
			return err
		}
		into[id] = true
		return nil
	})
}

func (t *tx) clicksByID(ctx context.Context, ids []string, into map[string]subfive.Click) error {
	return t.queryIn(ctx, "clicks by id", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("click_id", "version", "doc").From("clicks").Where(b.In("click_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		var version int64
		var c subfive.Click
		if err := scanDoc(r, &c, &id, &version); err != nil {
			return err
		}
		c.Version = version
		into[id] = c
		return nil
	})
}

// scanDoc scans columns, and the last of them, a JSON document, into doc.
func scanDoc(r *sql.Rows, doc any, columns ...any) error {
	var raw []byte
	if err := r.Scan(append(columns, &raw)...); err != nil {
		return err
	}
	return json.Unmarshal(raw, doc)
}

// groups returns the groups that share a key with a session, each once, in the
// order of their IDs, with their conversions in the order they were recorded.
func (t *tx) groups(ctx context.Context, sessions []subfive.Session) ([]subfive.Group, error) {
	found := map[string]*subfive.Group{}
	var transactions, clicks []string
	asked := map[string]bool{}
	for _, s := range sessions {
		transactions, clicks = append(transactions, s.TransactionID), append(clicks, s.ClickID)
		for _, key := range s.Keys() {
			asked[key] = true
		}
	}
	for column, ids := range map[string][]string{"transaction_id": transactions, "click_id": clicks} {
		err := t.queryIn(ctx, "groups by "+column, nil, unique(ids), func(ids []any) string {
			b := t.s.flavor.NewSelectBuilder()
			b.Select("group_id", "network_id", "transaction_id", "click_id").From("conversion_groups").
				Where(b.In(column, ids...), column+" <> ''") // the index is partial
			return text(b)
		}, func(r *sql.Rows) error {
			var g subfive.Group
			if err := r.Scan(&g.ID, &g.NetworkID, &g.TransactionID, &g.ClickID); err != nil {
				return err
			}
			s := subfive.Session{NetworkID: g.NetworkID, TransactionID: g.TransactionID, ClickID: g.ClickID}
			if slices.ContainsFunc(s.Keys(), func(key string) bool { return asked[key] }) {
				found[g.ID] = &g
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t.withConversions(ctx, found)
}

func (t *tx) withConversions(ctx context.Context, found map[string]*subfive.Group) ([]subfive.Group, error) {
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	ids = unique(ids)
	seen := map[string]bool{}
	err := t.queryIn(ctx, "conversions by group", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "version", "doc").From("conversions").Where(b.In("group_id", ids...), "group_id <> ''")
		return text(b)
	}, func(r *sql.Rows) error {
		c, err := scanConversion(r)
		if err != nil || seen[c.ID] {
			return err
		}
		seen[c.ID] = true
		g := found[c.GroupID]
		g.Conversions = append(g.Conversions, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups := make([]subfive.Group, 0, len(ids))
	for _, id := range ids {
		g := *found[id]
		slices.SortFunc(g.Conversions, func(a, b subfive.Conversion) int { return a.Seq - b.Seq })
		groups = append(groups, g)
	}
	return groups, nil
}

func scanConversion(r *sql.Rows) (subfive.Conversion, error) {
	var c subfive.Conversion
	var id string
	var version int64
	err := scanDoc(r, &c, &id, &version)
	c.Version = version
	return c, err
}

// waiting returns the conversions without a click whose received click ID is
// among the IDs.
func (t *tx) waiting(ctx context.Context, clickIDs []string) ([]subfive.Conversion, error) {
	var waiting []subfive.Conversion
	seen := map[string]bool{}
	err := t.queryIn(ctx, "waiting conversions", nil, unique(clickIDs), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "version", "doc").From("conversions").
			Where(b.In("received_click_id", ids...), "attributed_click_id = ''", "received_click_id <> ''")
		return text(b)
	}, func(r *sql.Rows) error {
		c, err := scanConversion(r)
		waits := c.Verdict == subfive.VerdictWaiting || c.Verdict == subfive.VerdictUnmatched
		if err != nil || seen[c.ID] || !waits {
			return err
		}
		seen[c.ID] = true
		waiting = append(waiting, c)
		return nil
	})
	return waiting, err
}

// credited returns the conversions that count for the clicks.
func (t *tx) credited(ctx context.Context, clickIDs []string) (all []subfive.Conversion, err error) {
	err = t.queryIn(ctx, "conversions of clicks asked for", nil, unique(clickIDs), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "version", "doc").From("conversions").
			Where(b.In("attributed_click_id", ids...), "attributed_click_id <> ''").OrderBy("conversion_id")
		return text(b)
	}, func(r *sql.Rows) error {
		c, err := scanConversion(r)
		all = append(all, c)
		return err
	})
	return all, err
}

// Due returns conversions whose review has come, earliest first.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]subfive.Conversion, error) {
	var due []subfive.Conversion
	err := s.read(ctx, s.intake, func(t *tx) error {
		due = nil
		return t.query(ctx, "due reviews", func() string {
			b := t.s.flavor.NewSelectBuilder()
			b.Select("conversion_id", "version", "doc").From("conversions").
				Where(b.LE("review_at", 0), "review_at > 0").OrderBy("review_at").Limit(1)
			return text(b)
		}, []any{subfive.Millis(now), limit}, func(r *sql.Rows) error {
			c, err := scanConversion(r)
			due = append(due, c)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("due reviews: %w", err)
	}
	return due, nil
}
