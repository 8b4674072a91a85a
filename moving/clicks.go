package moving

import (
	"errors"
	"strings"

	"subfive"
)

// cells are a row's by what its columns are taken for.
type cells struct {
	row     Row
	columns []Column
	err     *subfive.Rejection
}

func (c *cells) column(f Field) int {
	for i, col := range c.columns {
		if col.Field == f {
			return i
		}
	}
	return -1
}

// get returns a cell byte for byte, "" if it is missing or says nothing.
func (c *cells) get(f Field) string {
	i := c.column(f)
	if i < 0 || missing(c.row.Cells[i]) {
		return ""
	}
	return c.row.Cells[i]
}

func (c *cells) text(f Field) string { return strings.TrimSpace(c.get(f)) }

// reject keeps the first reason for which the row is refused.
func (c *cells) reject(f Field, reason error) {
	if c.err != nil {
		return
	}
	c.err = &subfive.Rejection{Line: c.row.Line, Reason: reason.Error()}
	if i := c.column(f); i >= 0 {
		c.err.Column, c.err.Value = c.columns[i].Header, subfive.Clip(c.row.Cells[i])
	}
}

// read returns a cell as fn reads it, the zero value if it is missing.
func read[T any](c *cells, f Field, fn func(string) (T, error)) (v T, present bool) {
	s := c.get(f)
	if s == "" {
		return v, false
	}
	v, err := fn(s)
	if err != nil {
		c.reject(f, err)
		return v, false
	}
	return v, true
}

// ClickReader makes clicks of rows.
type ClickReader struct {
	Options
	Columns []Column
	// Params are the platforms' click parameters.
	Params []string
	// Place says where a row's click belongs by what the row names as its
	// campaign, "" if it names none.
	Place func(campaign string) Place
}

// Place is where a click belongs: our campaign and source of it, as far as they
// are known.
type Place struct {
	Campaign subfive.Campaign
	Source   subfive.Source
	// ExternalParam is the click parameter of the source's platform: what the
	// other tracker calls an external ID.
	ExternalParam string
}

// Click returns the click of a row. Its ID is the other tracker's, byte for
// byte: it is what postbacks bring. An error is a *subfive.Rejection.
func (r ClickReader) Click(row Row) (subfive.Click, error) {
	c := &cells{row: row, columns: r.Columns}
	click := subfive.Click{RecordKind: subfive.ClickImport}
	click.ID, _ = read(c, FieldClickID, readID)
	if click.ID == "" {
		c.reject(FieldClickID, errors.New("there is no click ID"))
	}
	click.ClickedAt, _ = read(c, FieldTime, r.readTime)
	if click.ClickedAt.IsZero() {
		c.reject(FieldTime, errors.New("there is no time"))
	}
	click.Request.ClientAddr, _ = read(c, FieldIP, readAddress)
	click.Request.UserAgent = c.text(FieldUserAgent)
	click.Referrer, _, _ = strings.Cut(c.text(FieldReferrer), "?") // its query may hold personal data
	click.Language = c.text(FieldLanguage)
	click.Visitor = subfive.Visitor{
		Country: r.country(c), Region: c.text(FieldRegion), City: c.text(FieldCity), Carrier: c.text(FieldCarrier),
		Device: device(c.text(FieldDevice)), OS: system(c.text(FieldOS)), Browser: c.text(FieldBrowser),
	}
	place := r.Place(c.text(FieldCampaign))
	click.CampaignID, click.OfferID = place.Campaign.ID, place.Campaign.Offer
	click.SourceID, click.Platform, click.AdAccountID = place.Source.ID, place.Source.Platform, place.Source.AccountID
	click.Params = r.params(c, place.ExternalParam)
	dimensions(c, &click)
	if amount, ok := read(c, FieldCost, readAmount); ok {
		click.Cost = &subfive.Money{Amount: amount, Currency: place.Source.Currency}
		if code, ok := subfive.Currency(c.text(FieldCurrency)); ok {
			click.Cost.Currency = code
		}
		if amount < 0 {
			c.reject(FieldCost, errors.New("a cost can't be negative"))
		}
	}
	if c.err != nil {
		return subfive.Click{}, c.err
	}
	return click, nil
}

// country returns a code; a word that is no country's is none.
func (r ClickReader) country(c *cells) string {
	word := c.text(FieldCountry)
	if word == "" {
		return ""
	}
	return r.Country(word)
}

// params are the platforms' click IDs byte for byte.
func (r ClickReader) params(c *cells, external string) map[string]string {
	params := map[string]string{}
	for _, p := range r.Params {
		if value := c.get(Field(p)); value != "" && !unfilled(value) {
			params[p] = value
		}
	}
	if value := c.get(FieldExternalID); external != "" && value != "" && !unfilled(value) && params[external] == "" {
		params[external] = value
	}
	if len(params) == 0 {
		return nil
	}
	return params
}

// dimensions are which ad it was, in the platform's words.
func dimensions(c *cells, click *subfive.Click) {
	get := func(f Field) string {
		if s := c.text(f); !unfilled(s) {
			return s
		}
		return ""
	}
	click.Ad = subfive.Ad{
		CampaignID: get("platform_campaign_id"), CampaignName: get("platform_campaign_name"),
		SetID: get("adset_id"), SetName: get("adset_name"), ID: get("ad_id"), Name: get("ad_name"),
		Placement: get("placement"), Keyword: get("keyword"), MatchType: get("match_type"),
	}
	for _, d := range subfive.Dimensions() {
		if value := get(Field(d)); isToken(d) && value != "" {
			if click.Tokens == nil {
				click.Tokens = map[string]string{}
			}
			click.Tokens[d] = value
		}
	}
}

// isToken reports p1 to p20.
func isToken(dimension string) bool {
	return len(dimension) <= len("p20") && strings.HasPrefix(dimension, "p")
}

// unfilled reports a macro that nobody filled in.
func unfilled(value string) bool {
	return strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") ||
		len(value) > 4 && strings.HasPrefix(value, "__") && strings.HasSuffix(value, "__")
}
