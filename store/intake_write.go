package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"subfive"
)

// RecordBatch writes a decision of attribution: all of it in one transaction,
// or nothing. It returns subfive.ErrConflict when a session or a conversion
// moved since it was looked up. A record stored already is left as it is, so
// that the same batch twice changes nothing.
func (s *Store) RecordBatch(ctx context.Context, b subfive.Batch) error {
	err := s.write(ctx, s.intake, func(t *tx) error {
		changed := s.newChanges()
		counted := func(step func(context.Context, subfive.Batch, *changes) error) func(context.Context, subfive.Batch) error {
			return func(ctx context.Context, b subfive.Batch) error { return step(ctx, b, changed) }
		}
		for _, step := range []func(context.Context, subfive.Batch) error{
			t.moveSessions, counted(t.insertClicks), t.insertVisits, counted(t.enrichClicks), t.insertPostbacks, t.insertTees, t.upsertGroups,
			counted(t.writeConversions), t.insertChanges, t.withdraw, t.recordDeliveries, t.settlePostbacks, counted(t.promote), t.insertBroken,
			t.movePositions, counted(t.count),
		} {
			if err := step(ctx, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record batch: %w", err)
	}
	return nil
}

// moveSessions moves each guard by one, and fails when one has moved already.
func (t *tx) moveSessions(ctx context.Context, b subfive.Batch) error {
	keys := make([]string, 0, len(b.Versions))
	for key := range b.Versions {
		keys = append(keys, key)
	}
	slices.Sort(keys) // all writers lock in one order
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{key, b.Versions[key] + 1}
	}
	return t.upsertGuarded(ctx, "session_versions", []string{"session_key", "version"}, rows,
		"ON CONFLICT (session_key) DO UPDATE SET version = excluded.version WHERE session_versions.version = excluded.version - 1")
}

// upsertGuarded writes rows whose suffix refuses those that have moved: fewer
// rows changed than written is a conflict.
func (t *tx) upsertGuarded(ctx context.Context, table string, columns []string, rows [][]any, suffix string) error {
	limit := min(maxBucket, maxParams/len(columns))
	for len(rows) > 0 {
		n := bucket(len(rows), limit)
		changed, err := t.exec(ctx, "upsert "+table+" "+strconv.Itoa(n),
			func() string { return t.s.insertText(table, columns, n, suffix) }, slices.Concat(rows[:n]...)...)
		if err != nil {
			return err
		}
		if changed != int64(n) {
			return subfive.ErrConflict
		}
		rows = rows[n:]
	}
	return nil
}

var clickColumns = []string{
	"click_id", "clicked_at", "click_day", "record_kind", "campaign_id", "source_id", "platform", "ad_account_id",
	"offer_id", "landing_id", "is_bot", "is_prefetch", "is_test", "visitor_id", "platform_click", "doc",
}

// clickRow is a click in the order of clickColumns.
func (s *Store) clickRow(c subfive.Click) ([]any, error) {
	doc, err := json.Marshal(c)
	return []any{
		c.ID, subfive.Millis(c.ClickedAt), s.day(c.ClickedAt), c.RecordKind, c.CampaignID, c.SourceID, c.Platform,
		c.AdAccountID, c.OfferID, c.LandingID, flag(c.IsBot), flag(c.IsPrefetch), flag(c.IsTest), clean(c.VisitorID), platformClick(c.Params), string(doc),
	}, err
}

var postbackColumns = []string{
	"postback_id", "received_at", "network_id", "endpoint_id", "via", "reading", "verdict", "hint", "answered_status",
	"click_id_raw", "click_id", "transaction_id", "network_conversion_id", "order_id", "goal", "network_status",
	"payout_raw", "payout_micros", "group_id", "conversion_id", "duplicate_of", "possible_duplicate_of", "trace", "doc",
}

func (t *tx) insertPostbacks(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Postbacks))
	for i, j := range b.Postbacks {
		p := j.Postback
		doc, err := json.Marshal(p)
		if err != nil {
			return err
		}
		trace, err := json.Marshal(j.Trace)
		if err != nil {
			return err
		}
		rows[i] = []any{
			p.ID, subfive.Millis(p.ReceivedAt), p.NetworkID, p.EndpointID, p.Via, string(p.Reading), string(j.Verdict), p.Hint, p.Answered,
			p.ClickIDRaw, p.ClickID, p.TransactionID, p.NetworkConversionID, p.OrderID, p.Goal(), p.StatusWord,
			p.PayoutRaw, micros(p.Payout), j.GroupID, j.ConversionID, j.DuplicateOf, j.PossibleDuplicateOf, string(trace), string(doc),
		}
	}
	return t.insertRows(ctx, "postbacks", postbackColumns, rows, "ON CONFLICT (postback_id) DO NOTHING")
}

func (t *tx) upsertGroups(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Groups))
	for i, g := range b.Groups {
		rows[i] = []any{g.ID, g.NetworkID, g.TransactionID, g.ClickID}
	}
	return t.insertRows(ctx, "conversion_groups", []string{"group_id", "network_id", "transaction_id", "click_id"}, rows,
		"ON CONFLICT (group_id) DO UPDATE SET transaction_id = excluded.transaction_id, click_id = excluded.click_id")
}

var conversionColumns = []string{
	"conversion_id", "group_id", "network_id", "endpoint_id", "postback_id", "verdict", "counts", "is_test",
	"received_click_id", "attributed_click_id", "match_method", "network_conversion_id", "transaction_id", "order_id",
	"goal", "network_status", "converted_at", "received_at", "clicked_at", "conversion_day", "payout_micros",
	"sale_amount_micros", "currency", "campaign_id", "source_id", "offer_id", "review_at", "version", "doc",
}

func (t *tx) writeConversions(ctx context.Context, b subfive.Batch, changed *changes) error {
	return t.upsertConversions(ctx, b.Conversions, changed)
}

func (t *tx) upsertConversions(ctx context.Context, cs []subfive.Conversion, changed *changes) error {
	if err := t.conversionsBefore(ctx, cs, changed); err != nil {
		return err
	}
	changed.after = append(changed.after, cs...)
	rows := make([][]any, len(cs))
	for i, c := range cs {
		doc, err := json.Marshal(c)
		if err != nil {
			return err
		}
		first := ""
		if len(c.NetworkConversionIDs) > 0 {
			first = c.NetworkConversionIDs[0]
		}
		rows[i] = []any{
			c.ID, c.GroupID, c.NetworkID, c.EndpointID, c.PostbackID, string(c.Verdict), flag(c.Counts()), flag(c.IsTest),
			c.ReceivedClickID, c.AttributedClickID, c.MatchMethod, first, c.TransactionID, c.OrderID,
			c.Goal(), string(c.Status), subfive.Millis(c.ConvertedAt), subfive.Millis(c.ReceivedAt), subfive.Millis(c.ClickedAt),
			t.s.day(c.ConvertedAt), micros(c.Payout), micros(c.SaleAmount), c.Currency, c.CampaignID, c.SourceID, c.OfferID,
			subfive.Millis(c.ReviewAt), c.Version + 1, string(doc),
		}
	}
	return t.upsertGuarded(ctx, "conversions", conversionColumns, rows, conversionUpsert)
}

// conversionUpsert replaces all columns but the key of a conversion that has
// not moved.
var conversionUpsert = func() string {
	s := "ON CONFLICT (conversion_id) DO UPDATE SET "
	for i, c := range conversionColumns[1:] {
		if i > 0 {
			s += ", "
		}
		s += c + " = excluded." + c
	}
	// It may bring personal data anew, which retention takes again in its time.
	return s + ", kept = 2 WHERE conversions.version = excluded.version - 1"
}()

func (t *tx) insertChanges(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Changes))
	for i, c := range b.Changes {
		id := subfive.DeriveID("ch_", c.ConversionID, c.Field, c.PostbackID, c.New)
		rows[i] = []any{id, c.ConversionID, c.Field, c.Old, c.New, subfive.Millis(c.At), c.By, c.PostbackID}
	}
	return t.insertRows(ctx, "conversion_changes",
		[]string{"change_id", "conversion_id", "field", "old_value", "new_value", "changed_at", "changed_by", "postback_id"}, rows,
		"ON CONFLICT (change_id) DO NOTHING")
}

func (t *tx) insertBroken(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Broken))
	for i, r := range b.Broken {
		rows[i] = []any{r.Position.Segment, r.Position.Pos, subfive.Millis(b.At), r.Reason, base64.StdEncoding.EncodeToString(r.Data)}
	}
	return t.insertRows(ctx, "broken_records", []string{"segment", "pos", "recorded_at", "reason", "data"}, rows,
		"ON CONFLICT (segment, pos) DO NOTHING")
}

// movePositions notes how far each journal segment is recorded.
func (t *tx) movePositions(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Positions))
	for i, p := range b.Positions {
		rows[i] = []any{p.Segment, p.Pos, subfive.Millis(b.At)}
	}
	return t.insertRows(ctx, "journal_segments", []string{"segment", "pos", "updated_at"}, rows,
		"ON CONFLICT (segment) DO UPDATE SET pos = excluded.pos, updated_at = excluded.updated_at WHERE journal_segments.pos < excluded.pos")
}

// settlePostbacks writes the new verdict of postbacks that were open questions;
// one that somebody settled meanwhile is a conflict.
func (t *tx) settlePostbacks(ctx context.Context, b subfive.Batch) error {
	for _, j := range b.Settlements {
		trace, err := json.Marshal(j.Trace)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, "settle postback", func() string {
			u := t.s.flavor.NewUpdateBuilder()
			u.Update("postbacks").Set(
				u.Assign("verdict", ""), u.Assign("group_id", ""), u.Assign("conversion_id", ""), u.Assign("duplicate_of", ""),
				u.Assign("settled_as", ""), u.Assign("settled_by", ""), u.Assign("settled_at", 0), u.Assign("trace", ""),
			).Where(u.EQ("postback_id", ""), "settled_as = ''")
			return text(u)
		}, string(j.Verdict), j.GroupID, j.ConversionID, j.DuplicateOf, j.SettledAs, j.SettledBy, subfive.Millis(b.At), string(trace), j.Postback.ID)
		switch {
		case err != nil:
			return err
		case n == 0:
			return subfive.ErrConflict
		}
	}
	return nil
}

// promote writes conversions whose click came late, or whose wait ended, and
// gives their first postback the new verdict.
func (t *tx) promote(ctx context.Context, b subfive.Batch, changed *changes) error {
	for _, p := range b.Promotions {
		if err := t.upsertConversions(ctx, []subfive.Conversion{p.Conversion}, changed); err != nil {
			return err
		}
		if err := t.deliver(ctx, p.Deliveries); err != nil {
			return err
		}
		if len(p.Trace) == 0 {
			continue
		}
		var steps []subfive.Step
		err := t.query(ctx, "trace", func() string {
			q := t.s.flavor.NewSelectBuilder()
			q.Select("trace").From("postbacks").Where(q.EQ("postback_id", ""))
			return text(q)
		}, []any{p.Conversion.PostbackID}, func(r *sql.Rows) error { return scanDoc(r, &steps) })
		if err != nil {
			return err
		}
		trace, err := json.Marshal(append(steps, p.Trace...))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, "promote postback", func() string {
			u := t.s.flavor.NewUpdateBuilder()
			u.Update("postbacks").Set(u.Assign("verdict", ""), u.Assign("trace", "")).Where(u.EQ("postback_id", ""))
			return text(u)
		}, string(p.Conversion.Verdict), string(trace), p.Conversion.PostbackID)
		if err != nil {
			return err
		}
	}
	return nil
}
