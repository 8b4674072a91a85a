package store

import (
	"context"
	"database/sql"

	"subfive"
)

// Spent is what a campaign cost and brought, by days: those since a day, and
// those before it.
type Spent struct {
	CampaignID          string
	Cost, CostBefore    subfive.Micros // in the reporting currency, as far as it is known
	Conversions, Before int
}

// Spend reads what campaigns cost from a day on, split at the day split. Both are
// days of reports, 2006-01-02. A campaign whose cost is not known is left out.
func (s *Store) Spend(ctx context.Context, from, split string) (all []Spent, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		sum := func(column, when string) string {
			return "CAST(sum(CASE WHEN v_daily.day " + when + " split.day THEN " + column + " ELSE 0 END) AS BIGINT)"
		}
		return t.query(ctx, "spend of campaigns", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("campaign_id", sum("cost_micros", ">="), sum("conversions", ">="), sum("cost_micros", "<"), sum("conversions", "<")).
				From("v_daily", "(SELECT CAST("+b.Var("")+" AS TEXT) AS day) split").
				Where(b.GE("v_daily.day", ""), "campaign_id <> ''", "cost_micros IS NOT NULL").GroupBy("campaign_id").OrderBy("campaign_id")
			return text(b)
		}, []any{split, from}, func(r *sql.Rows) error {
			var c Spent
			err := r.Scan(&c.CampaignID, &c.Cost, &c.Conversions, &c.CostBefore, &c.Before)
			all = append(all, c)
			return err
		})
	})
	return all, wrap("read the spend of campaigns", err)
}
