package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// The views that a query may rely on.
const (
	rowViews = "v_clicks, v_visits, v_postbacks, v_conversions, v_conversion_changes, v_deliveries, v_attempts, v_attempt_items"
	sumViews = "v_daily, v_cohort, v_match_quality and v_touchpoints"
	views    = rowViews + ", " + sumViews
)

func newSQL(a *app) *cobra.Command {
	var csv, json bool
	c := &cobra.Command{
		Use:   `sql "SELECT …"`,
		Short: "Run a read-only query on the views",
		Long: `Runs one read-only statement, whatever it tries, on the database that serve uses, SQLite or PostgreSQL. Rely
on the views: ` + rowViews + `,
` + sumViews + `;
they keep their names and columns. Amounts are exact in the columns that end in _micros, in millionths. A table
cuts long values short: --csv and --json have them whole.`,
		Example: `  subfive sql "SELECT campaign_id, count(*) FROM v_conversions WHERE counts_conversion = 1 GROUP BY campaign_id"
  subfive sql --csv "SELECT conversion_day, sum(payout_micros) FROM v_conversions WHERE counts_revenue = 1 GROUP BY conversion_day"
  subfive sql --json "SELECT destination_id, status, reason FROM v_deliveries WHERE status = 'dead'"`,
		Args: exactly(1, `one statement, in quotes: subfive sql "SELECT …"`),
		RunE: func(c *cobra.Command, args []string) error {
			if err := atMostOne(c.Flags(), "csv", "json"); err != nil {
				return err
			}
			var w rowWriter = &tableWriter{w: a.stdout}
			switch {
			case csv:
				w = newCSVWriter(a.stdout)
			case json:
				w = &jsonWriter{w: a.stdout}
			}
			return a.with(c.Context(), func(s session) error {
				if err := s.Query(c.Context(), args[0], w.head, w.row); err != nil {
					return fmt.Errorf("%w; the views are %s", err, views)
				}
				return w.close()
			})
		},
	}
	c.Flags().BoolVar(&csv, "csv", false, "comma-separated values, exact (RFC 4180)")
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	return c
}
