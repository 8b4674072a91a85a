package costs

import (
	"bufio"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Rate is what one unit of a currency was worth in the reporting currency on a
// day.
type Rate struct {
	Line     int    // of the file, from 1; 0: it has no lines
	Date     string // 2006-01-02
	Currency string // ISO 4217
	Rate     string // a plain positive decimal with at most 12 digits after the point
	Form     RateForm
}

// RateForm is how a table of rates is written.
type RateForm string

// The forms. The European Central Bank gives what one euro is worth, a day a row
// or, in XML, a day an element
// (https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates):
// its rates are crossed, each divided by the one of the reporting currency. A
// plain table has date, currency and rate, what one unit is worth in the
// reporting currency.
const (
	RatesPlain  RateForm = "plain"
	RatesECB    RateForm = "ecb"
	RatesECBXML RateForm = "ecb_xml"
)

// ErrRates says that a file has no rates in a form that is known.
var ErrRates = errors.New("no table of rates: write date,currency,rate, or take the European Central Bank's eurofxref-hist.csv or XML")

// rateDigits is how many digits after the point a rate has at most.
const rateDigits = 12

// RateReader reads tables of rates.
type RateReader struct {
	Reporting string    // the currency of reports
	Dates     Dates     // of a plain table
	Now       time.Time // no rate can be much later
}

// Read calls each for the rates of a table, in the table's order, and refused for
// rows that can't be read. A day without a rate of the reporting currency itself
// has no rates.
func (r RateReader) Read(in io.Reader, each func(Rate) error, refused func(*subfive.Rejection) error) (RateForm, error) {
	text := bufio.NewReader(in)
	if head, _ := text.Peek(3); string(head) == "\ufeff" {
		_, _ = text.Discard(3) // it was peeked at
	}
	first, err := text.Peek(1)
	if err != nil {
		return "", ErrRates
	}
	as := func(form RateForm) func(Rate) error {
		return func(rate Rate) error {
			rate.Form = form
			return each(rate)
		}
	}
	if first[0] == '<' {
		return RatesECBXML, r.readXML(text, as(RatesECBXML), refused)
	}
	table := csv.NewReader(text)
	table.FieldsPerRecord, table.TrimLeadingSpace, table.ReuseRecord = -1, true, true
	header, err := table.Read()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrRates, err)
	}
	header = slices.Clone(header)
	if isECB(header) {
		return RatesECB, r.rows(table, refused, func(line int, cells []string) error { return r.ecbRow(line, header, cells, as(RatesECB)) })
	}
	at := [3]int{-1, -1, -1}
	for i, h := range header {
		switch fold(h) {
		case "date", "day", "ratedate":
			at[0] = i
		case "currency":
			at[1] = i
		case "rate":
			at[2] = i
		}
	}
	if slices.Contains(at[:], -1) {
		return "", ErrRates
	}
	return RatesPlain, r.rows(table, refused, func(line int, cells []string) error { return r.plainRow(line, header, at, cells, as(RatesPlain)) })
}

// rows reads what is below the header.
func (r RateReader) rows(table *csv.Reader, refused func(*subfive.Rejection) error, row func(line int, cells []string) error) error {
	for {
		cells, err := table.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			err = &subfive.Rejection{Line: broken.StartLine, Reason: "its quotes do not pair: " + broken.Err.Error()}
		}
		if err == nil {
			line, _ := table.FieldPos(0)
			err = row(line, cells)
		}
		var wrong *subfive.Rejection
		if errors.As(err, &wrong) {
			err = refused(wrong)
		}
		if err != nil {
			return err
		}
	}
}

// isECB reports a header of a date and currencies.
func isECB(header []string) bool {
	n := 0
	for _, h := range header[1:] {
		if strings.TrimSpace(h) == "" {
			continue // a comma ends each line
		}
		if code, ok := subfive.Currency(h); !ok || code != strings.TrimSpace(h) {
			return false
		}
		n++
	}
	return n > 0 && fold(header[0]) == "date"
}

func (r RateReader) ecbRow(line int, header, cells []string, each func(Rate) error) error {
	date, err := r.day(line, header[0], cells[0])
	if err != nil {
		return err
	}
	day := euroDay{date: date, line: line}
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if i == 0 || i >= len(header) || strings.TrimSpace(header[i]) == "" || isNone(cell) {
			continue
		}
		if err := day.add(strings.TrimSpace(header[i]), cell); err != nil {
			return err
		}
	}
	return day.cross(r.Reporting, each)
}

func (r RateReader) day(line int, column, cell string) (string, error) {
	cell = strings.TrimSpace(cell)
	if t, err := time.Parse("2 January 2006", cell); err == nil { // the daily CSV's
		cell = t.Format(time.DateOnly)
	}
	date, err := readDay(cell, r.Dates, r.Now.Add(24*time.Hour))
	if err != nil {
		return "", &subfive.Rejection{Line: line, Column: column, Value: subfive.Clip(cell), Reason: err.Error()}
	}
	return date, nil
}

func (r RateReader) plainRow(line int, header []string, at [3]int, cells []string, each func(Rate) error) error {
	if len(cells) < len(header) {
		return &subfive.Rejection{Line: line, Reason: fmt.Sprintf("it has %d cells, the header has %d", len(cells), len(header))}
	}
	for i, h := range header {
		if fold(h) == "reportingcurrency" && strings.TrimSpace(cells[i]) != r.Reporting {
			return &subfive.Rejection{Line: line, Column: h, Value: subfive.Clip(cells[i]), Reason: "reports are in " + r.Reporting}
		}
	}
	date, err := r.day(line, header[at[0]], cells[at[0]])
	if err != nil {
		return err
	}
	code, ok := subfive.Currency(cells[at[1]])
	switch {
	case !ok:
		return &subfive.Rejection{Line: line, Column: header[at[1]], Value: subfive.Clip(cells[at[1]]), Reason: errCurrency.Error()}
	case code == r.Reporting:
		return &subfive.Rejection{Line: line, Column: header[at[1]], Value: code, Reason: "it is the reporting currency itself, which is always worth 1"}
	}
	n, err := readRate(cells[at[2]])
	if err != nil {
		return &subfive.Rejection{Line: line, Column: header[at[2]], Value: subfive.Clip(cells[at[2]]), Reason: err.Error()}
	}
	return each(Rate{Line: line, Date: date, Currency: code, Rate: rateText(n)})
}

// readRate reads a plain positive decimal.
func readRate(cell string) (*big.Rat, error) {
	cell = strings.TrimSpace(cell)
	whole, part, _ := strings.Cut(cell, ".")
	if len(cell) > 40 || !isDigits(whole+part) {
		return nil, errors.New("it is no plain decimal such as 1.0842")
	}
	n, ok := new(big.Rat).SetString(cell)
	if !ok || rateText(n) == "0" {
		return nil, errors.New("a rate is more than 0")
	}
	return n, nil
}

func rateText(n *big.Rat) string {
	s := n.FloatString(rateDigits)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// euroDay is what one euro was worth on a day.
type euroDay struct {
	date  string
	line  int
	codes []string
	rates []*big.Rat
}

func (d *euroDay) add(code, rate string) error {
	n, err := readRate(rate)
	if err != nil {
		return &subfive.Rejection{Line: d.line, Column: code, Value: subfive.Clip(rate), Reason: err.Error()}
	}
	d.codes, d.rates = append(d.codes, code), append(d.rates, n)
	return nil
}

// cross gives what each currency is worth in the reporting one.
func (d *euroDay) cross(reporting string, each func(Rate) error) error {
	euro := big.NewRat(1, 1)
	if reporting != "EUR" {
		i := slices.Index(d.codes, reporting)
		if i < 0 {
			return nil
		}
		euro = d.rates[i]
		if err := each(Rate{Line: d.line, Date: d.date, Currency: "EUR", Rate: rateText(euro)}); err != nil {
			return err
		}
	}
	for i, code := range d.codes {
		if code == reporting {
			continue
		}
		if err := each(Rate{Line: d.line, Date: d.date, Currency: code, Rate: rateText(new(big.Rat).Quo(euro, d.rates[i]))}); err != nil {
			return err
		}
	}
	return nil
}

// readXML reads the bank's XML: a Cube with a time holds the day's Cubes, each
// with a currency and a rate.
func (r RateReader) readXML(in io.Reader, each func(Rate) error, refused func(*subfive.Rejection) error) error {
	d := xml.NewDecoder(in)
	var day *euroDay
	depth, days := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && days > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRates, err)
		}
		line, _ := d.InputPos()
		switch e := token.(type) {
		case xml.StartElement:
			if day != nil {
				depth++
				day.line = line
				err = day.add(attribute(e, "currency"), attribute(e, "rate"))
			} else if date := attribute(e, "time"); e.Name.Local == "Cube" && date != "" {
				days++
				if date, err = r.day(line, "time", date); err == nil {
					day, depth = &euroDay{date: date, line: line}, 0
				}
			}
		case xml.EndElement:
			if day != nil && depth == 0 {
				err = day.cross(r.Reporting, each)
				day = nil
			}
			depth = max(0, depth-1)
		}
		var wrong *subfive.Rejection
		if errors.As(err, &wrong) {
			day = nil // without all of its rates it can't be trusted
			err = refused(wrong)
		}
		if err != nil {
			return err
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
