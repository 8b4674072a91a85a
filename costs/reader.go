package costs

import (
	"strings"
	"time"

	"subfive"
)

// Reader reads the rows of one table. First Learn looks at all of them, as one
// number alone may mean two; then Cost reads them.
type Reader struct {
	Columns []Column
	Dates   Dates
	// Decimal is what a person says of the mark before the decimals, else what was
	// learned.
	Decimal Decimal
	// Now is when the table is read: no day of it can be much later.
	Now time.Time

	// What was learned. rounded are IDs whose last digits a spreadsheet may have
	// taken; exact: others have theirs.
	point, comma, exact bool
	rounded             map[string]bool
}

// Learn looks at a row for the mark before its decimals, and for IDs that a
// spreadsheet has rounded.
func (r *Reader) Learn(row Row) {
	if r.IsTotal(row.Cells) {
		return
	}
	for i, c := range r.Columns {
		var d Decimal
		switch c.Field {
		case FieldSpend, FieldValue, FieldConversions:
			d = marks(row.Cells[i], false)
		case FieldImpressions, FieldClicks:
			d = marks(row.Cells[i], true)
		case FieldCampaign, FieldSet, FieldAd:
			r.learnID(unquoted(row.Cells[i]))
		case FieldNone, FieldDay, FieldEnd, FieldAccount, FieldCampaignName, FieldSetName, FieldAdName, FieldCurrency:
		}
		r.point = r.point || d == DecimalPoint
		r.comma = r.comma || d == DecimalComma
	}
}

// A spreadsheet keeps 15 digits of a number and makes the others zeros. That of
// three IDs all end so is no accident.
const (
	keptDigits = 15
	tooMany    = 3
)

func (r *Reader) learnID(id string) {
	switch {
	case len(id) <= keptDigits+1 || !isDigits(id):
	case strings.Trim(id[keptDigits:], "0") != "":
		r.exact = true
	case len(r.rounded) < tooMany:
		if r.rounded == nil {
			r.rounded = map[string]bool{}
		}
		r.rounded[id] = true
	}
}

// Learned takes over what was learned, unless a person has said it. Where the
// numbers disagree it is ErrMixed, and ErrRounded where a spreadsheet has spoilt
// the IDs.
func (r *Reader) Learned() error {
	switch {
	case !r.exact && len(r.rounded) == tooMany:
		return ErrRounded
	case r.Decimal != DecimalUnknown:
	case r.point && r.comma:
		return ErrMixed
	case r.point:
		r.Decimal = DecimalPoint
	case r.comma:
		r.Decimal = DecimalComma
	}
	return nil
}

// IsTotal reports whether cells are no row but what the platform adds up: Total:
// Account, Total of 12 results, or a line that names no ad and no single day.
func (r *Reader) IsTotal(cells []string) bool {
	for _, cell := range cells {
		if !isNone(cell) {
			first := strings.ToLower(strings.TrimSpace(cell))
			if first == "total" || first == "totals" || strings.HasPrefix(first, "total:") || strings.HasPrefix(first, "total of ") || strings.HasPrefix(first, "grand total") {
				return true
			}
			break
		}
	}
	if len(cells) != len(r.Columns) {
		return false
	}
	day, end := "", ""
	for i, c := range r.Columns {
		switch c.Field {
		case FieldDay:
			day = cells[i]
		case FieldEnd:
			end = cells[i]
		case FieldCampaign, FieldCampaignName, FieldSet, FieldSetName, FieldAd, FieldAdName:
			if !isNone(cells[i]) && !strings.EqualFold(strings.TrimSpace(cells[i]), "all") {
				return false
			}
		case FieldNone, FieldAccount, FieldSpend, FieldCurrency, FieldImpressions, FieldClicks, FieldConversions, FieldValue:
		}
	}
	// Meta's has the span of the whole report where a row has its day.
	return isNone(day) || strings.EqualFold(strings.TrimSpace(day), "all") || !isNone(end) && end != day
}

// Cost reads a row that is no total. An error is a *subfive.Rejection; the cost then has
// its day if that could be read.
func (r *Reader) Cost(row Row) (c Cost, err error) {
	for _, f := range Fields() { // the day comes first
		for i, column := range r.Columns {
			if column.Field != f {
				continue
			}
			if err := r.set(&c, column, row.Cells[i]); err != nil {
				return c, &subfive.Rejection{Line: row.Line, Column: column.Header, Value: subfive.Clip(row.Cells[i]), Reason: err.Error()}
			}
		}
	}
	return c, r.whole(c, row)
}

func (r *Reader) set(c *Cost, column Column, cell string) (err error) {
	switch column.Field {
	case FieldDay:
		// The account's day may have begun where ours has not.
		c.Day, err = readDay(cell, r.Dates, r.Now.Add(24*time.Hour))
	case FieldEnd:
		err = r.sameDay(c.Day, cell)
	case FieldAccount:
		c.AccountID, err = readID(cell)
		c.AccountID = AccountID(c.AccountID)
	case FieldCampaign:
		c.Ad.CampaignID, err = readID(cell)
	case FieldSet:
		c.Ad.SetID, err = readID(cell)
	case FieldAd:
		c.Ad.ID, err = readID(cell)
	case FieldCampaignName:
		c.Ad.CampaignName = strings.TrimSpace(cell)
	case FieldSetName:
		c.Ad.SetName = strings.TrimSpace(cell)
	case FieldAdName:
		c.Ad.Name = strings.TrimSpace(cell)
	case FieldSpend:
		c.Spend.Currency = column.Currency
		if !isNone(cell) {
			c.Spend.Amount, err = readNumber(cell, r.Decimal)
		}
	case FieldCurrency:
		if !isNone(cell) {
			err = c.setCurrency(cell)
		}
	case FieldImpressions:
		c.Impressions, err = readCount(cell, r.Decimal, false)
	case FieldClicks:
		c.Clicks, err = readCount(cell, r.Decimal, false)
	case FieldConversions:
		c.Conversions, err = readCount(cell, r.Decimal, true)
	case FieldValue:
		if !isNone(cell) {
			c.Value, err = readNumber(cell, r.Decimal)
		}
	case FieldNone:
	}
	return err
}

func (r *Reader) sameDay(day, cell string) error {
	if isNone(cell) {
		return nil
	}
	end, err := readDay(cell, r.Dates, r.Now.Add(24*time.Hour))
	if err == nil && end != day {
		err = errSpan
	}
	return err
}

func (c *Cost) setCurrency(cell string) error {
	code, ok := subfive.Currency(cell)
	switch {
	case !ok:
		return errCurrency
	case c.Spend.Currency != "" && c.Spend.Currency != code:
		return errTwoCurrencies
	}
	c.Spend.Currency = code
	return nil
}

// whole holds together what a row says.
func (r *Reader) whole(c Cost, row Row) error {
	for i, column := range r.Columns {
		if column.Field == FieldSpend && isNone(row.Cells[i]) && (c.Impressions > 0 || c.Clicks > 0) {
			return &subfive.Rejection{Line: row.Line, Column: column.Header, Value: subfive.Clip(row.Cells[i]), Reason: "it is empty though the ad was shown"}
		}
	}
	finest := ""
	switch level, _ := LevelOf(r.Columns); level {
	case ByAd:
		finest = c.Ad.ID
	case BySet:
		finest = c.Ad.SetID
	case ByCampaign:
		finest = c.Ad.CampaignID
	case ByAccount:
		return nil
	}
	if finest == "" && c.Ad.CampaignID+c.Ad.SetID == "" && c.Spend.Amount != 0 {
		return &subfive.Rejection{Line: row.Line, Reason: "it names neither ad, ad set nor campaign by ID; if it is a sum, delete the line"}
	}
	return nil
}
