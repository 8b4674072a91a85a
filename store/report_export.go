package store

import (
	"context"

	"subfive"
)

// ReportCount returns how many rows a report has.
func (s *Store) ReportCount(ctx context.Context, q ReportQuery) (int64, error) {
	p, err := s.planReport(ctx, q)
	if err != nil {
		return 0, err
	}
	if p.long() {
		return 0, ErrLongReport
	}
	if len(p.by) == 0 {
		return 1, nil
	}
	limit := p.q.Limit
	p.q.Limit = 1
	_, count, err := s.groups(ctx, p, p.by, nil, true)
	if limit > 0 {
		count = min(count, int64(limit))
	}
	return count, wrap("count a report's rows", err)
}

// ReportExport calls head with the columns of a report and row for each of its
// rows, as it shows them: IDs, their names where they are known, and metrics.
func (s *Store) ReportExport(ctx context.Context, q ReportQuery, head func([]subfive.Column) error, row func([]any) error) error {
	p, err := s.planReport(ctx, q)
	if err != nil {
		return err
	}
	if p.long() {
		return ErrLongReport
	}
	groups, _, err := s.groups(ctx, p, p.by, nil, true)
	if err != nil {
		return wrap("export a report", err)
	}
	rows := make([]ReportRow, len(groups))
	for i, g := range groups {
		rows[i] = ReportRow{Key: map[string]string{}, Names: map[string]string{}}
		for j, d := range p.by {
			rows[i].Key[d.Name] = g.key[j]
		}
	}
	if err := s.nameRows(ctx, p, rows); err != nil {
		return wrap("export a report", err)
	}
	if err := head(p.columns()); err != nil {
		return err
	}
	for i, g := range groups {
		if err := row(p.cells(rows[i], g.sums)); err != nil {
			return err
		}
	}
	return nil
}

// columns are those of an exported report.
func (p *reportPlan) columns() []subfive.Column {
	var columns []subfive.Column
	for _, d := range p.by {
		columns = append(columns, subfive.Column{Name: d.Name, Kind: subfive.ColumnText})
		if n := namedBy(d.Name); n != nil {
			columns = append(columns, subfive.Column{Name: n.column, Kind: subfive.ColumnText})
		}
	}
	for _, m := range p.metrics {
		columns = append(columns, subfive.Column{Name: m.Name, Kind: m.Kind})
	}
	return columns
}

func (p *reportPlan) cells(row ReportRow, of reportSums) []any {
	var cells []any
	for _, d := range p.by {
		cells = append(cells, row.Key[d.Name])
		if namedBy(d.Name) != nil {
			cells = append(cells, row.Names[d.Name])
		}
	}
	for _, m := range p.metrics {
		if p.lacks(m) {
			cells = append(cells, nil)
			continue
		}
		cells = append(cells, m.value(of))
	}
	return cells
}
