package export

import (
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"subfive"
)

const (
	// groupRows bounds a row group, which the writer keeps in memory.
	groupRows = 10_000
	// pageBytes is what a column gathers before it is compressed.
	pageBytes = 32 << 10
	// dictionaryBytes bounds what is kept of a column's different values before
	// they are written plainly.
	dictionaryBytes = 64 << 10

	decimalDigits = 38 // DuckDB's and most warehouses' widest
	decimalScale  = 6
	decimalBytes  = 16
)

// Parquet writes an Apache Parquet file, compressed with Zstandard. Each column
// may be NULL. Texts are STRING, whole numbers INT64, decimals DECIMAL(38, 6),
// ratios DOUBLE and moments TIMESTAMP in milliseconds, adjusted to UTC:
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
type Parquet struct {
	w       *parquet.GenericWriter[any]
	columns []subfive.Column
	row     parquet.Row
}

// NewParquet begins a file. creator is the program's version, which the file
// names as its writer.
func NewParquet(w io.Writer, columns []subfive.Column, creator string) *Parquet {
	root := ordered{Group: parquet.Group{}}
	for _, c := range columns {
		root.Group[c.Name] = parquet.Compressed(parquet.Optional(leaf(c.Kind)), &parquet.Zstd)
		root.names = append(root.names, c.Name)
	}
	return &Parquet{
		columns: columns,
		w: parquet.NewGenericWriter[any](w, parquet.NewSchema("subfive", root), parquet.MaxRowsPerRowGroup(groupRows),
			parquet.PageBufferSize(pageBytes), parquet.DictionaryMaxBytes(dictionaryBytes),
			parquet.CreatedBy("subfive", creator, "")),
	}
}

// Row writes one row, a value for each column. Bytes that are no UTF-8 are
// replaced: the format's texts have none.
func (p *Parquet) Row(values []any) error {
	if err := size(p.columns, values); err != nil {
		return err
	}
	p.row = p.row[:0]
	for i, v := range values {
		cell, err := parquetCell(p.columns[i], v)
		if err != nil {
			return err
		}
		defined := 1
		if v == nil {
			defined = 0
		}
		p.row = append(p.row, cell.Level(0, defined, i))
	}
	_, err := p.w.WriteRows([]parquet.Row{p.row})
	return err
}

// Close writes what is left and the file's footer, without which nobody can read
// it; w stays open.
func (p *Parquet) Close() error { return p.w.Close() }

func leaf(k subfive.ColumnKind) parquet.Node {
	switch k {
	case subfive.ColumnText:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case subfive.ColumnWhole:
		return parquet.Int(64)
	case subfive.ColumnDecimal:
		return parquet.Decimal(decimalScale, decimalDigits, parquet.FixedLenByteArrayType(decimalBytes))
	case subfive.ColumnRatio:
		return parquet.Leaf(parquet.DoubleType)
	case subfive.ColumnTime:
		return parquet.Timestamp(parquet.Millisecond)
	}
	return parquet.String()
}

func parquetCell(c subfive.Column, v any) (parquet.Value, error) {
	if v == nil {
		return parquet.NullValue(), nil
	}
	switch c.Kind {
	case subfive.ColumnText:
		if s, ok := v.(string); ok {
			return parquet.ByteArrayValue([]byte(strings.ToValidUTF8(s, "\uFFFD"))), nil
		}
	case subfive.ColumnWhole:
		if n, ok := v.(int64); ok {
			return parquet.Int64Value(n), nil
		}
	case subfive.ColumnDecimal:
		if m, ok := v.(subfive.Micros); ok {
			return parquet.FixedLenByteArrayValue(wide(m)), nil
		}
	case subfive.ColumnRatio:
		if f, ok := v.(float64); ok {
			return parquet.DoubleValue(f), nil
		}
	case subfive.ColumnTime:
		if t, ok := v.(time.Time); ok {
			return parquet.Int64Value(t.UnixMilli()), nil
		}
	}
	return parquet.Value{}, wrong(c, v)
}

// wide is an amount's unscaled number as the format has it: two's complement, the
// most significant byte first.
func wide(m subfive.Micros) []byte {
	b := make([]byte, decimalBytes)
	binary.BigEndian.PutUint64(b, uint64(int64(m)>>63))
	binary.BigEndian.PutUint64(b[8:], uint64(m))
	return b
}

// ordered is a group whose columns stay in the given order; the library's own
// sorts them by name.
type ordered struct {
	parquet.Group
	names []string
}

// Fields returns the columns in their order.
func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(o.names))
	for i, name := range o.names {
		fields[i] = byName[name]
	}
	return fields
}
