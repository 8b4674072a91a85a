package main

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/store"
)

// spend reads what each campaign cost since yesterday began, and what a
// conversion of it cost in the seven days before: costs come by days. Nil while
// no cost is known.
func spend(ctx context.Context, st *store.Store, now time.Time, zone *time.Location, currency string) ([]alerts.Spend, error) {
	day := func(back int) string { return now.In(zone).AddDate(0, 0, -back).Format(time.DateOnly) }
	query := fmt.Sprintf(`SELECT campaign_id,
		sum(CASE WHEN day >= '%[1]s' THEN cost_micros ELSE 0 END), sum(CASE WHEN day >= '%[1]s' THEN conversions ELSE 0 END),
		sum(CASE WHEN day < '%[1]s' THEN cost_micros ELSE 0 END), sum(CASE WHEN day < '%[1]s' THEN conversions ELSE 0 END)
		FROM v_daily WHERE day >= '%[2]s' AND campaign_id <> '' AND cost_micros IS NOT NULL GROUP BY campaign_id ORDER BY campaign_id`, day(1), day(8))
	var all []alerts.Spend
	err := st.Query(ctx, query, func([]string) error { return nil }, func(row []any) error {
		var n [4]int64
		for i := range n {
			var err error
			if n[i], err = whole(row[i+1]); err != nil {
				return fmt.Errorf("column %d of a campaign's spend: %w", i+1, err)
			}
		}
		s := alerts.Spend{Subject: fmt.Sprint(row[0]), Spent: subfive.Money{Amount: subfive.Micros(n[0]), Currency: currency}, Conversions: int(n[1])}
		if n[3] > 0 {
			s.Usual = &subfive.Money{Amount: subfive.Micros(n[2] / n[3]), Currency: currency}
		}
		all = append(all, s)
		return nil
	})
	return all, err
}

// whole reads a sum of whole numbers: PostgreSQL has a wider kind for them.
func whole(v any) (int64, error) {
	if n, ok := v.(int64); ok {
		return n, nil
	}
	n, ok := new(big.Int).SetString(fmt.Sprintf("%s", v), 10)
	if !ok || !n.IsInt64() {
		return 0, fmt.Errorf("%v is no whole number", v)
	}
	return n.Int64(), nil
}
