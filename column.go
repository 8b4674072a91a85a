package subfive

// ColumnKind says what a view's column holds.
type ColumnKind string

// The kinds of column.
const (
	ColumnText    ColumnKind = "text"
	ColumnWhole   ColumnKind = "whole"   // a whole number; 0 or 1 for no or yes
	ColumnDecimal ColumnKind = "decimal" // an amount, six digits after the point, exact
	ColumnRatio   ColumnKind = "ratio"   // one number divided by another, not exact
	ColumnTime    ColumnKind = "time"    // a moment in UTC, in milliseconds
)

// Column is one of a view's columns. A row's value in it is nil for none, or of
// the kind's Go type: string, int64, Micros, float64, or time.Time.
type Column struct {
	Name string
	Kind ColumnKind
}
