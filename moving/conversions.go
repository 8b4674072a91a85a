package moving

import (
	"errors"
	"strings"

	"subfive"
)

// ConversionReader makes postbacks of rows.
type ConversionReader struct {
	Options
	Columns  []Column
	Endpoint subfive.Endpoint
	// Forward: whoever it is owed to is told. Else nobody is: the other tracker
	// has told them.
	Forward bool
}

// Postback returns a row as a postback of the endpoint. Its ID is always the same
// for the same values, so that a row imported twice is one. An error is a
// *subfive.Rejection.
func (r ConversionReader) Postback(row Row) (subfive.Postback, error) {
	c := &cells{row: row, columns: r.Columns}
	p := subfive.Postback{
		ReceivedAt: r.Now, NetworkID: r.Endpoint.Network, EndpointID: r.Endpoint.ID, Via: subfive.ViaImport,
		Reading: subfive.ReadingForeign, ClickIDRaw: c.get(FieldClickID), StatusWord: c.text(FieldStatus), PayoutRaw: c.text(FieldPayout),
	}
	if r.Forward {
		p.Via = subfive.ViaImportForward
	}
	p.ClickID, _ = read(c, FieldClickID, readID)
	p.TransactionID, _ = read(c, FieldTransaction, readID)
	p.NetworkConversionID, _ = read(c, FieldConversionID, readID)
	p.OrderID, _ = read(c, FieldOrderID, readID)
	p.NetworkOfferID, _ = read(c, FieldOfferID, readID)
	if _, ours := subfive.ParseClickID(p.ClickID); ours {
		p.Reading = subfive.ReadingOK
	}
	if p.ClickID == "" {
		p.Reading = subfive.ReadingEmptyClickID
		if p.TransactionID == "" {
			c.reject(FieldClickID, errors.New("there is neither a click ID nor a transaction ID: nothing to find it by"))
		}
	}
	p.NetworkAt, _ = read(c, FieldTime, r.readTime)
	if p.NetworkAt.IsZero() {
		c.reject(FieldTime, errors.New("there is no time"))
	}
	p.Status = subfive.StatusOf(p.StatusWord)
	p.GoalName = goal(c.text(FieldGoal))
	if amount, ok := read(c, FieldPayout, readAmount); ok {
		p.Payout = &amount
	}
	if amount, ok := read(c, FieldSaleAmount, readAmount); ok {
		p.SaleAmount = &amount
	}
	p.Currency, _ = read(c, FieldCurrency, currency)
	if c.err != nil {
		return subfive.Postback{}, c.err
	}
	for i, col := range r.Columns {
		if col.Field != FieldNone && row.Cells[i] != "" {
			p.Request.Params = append(p.Request.Params, subfive.Param{Name: string(col.Field), Value: row.Cells[i]})
		}
	}
	p.ID = postbackID(p)
	return p, nil
}

// postbackID is a hash of what the row says.
func postbackID(p subfive.Postback) string {
	amount := func(m *subfive.Micros) string {
		if m == nil {
			return ""
		}
		return m.String()
	}
	return subfive.DeriveID(subfive.PrefixPostback, "import", p.NetworkID, p.EndpointID, p.ClickID, p.TransactionID, p.NetworkConversionID,
		p.OrderID, p.GoalName, string(p.Status), amount(p.Payout), amount(p.SaleAmount), p.NetworkAt.Format("20060102150405.000"))
}

// goal returns the goal that a tracker's conversion type names; words that only
// say "a conversion" name none.
func goal(word string) string {
	switch fold(word) {
	case "", "conversion", "default":
		return ""
	case subfive.GoalBase, "0":
		return subfive.GoalBase
	}
	return word
}

func currency(s string) (string, error) {
	if code, ok := subfive.Currency(s); ok {
		return code, nil
	}
	return "", errors.New("it is no currency; write its three letters, such as USD")
}

// Words returns a column's header with what it is taken for, for people.
func (c Column) Words() string {
	switch {
	case c.Field == FieldNone && c.Why != "":
		return c.Header + ": left out, " + c.Why
	case c.Why != "":
		return c.Header + ": " + string(c.Field) + " (" + c.Why + ")"
	}
	return strings.TrimSpace(c.Header) + ": " + string(c.Field)
}
