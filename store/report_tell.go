package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"subfive"
)

// named is an ID of a platform's and where its name is found.
type named struct {
	column string // in costs
	path   []string
}

// namedBy returns where a dimension's names are found; nil: it has none.
func namedBy(dimension string) *named {
	switch dimension {
	case "platform_campaign_id":
		return &named{"platform_campaign_name", []string{"ad", "campaign_name"}}
	case "adset_id":
		return &named{"adset_name", []string{"ad", "set_name"}}
	case "ad_id":
		return &named{"ad_name", []string{"ad", "name"}}
	}
	return nil
}

// namingClicks is how many of the latest clicks are asked for names that no
// import of costs brought.
const namingClicks = 2000

// nameRows adds the platforms' names to rows: the latest that costs were
// imported with, else those of the latest clicks.
func (s *Store) nameRows(ctx context.Context, p *reportPlan, rows []ReportRow) error {
	for _, d := range p.by {
		n := namedBy(d.Name)
		if n == nil {
			continue
		}
		var ids []string
		for _, r := range rows {
			ids = append(ids, r.Key[d.Name])
		}
		names, err := s.names(ctx, p, d, *n, unique(ids))
		if err != nil {
			return err
		}
		for i, r := range rows {
			if name := names[r.Key[d.Name]]; name != "" {
				rows[i].Names[d.Name] = name
			}
		}
	}
	return nil
}

func (s *Store) names(ctx context.Context, p *reportPlan, d ReportDimension, n named, ids []string) (names map[string]string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		names = map[string]string{}
		add := func(r *sql.Rows) error {
			var id, name string
			err := r.Scan(&id, &name)
			names[id] = name
			return err
		}
		first, last := p.pieces[0].stamped, p.pieces[len(p.pieces)-1].stamped
		if err := t.queryIn(ctx, "names of "+d.Name, []any{first, last}, ids, func(in []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select(d.Name, n.column).From("costs").Where(b.GE("cost_day", ""), b.LE("cost_day", ""), b.In(d.Name, in...), n.column+" <> ''").OrderBy("cost_day")
			return text(b)
		}, add); err != nil {
			return err
		}
		if !slices.ContainsFunc(ids, func(id string) bool { return names[id] == "" }) {
			return nil
		}
		known := names
		names = map[string]string{}
		err := t.query(ctx, "names of latest clicks by "+d.Name, func() string {
			id, name := d.click(s), s.jsonText("k.doc", n.path...)
			from := "SELECT k.doc FROM clicks k WHERE k.clicked_at >= %s AND k.clicked_at < %s ORDER BY k.clicked_at DESC LIMIT " + fmt.Sprint(namingClicks)
			marks := []any{"?", "?"}
			if s.dialect == dialectPostgres {
				marks = []any{"$1", "$2"}
			}
			return "SELECT DISTINCT CAST(" + id + " AS TEXT), CAST(" + name + " AS TEXT) FROM (" + fmt.Sprintf(from, marks...) + ") k WHERE coalesce(" + id + ", '') <> '' AND coalesce(" + name + ", '') <> ''"
		}, []any{p.q.Since.UnixMilli(), p.q.Until.UnixMilli()}, add)
		for id, name := range known {
			names[id] = name
		}
		return err
	})
	return names, wrap("name what platforms know", err)
}

// warnOf says what is missing in the numbers.
func (s *Store) warnOf(ctx context.Context, p *reportPlan, totals reportSums, out *Report) error {
	warn := func(kind, what, do string) { out.Warnings = append(out.Warnings, ReportWarning{kind, what, do}) }
	if totals[sumRevenueMissing]+totals[sumCostMissing] > 0 {
		which, err := s.unrated(ctx, p)
		if err != nil {
			return err
		}
		warn("rate_missing", "a rate of exchange is missing"+which+", and with it the amounts of those rows", "add it with subfive rates, or wait for the daily ones; see /api/v1/rates")
	}
	if n := totals[sumUncosted]; n > 0 && p.from == fromDays {
		which, err := s.uncosted(ctx, p)
		if err != nil {
			return err
		}
		warn("cost_missing", fmt.Sprintf("the cost of %d clicks is not known%s: without it there is no profit", n, which), "import it with subfive import costs, or end the span before")
	}
	if n := totals[sumUnallocated]; n != 0 {
		warn("unallocated", subfive.Micros(n).String()+" "+out.Currency+" was spent on ads of which no click reached us; it is on the rows without a campaign", "look whether their links lead here")
	}
	stamped, err := s.setting(ctx, zoneSetting)
	if err != nil {
		return err
	}
	if stamped != "" && stamped != s.zone.String() {
		warn("zone_changed", "days were stamped in "+stamped+", and reports are in "+s.zone.String(), "run subfive rebuild days")
	}
	return nil
}

// unrated names the currencies that lack a rate.
func (s *Store) unrated(ctx context.Context, p *reportPlan) (string, error) {
	x := &reportText{s: s, p: p}
	missing := x.noRate("r.revenue_pending_micros = 0 AND r.revenue_approved_micros = 0 AND r.revenue_rejected_micros = 0 AND r.click_cost_micros = 0 AND r.cost_micros = 0 AND r.platform_value_micros = 0", "r.day", "r.currency")
	found, err := s.daysThat(ctx, p, "r.currency", "days r", missing+" = 1")
	return found, wrap("find missing rates", err)
}

// uncosted names the sources and days whose cost is not known.
func (s *Store) uncosted(ctx context.Context, p *reportPlan) (string, error) {
	found, err := s.daysThat(ctx, p, "r.source_id", "days r LEFT JOIN cost_days c ON c.cost_day = r.day AND c.source_id = r.source_id",
		"c.source_id IS NULL AND r.source_id <> '' AND r.clicks > 0 AND r.click_cost_micros = 0")
	return found, wrap("find missing costs", err)
}

// daysThat lists what is so and on which days: " of EUR on 2026-05-04".
func (s *Store) daysThat(ctx context.Context, p *reportPlan, what, from, condition string) (list string, err error) {
	var found []string
	first, last := p.pieces[0].stamped, p.pieces[len(p.pieces)-1].stamped
	err = s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		text := "SELECT " + what + ", min(r.day), max(r.day), count(DISTINCT r.day) FROM " + from + " WHERE r.day >= '" + first + "' AND r.day <= '" + last + "' AND " +
			condition + " GROUP BY " + what + " ORDER BY " + what
		return t.ask(ctx, statementTimeout, text, nil, func(_ []string, v []any) error {
			on := fmt.Sprintf("%v on %v", v[0], v[1])
			if v[1] != v[2] {
				on = fmt.Sprintf("%v on %v days from %v to %v", v[0], v[3], v[1], v[2])
			}
			found = append(found, on)
			return nil
		})
	})
	if len(found) == 0 {
		return "", err
	}
	const most = 5
	more := ""
	if len(found) > most {
		more = fmt.Sprintf(" and %d more", len(found)-most)
		found = found[:most]
	}
	return " of " + strings.Join(found, ", ") + more, err
}
