package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Cost is what a platform says one ad cost on one day; where an export has no
// ads, an ad set or a campaign, whose finer IDs are empty.
type Cost struct {
	SourceID    string
	Day         string // 2006-01-02, in the ad account's own time zone
	AdAccountID string
	Platform    string
	Ad          subfive.Ad // its IDs and names; placement and keyword are not looked at
	Spend       subfive.Money
	Impressions int64
	Clicks      int64          // link clicks, as the platform counts them
	Conversions int64          // conversions it claims
	Value       subfive.Micros // what it says they were worth, in Spend's currency
}

// ErrBadCost says that a cost can't be kept: it names the field and what it must
// be.
var ErrBadCost = errors.New("not a cost")

func (c Cost) check() error {
	if c.SourceID == "" {
		return fmt.Errorf("%w: it names no source", ErrBadCost)
	}
	if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
		return fmt.Errorf("%w: the day %q is not written as 2026-01-31", ErrBadCost, c.Day)
	}
	if !isCurrency(c.Spend.Currency) {
		return fmt.Errorf("%w: the currency %q is not three capitals, such as EUR", ErrBadCost, c.Spend.Currency)
	}
	for name, id := range map[string]string{"campaign": c.Ad.CampaignID, "ad set": c.Ad.SetID, "ad": c.Ad.ID} {
		if keyPart(id) != id {
			return fmt.Errorf("%w: the %s ID %.20q… is longer than %d bytes, or no text", ErrBadCost, name, id, subfive.MaxKeyBytes)
		}
	}
	if c.Impressions < 0 || c.Clicks < 0 || c.Conversions < 0 {
		return fmt.Errorf("%w: a count is negative", ErrBadCost)
	}
	return nil
}

var costColumns = []string{
	"source_id", "cost_day", "platform_campaign_id", "adset_id", "ad_id", "ad_account_id", "platform", "platform_campaign_name", "adset_name", "ad_name",
	"spend_micros", "currency", "impressions", "platform_clicks", "platform_conversions", "platform_value_micros", "imported_at", "import_id",
}

// sourceDay is a day of a source, as costs are replaced and spread.
type sourceDay struct{ day, source string }

// ReplaceCosts writes what the days of the sources cost: what was known of each
// source's day that is named here goes, so that importing again corrects and
// never doubles. The same ad twice on a day is added up. Of bad costs, ErrBadCost,
// nothing is written. Reports have them when it returns.
func (s *Store) ReplaceCosts(ctx context.Context, importID string, at time.Time, costs []Cost) error {
	byDay := map[sourceDay]map[Cost]Cost{}
	for i, c := range costs {
		if err := c.check(); err != nil {
			return fmt.Errorf("cost %d, %s %s: %w", i+1, c.SourceID, c.Day, err)
		}
		of := sourceDay{c.Day, c.SourceID}
		if byDay[of] == nil {
			byDay[of] = map[Cost]Cost{}
		}
		key := Cost{Ad: subfive.Ad{CampaignID: c.Ad.CampaignID, SetID: c.Ad.SetID, ID: c.Ad.ID}}
		if had, twice := byDay[of][key]; twice {
			if had.Spend.Currency != c.Spend.Currency {
				return fmt.Errorf("cost %d, %s %s: %w: ad %q is there in %s and in %s", i+1, c.SourceID, c.Day, ErrBadCost, c.Ad.ID, had.Spend.Currency, c.Spend.Currency)
			}
			c.Spend.Amount += had.Spend.Amount
			c.Impressions, c.Clicks, c.Conversions, c.Value = c.Impressions+had.Impressions, c.Clicks+had.Clicks, c.Conversions+had.Conversions, c.Value+had.Value
		}
		byDay[of][key] = c
	}
	for _, of := range sortedDays(byDay) {
		if err := s.replaceDay(ctx, of, byDay[of], importID, subfive.Millis(at)); err != nil {
			return fmt.Errorf("write costs of %s on %s: %w", of.source, of.day, err)
		}
	}
	return nil
}

func sortedDays[T any](of map[sourceDay]T) []sourceDay {
	days := make([]sourceDay, 0, len(of))
	for d := range of {
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b sourceDay) int { return strings.Compare(a.day+" "+a.source, b.day+" "+b.source) })
	return days
}

func (s *Store) replaceDay(ctx context.Context, of sourceDay, costs map[Cost]Cost, importID string, at int64) error {
	rows := make([][]any, 0, len(costs))
	for _, c := range costs {
		rows = append(rows, []any{
			c.SourceID, c.Day, c.Ad.CampaignID, c.Ad.SetID, c.Ad.ID, clean(c.AdAccountID), clean(c.Platform), clean(c.Ad.CampaignName), clean(c.Ad.SetName), clean(c.Ad.Name),
			int64(c.Spend.Amount), c.Spend.Currency, c.Impressions, c.Clicks, c.Conversions, int64(c.Value), at, importID,
		})
	}
	return s.write(ctx, s.screens, func(t *tx) error {
		// First: who moves the version has the day to himself.
		if err := t.insertRows(ctx, "cost_days", []string{"cost_day", "source_id", "imported_at", "clicks", "version"}, [][]any{{of.day, of.source, at, 0, 1}},
			"ON CONFLICT (cost_day, source_id) DO UPDATE SET imported_at = excluded.imported_at, version = cost_days.version + 1"); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "delete costs", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("costs").Where(b.EQ("source_id", ""), b.EQ("cost_day", ""))
			return text(b)
		}, of.source, of.day); err != nil {
			return err
		}
		if err := t.insertRows(ctx, "costs", costColumns, rows, ""); err != nil {
			return err
		}
		return t.spread(ctx, of, at)
	})
}

// SpreadCosts spreads the costs anew of those days whose clicks have become more
// or less since, and returns how many. Call it now and then: a day's costs may be
// imported before its last click is recorded.
func (s *Store) SpreadCosts(ctx context.Context, at time.Time) (spread int, err error) {
	var moved []sourceDay
	err = s.read(ctx, s.screens, func(t *tx) error {
		moved = nil
		return t.query(ctx, "moved cost days", func() string {
			return "SELECT c.cost_day, c.source_id FROM cost_days c LEFT JOIN (SELECT day, source_id, sum(clicks) AS clicks FROM days GROUP BY day, source_id) d " +
				"ON d.day = c.cost_day AND d.source_id = c.source_id WHERE c.clicks <> coalesce(d.clicks, 0) ORDER BY c.cost_day, c.source_id"
		}, nil, func(r *sql.Rows) error {
			var of sourceDay
			err := r.Scan(&of.day, &of.source)
			moved = append(moved, of)
			return err
		})
	})
	if err != nil {
		return 0, wrap("find costs to spread", err)
	}
	for _, of := range moved {
		if err := s.respread(ctx, of, at); err != nil {
			return spread, fmt.Errorf("spread costs of %s on %s: %w", of.source, of.day, err)
		}
		spread++
	}
	return spread, nil
}

func (s *Store) respread(ctx context.Context, of sourceDay, at time.Time) error {
	return s.write(ctx, s.screens, func(t *tx) error {
		if _, err := t.exec(ctx, "move cost day", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("cost_days").Set("version = version + 1").Where(b.EQ("cost_day", ""), b.EQ("source_id", ""))
			return text(b)
		}, of.day, of.source); err != nil {
			return err
		}
		return t.spread(ctx, of, subfive.Millis(at))
	})
}

// The columns of days that a cost is spread over, in the order of a share.
var shareColumns = []string{"cost_micros", "impressions", "platform_clicks", "platform_conversions", "platform_value_micros"}

// share is a row's part of what a platform counted.
type share [5]int64

// clicked is a row of days with clicks of people.
type clickedRow struct {
	key    sumKey
	clicks int64
}

// spread gives the rows of a source's day their shares of its costs, in place of
// those they had. The caller holds the day's row of cost_days.
func (t *tx) spread(ctx context.Context, of sourceDay, at int64) error {
	rows, err := t.clickedRows(ctx, of)
	if err != nil {
		return err
	}
	shares := map[sumKey]share{}
	err = t.query(ctx, "costs of a day", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("platform_campaign_id", "adset_id", "ad_id", "ad_account_id", "platform", "currency",
			"spend_micros", "impressions", "platform_clicks", "platform_conversions", "platform_value_micros").
			From("costs").Where(b.EQ("source_id", ""), b.EQ("cost_day", ""))
		return text(b)
	}, []any{of.source, of.day}, func(r *sql.Rows) error {
		var campaign, set, ad, account, platform, currency string
		var all share
		if err := r.Scan(&campaign, &set, &ad, &account, &platform, &currency, &all[0], &all[1], &all[2], &all[3], &all[4]); err != nil {
			return err
		}
		nobody := sumKey{of.day, of.source, "", "", keyPart(account), keyPart(platform), campaign, set, ad, currency}
		divide(all, fitting(rows, campaign, set, ad), nobody, currency, shares)
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.writeShares(ctx, of, shares, at); err != nil {
		return err
	}
	var clicks int64
	for _, r := range rows {
		clicks += r.clicks
	}
	_, err = t.exec(ctx, "cost day clicks", func() string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("cost_days").Set(b.Assign("clicks", 0)).Where(b.EQ("cost_day", ""), b.EQ("source_id", ""))
		return text(b)
	}, clicks, of.day, of.source)
	return err
}

func (t *tx) clickedRows(ctx context.Context, of sourceDay) (rows []clickedRow, err error) {
	err = t.query(ctx, "clicked rows", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(append(slices.Clone(daysTable.key[:9]), "sum(clicks)")...).From("days").Where(b.EQ("day", ""), b.EQ("source_id", "")).
			GroupBy(daysTable.key[:9]...).Having("sum(clicks) > 0").OrderBy(daysTable.key[:9]...)
		return text(b)
	}, []any{of.day, of.source}, func(r *sql.Rows) error {
		var row clickedRow
		into := make([]any, 0, 10)
		for i := range 9 {
			into = append(into, &row.key[i])
		}
		err := r.Scan(append(into, &row.clicks)...)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// fitting returns the rows of the finest thing that a cost names: its ad, else
// its ad set, else its campaign, else the source's whole day.
func fitting(rows []clickedRow, campaign, set, ad string) (fit []clickedRow) {
	column, id := 0, ""
	for i, part := range []string{campaign, set, ad} {
		if part != "" {
			column, id = 6+i, part
		}
	}
	for _, r := range rows {
		if id == "" || r.key[column] == id {
			fit = append(fit, r)
		}
	}
	return fit
}

// divide adds shares of all to the rows in proportion to their clicks, so that
// they add up to all exactly; nobody gets it where there is no row.
func divide(all share, rows []clickedRow, nobody sumKey, currency string, into map[sumKey]share) {
	var total, upTo int64
	for _, r := range rows {
		total += r.clicks
	}
	give := func(key sumKey, part share) {
		had := into[key]
		for i := range part {
			had[i] += part[i]
		}
		into[key] = had
	}
	if total == 0 {
		give(nobody, all)
		return
	}
	var given share
	for _, r := range rows {
		upTo += r.clicks
		key := r.key
		key[9] = currency
		var part share
		for i, n := range all {
			// What all rows up to this one get, rounded down, less what they have.
			sum := new(big.Int).Mul(big.NewInt(n), big.NewInt(upTo))
			part[i] = sum.Quo(sum, big.NewInt(total)).Int64() - given[i]
			given[i] += part[i]
		}
		give(key, part)
	}
}

// writeShares sets the shares of a source's day.
func (t *tx) writeShares(ctx context.Context, of sourceDay, shares map[sumKey]share, at int64) error {
	var none, some []string
	for _, c := range shareColumns {
		none = append(none, c+" = 0")
		some = append(some, c+" <> 0")
	}
	if _, err := t.exec(ctx, "clear shares", func() string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("days").Set(none...).Where(b.EQ("day", ""), b.EQ("source_id", ""), b.Or(some...))
		return text(b)
	}, of.day, of.source); err != nil {
		return err
	}
	keys := make([]sumKey, 0, len(shares))
	for key := range shares {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b sumKey) int { return slices.Compare(a[:], b[:]) })
	rows := make([][]any, len(keys))
	for i, key := range keys {
		for _, part := range key {
			rows[i] = append(rows[i], part)
		}
		for _, n := range shares[key] {
			rows[i] = append(rows[i], n)
		}
		rows[i] = append(rows[i], at)
	}
	set := "refreshed_at = excluded.refreshed_at"
	for _, c := range shareColumns {
		set += ", " + c + " = excluded." + c
	}
	return t.insertRows(ctx, "days", slices.Concat(daysTable.key, shareColumns, []string{"refreshed_at"}), rows,
		"ON CONFLICT ("+strings.Join(daysTable.key, ", ")+") DO UPDATE SET "+set)
}
