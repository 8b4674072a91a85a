// Package export writes rows of any columns as the files that analysts open:
// CSV for a spreadsheet, Parquet for DuckDB, pandas or a warehouse. Rows are
// written as they come; what is kept in memory is bounded, however many come.
//
// It does not know where rows are from, nor what they mean. Google's own CSV is
// made in forwarders/google.
package export

import (
	"fmt"

	"subfive"
)

// wrong is the error for a value that is not of its column's kind.
func wrong(c subfive.Column, v any) error {
	return fmt.Errorf("column %s: %T is no %s", c.Name, v, c.Kind)
}

// size is the error for a row with too few or too many values.
func size(columns []subfive.Column, values []any) error {
	if len(values) != len(columns) {
		return fmt.Errorf("a row of %d values for %d columns", len(values), len(columns))
	}
	return nil
}
