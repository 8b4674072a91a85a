package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"subfive"
)

// Reconciled is a conversion with what a comparison of books asks of it.
type Reconciled struct {
	subfive.Conversion
	AdID string // the platform's ad that was clicked
	// Delivered is how many destinations took it.
	Delivered int
}

// ToReconcile returns a network's conversions of a span, and those of click
// sessions and network's conversion IDs that were asked for, each once. Until is
// not included.
func (s *Store) ToReconcile(ctx context.Context, networkID string, since, until time.Time, sessions, ids []string) (all []Reconciled, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		seen := map[string]bool{}
		add := func(r *sql.Rows) error {
			var c subfive.Conversion
			var version int64
			if err := scanDoc(r, &c, &version); err != nil {
				return err
			}
			if c.Version = version; !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, Reconciled{Conversion: c})
			}
			return nil
		}
		if err := t.query(ctx, "conversions of a network", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("version", "doc").From("conversions").
				Where(b.EQ("network_id", ""), b.GE("converted_at", 0), b.LT("converted_at", 0)).OrderBy("converted_at", "conversion_id")
			return text(b)
		}, []any{networkID, subfive.Millis(since), subfive.Millis(until)}, add); err != nil {
			return err
		}
		for _, by := range []struct {
			column string
			values []string
		}{{"transaction_id", sessions}, {"network_conversion_id", ids}} {
			if err := t.queryIn(ctx, "conversions by "+by.column, []any{networkID}, storable(by.values), func(in []any) string {
				b := s.flavor.NewSelectBuilder()
				b.Select("version", "doc").From("conversions").Where(b.EQ("network_id", ""), b.In(by.column, in...), by.column+" <> ''")
				return text(b)
			}, add); err != nil {
				return err
			}
		}
		return t.complete(ctx, all)
	})
	return all, wrap("read conversions to reconcile", err)
}

// storable leaves out what no database can hold, and so cannot have.
func storable(values []string) []string {
	var all []string
	for _, v := range unique(values) {
		if checkValues([]any{v}) == nil {
			all = append(all, v)
		}
	}
	return all
}

// complete adds ads and deliveries.
func (t *tx) complete(ctx context.Context, all []Reconciled) error {
	var ids, clicks []string
	for _, c := range all {
		ids, clicks = append(ids, c.ID), append(clicks, c.AttributedClickID)
	}
	ads, err := t.ads(ctx, clicks)
	if err != nil {
		return err
	}
	delivered := map[string]int{}
	if err := t.queryIn(ctx, "delivered conversions", nil, ids, func(in []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "count(DISTINCT destination_id)").From("deliveries").
			Where(b.In("conversion_id", in...), "kind = 'conversion'", "status = 'delivered'").GroupBy("conversion_id")
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		var n int
		err := r.Scan(&id, &n)
		delivered[id] = n
		return err
	}); err != nil {
		return err
	}
	for i, c := range all {
		all[i].AdID, all[i].Delivered = ads[c.AttributedClickID], delivered[c.ID]
	}
	return nil
}

func (t *tx) ads(ctx context.Context, clickIDs []string) (map[string]string, error) {
	ads := map[string]string{}
	err := t.queryIn(ctx, "ads of clicks", nil, storable(clickIDs), func(in []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("click_id", "doc").From("clicks").Where(b.In("click_id", in...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		var click struct {
			Ad subfive.Ad `json:"ad"`
		}
		err := scanDoc(r, &click, &id)
		ads[id] = click.Ad.ID
		return err
	})
	return ads, err
}

// AdsOfClicks returns the platform's ads of clicks, by click ID.
func (s *Store) AdsOfClicks(ctx context.Context, clickIDs []string) (ads map[string]string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) (err error) {
		ads, err = t.ads(ctx, clickIDs)
		return err
	})
	return ads, wrap("read the ads of clicks", err)
}

// OpenDuplicates returns a network's possible duplicates that nobody decided, of
// the click sessions that were asked for.
func (s *Store) OpenDuplicates(ctx context.Context, networkID string, sessions []string) (all []subfive.Judged, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.queryIn(ctx, "open duplicates", []any{networkID}, storable(sessions), func(in []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select("group_id", "possible_duplicate_of", "doc").From("postbacks").
				Where(b.EQ("network_id", ""), b.In("transaction_id", in...), "transaction_id <> ''", "verdict = 'possible_duplicate'").
				OrderBy("received_at", "postback_id")
			return text(b)
		}, func(r *sql.Rows) error {
			j := subfive.Judged{Verdict: subfive.VerdictPossibleDuplicate}
			err := scanDoc(r, &j.Postback, &j.GroupID, &j.PossibleDuplicateOf)
			all = append(all, j)
			return err
		})
	})
	return all, wrap("read open duplicates", err)
}

// Claimed is what a platform says of an ad's day.
type Claimed struct {
	Day         string
	AdID        string
	Conversions int
	Value       subfive.Money
}

// Claims returns what platforms claim of the days from first to last.
func (s *Store) Claims(ctx context.Context, first, last string) (all []Claimed, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, "claims", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("cost_day", "ad_id", "currency", "sum(platform_conversions)", "sum(platform_value_micros)").From("costs").
				Where(b.GE("cost_day", ""), b.LE("cost_day", "")).GroupBy("cost_day", "ad_id", "currency").OrderBy("cost_day", "ad_id", "currency")
			return text(b)
		}, []any{first, last}, func(r *sql.Rows) error {
			var c Claimed
			err := r.Scan(&c.Day, &c.AdID, &c.Value.Currency, &c.Conversions, &c.Value.Amount)
			all = append(all, c)
			return err
		})
	})
	return all, wrap("read what platforms claim", err)
}

// Reconciliation is a comparison with a network's books, as it is kept.
type Reconciliation struct {
	ID         string          `json:"reconciliation_id"`
	NetworkID  string          `json:"network_id"`
	State      string          `json:"state"` // ReconciliationRunning, …
	DryRun     bool            `json:"dry_run"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt time.Time       `json:"finished_at,omitzero"`
	Theirs     int             `json:"network_conversions"` // without rejected ones
	Ours       int             `json:"our_conversions"`     // of those, before anything was mended
	Result     json.RawMessage `json:"result,omitempty"`
}

// The states of a Reconciliation.
const (
	ReconciliationRunning = "running"
	ReconciliationDone    = "done"
	ReconciliationFailed  = "failed"
)

// PrefixReconciliation begins the ID of a comparison.
const PrefixReconciliation = "rc_"

// Differing is one difference that a comparison found. Doc is all of it as JSON.
type Differing struct {
	Outcome, ConversionID, NetworkConversionID, Day string

	Doc json.RawMessage
}

var reconciliationColumns = []string{
	"reconciliation_id", "network_id", "state", "dry_run", "started_at", "finished_at", "theirs", "ours", "doc",
}

// KeepReconciliation writes a comparison and what differed, in place of what was
// kept of it.
func (s *Store) KeepReconciliation(ctx context.Context, r Reconciliation, differing []Differing) error {
	doc := string(r.Result)
	if doc == "" {
		doc = "{}"
	}
	err := s.write(ctx, s.screens, func(t *tx) error {
		if err := t.insertRows(ctx, "reconciliations", reconciliationColumns, [][]any{{
			r.ID, r.NetworkID, r.State, flag(r.DryRun), subfive.Millis(r.StartedAt), subfive.Millis(r.FinishedAt), r.Theirs, r.Ours, doc,
		}}, "ON CONFLICT (reconciliation_id) DO UPDATE SET "+replaceAll(reconciliationColumns[1:])); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "forget differences", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("reconciliation_differences").Where(b.EQ("reconciliation_id", ""))
			return text(b)
		}, r.ID); err != nil {
			return err
		}
		rows := make([][]any, len(differing))
		for i, d := range differing {
			rows[i] = []any{r.ID, i + 1, d.Outcome, d.ConversionID, clean(d.NetworkConversionID), d.Day, string(d.Doc)}
		}
		return t.insertRows(ctx, "reconciliation_differences",
			[]string{"reconciliation_id", "number", "outcome", "conversion_id", "network_conversion_id", "day", "doc"}, rows, "")
	})
	return wrap("keep reconciliation", err)
}

// Reconciliations returns the latest comparisons, the newest first; of one
// network, or with "" of all.
func (s *Store) Reconciliations(ctx context.Context, networkID string, limit int) (all []Reconciliation, err error) {
	key, args := "reconciliations", []any{}
	if networkID != "" {
		key, args = key+" of a network", append(args, networkID)
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(reconciliationColumns...).From("reconciliations").OrderBy("started_at DESC", "reconciliation_id").Limit(1)
			if networkID != "" {
				b.Where(b.EQ("network_id", ""))
			}
			return text(b)
		}, append(args, limit), func(r *sql.Rows) error {
			one, err := scanReconciliation(r)
			all = append(all, one)
			return err
		})
	})
	return all, wrap("read reconciliations", err)
}

func scanReconciliation(r *sql.Rows) (one Reconciliation, err error) {
	var dry, started, finished int64
	var doc []byte
	err = r.Scan(&one.ID, &one.NetworkID, &one.State, &dry, &started, &finished, &one.Theirs, &one.Ours, &doc)
	one.DryRun, one.StartedAt, one.FinishedAt = dry == 1, subfive.FromMillis(started), subfive.FromMillis(finished)
	if one.Result = doc; string(doc) == "{}" {
		one.Result = nil
	}
	return one, err
}

// Reconciliation returns a comparison and what differed, or subfive.ErrNotFound.
func (s *Store) Reconciliation(ctx context.Context, id string) (one Reconciliation, differing []json.RawMessage, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		found := false
		differing = []json.RawMessage{}
		if err := t.query(ctx, "reconciliation", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(reconciliationColumns...).From("reconciliations").Where(b.EQ("reconciliation_id", ""))
			return text(b)
		}, []any{id}, func(r *sql.Rows) (err error) {
			found = true
			one, err = scanReconciliation(r)
			return err
		}); err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("reconciliation %s: %w", id, subfive.ErrNotFound)
		}
		return t.query(ctx, "reconciliation differences", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("doc").From("reconciliation_differences").Where(b.EQ("reconciliation_id", "")).OrderBy("number")
			return text(b)
		}, []any{id}, func(r *sql.Rows) error {
			var doc []byte
			err := r.Scan(&doc)
			differing = append(differing, doc)
			return err
		})
	})
	return one, differing, wrap("read reconciliation", err)
}

// ForgetReconciliations deletes comparisons that began before a moment.
func (s *Store) ForgetReconciliations(ctx context.Context, before time.Time) error {
	return wrap("forget reconciliations", s.write(ctx, s.screens, func(t *tx) error {
		if _, err := t.exec(ctx, "forget old differences", func() string {
			b := s.flavor.NewDeleteBuilder()
			old := s.flavor.NewSelectBuilder()
			old.Select("reconciliation_id").From("reconciliations").Where(old.LT("started_at", 0))
			b.DeleteFrom("reconciliation_differences").Where(b.In("reconciliation_id", old))
			return text(b)
		}, subfive.Millis(before)); err != nil {
			return err
		}
		_, err := t.exec(ctx, "forget reconciliations", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("reconciliations").Where(b.LT("started_at", 0))
			return text(b)
		}, subfive.Millis(before))
		return err
	}))
}
