package costs

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"subfive"
)

// Field is what a column holds, in our words.
type Field string

// The fields. FieldEnd is the last day of a row that may span several.
const (
	FieldNone         Field = "ignore"
	FieldDay          Field = "day"
	FieldEnd          Field = "end_day"
	FieldAccount      Field = "ad_account_id"
	FieldCampaign     Field = "platform_campaign_id"
	FieldCampaignName Field = "platform_campaign_name"
	FieldSet          Field = "adset_id"
	FieldSetName      Field = "adset_name"
	FieldAd           Field = "ad_id"
	FieldAdName       Field = "ad_name"
	FieldSpend        Field = "spend"
	FieldCurrency     Field = "currency"
	FieldImpressions  Field = "impressions"
	FieldClicks       Field = "platform_clicks"
	FieldConversions  Field = "platform_conversions"
	FieldValue        Field = "platform_value"
)

// Fields lists what a column may be taken for.
func Fields() []Field {
	return []Field{
		FieldDay, FieldEnd, FieldAccount, FieldCampaign, FieldCampaignName, FieldSet, FieldSetName, FieldAd, FieldAdName,
		FieldSpend, FieldCurrency, FieldImpressions, FieldClicks, FieldConversions, FieldValue, FieldNone,
	}
}

// names lists the headers of a field as a platform writes them, folded, the best
// first: a table may have several.
//
// Meta's, Google's and TikTok's are those of exports that people published beside
// the programs that read them. No page that we could read lists Reddit's, nor
// TikTok's and Reddit's columns of value: they are built from the metrics' names
// in the platforms' help. Where one is called otherwise, a person says what it is.
func (p Platform) names(f Field) []string {
	own := map[Platform]map[Field][]string{
		Meta: {
			FieldDay:         {"day", "reportingstarts", "reportingstart", "date"},
			FieldEnd:         {"reportingends", "reportingend"},
			FieldSpend:       {"amountspent", "spend"},
			FieldClicks:      {"linkclicks", "outboundclicks", "clicksall", "clicks"},
			FieldConversions: {"purchases", "websitepurchases", "results", "leads", "conversions"},
			FieldValue: {
				"purchasesconversionvalue", "purchaseconversionvalue", "websitepurchasesconversionvalue", "purchasevalue", "conversionvalue", "resultsvalue",
			},
		},
		TikTok: {
			FieldDay:         {"byday", "day", "date", "stattimeday"},
			FieldAccount:     {"accountid", "advertiserid", "adaccountid"},
			FieldSpend:       {"cost", "spend", "totalcost", "amountspent"},
			FieldClicks:      {"clicksdestination", "clickdestination", "clicks", "clicksall"},
			FieldConversions: {"conversions", "totalconversions", "conversion", "results", "result", "completepayment"},
			FieldValue:       {"totalcompletepaymentvalue", "totalpurchasevalue", "totalconversionvalue", "purchasevalue", "conversionvalue"},
		},
		Google: {
			FieldDay:          {"day", "date"},
			FieldAccount:      {"customerid", "accountid"},
			FieldCampaignName: {"campaign", "campaignname"},
			FieldSetName:      {"adgroup", "adgroupname"},
			FieldSpend:        {"cost"},
			FieldCurrency:     {"currencycode", "currency"},
			FieldImpressions:  {"impr", "impressions"},
			FieldClicks:       {"clicks", "interactions"},
			FieldConversions:  {"conversions", "allconv"},
			FieldValue:        {"convvalue", "conversionvalue", "totalconvvalue", "allconvvalue"},
		},
		Reddit: {
			FieldDay:         {"date", "day"},
			FieldSpend:       {"amountspent", "spend", "cost"},
			FieldClicks:      {"clicks"},
			FieldConversions: {"purchases", "purchase", "totalpurchases", "conversions", "totalconversions", "results"},
			FieldValue:       {"purchasetotalvalue", "purchasesvalue", "purchasevalue", "totalvalue", "conversionvalue"},
		},
	}[p][f]
	if own != nil {
		return own
	}
	return map[Field][]string{
		FieldDay:          {"day", "date", "costday"},
		FieldEnd:          {"endday"},
		FieldAccount:      {"accountid", "adaccountid"},
		FieldCampaign:     {"campaignid", "platformcampaignid"},
		FieldCampaignName: {"campaignname", "platformcampaignname", "campaign"},
		FieldSet:          {"adsetid", "adgroupid"},
		FieldSetName:      {"adsetname", "adgroupname", "adset", "adgroup"},
		FieldAd:           {"adid"},
		FieldAdName:       {"adname", "ad"},
		FieldSpend:        {"spend", "cost", "amountspent"},
		FieldCurrency:     {"currency", "currencycode"},
		FieldImpressions:  {"impressions", "impr"},
		FieldClicks:       {"platformclicks", "linkclicks", "clicks"},
		FieldConversions:  {"platformconversions", "conversions", "results"},
		FieldValue:        {"platformvalue", "conversionvalue", "value"},
	}[f]
}

// fold makes headers comparable: letters and digits alone, in lower case.
func fold(header string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, header)
}

// Column is a column of a table and what it is taken for.
type Column struct {
	Header string
	Field  Field
	// Currency is what the header says the amounts are in: "Amount spent (USD)".
	Currency string
	// Given: a person says what it is.
	Given bool
}

// Words say what the column is taken for.
func (c Column) Words() string {
	s := c.Header + ": " + string(c.Field)
	if c.Currency != "" && (c.Field == FieldSpend || c.Field == FieldValue) {
		s += " in " + c.Currency
	}
	if c.Given {
		s += " (as you say)"
	}
	return s
}

// plain returns a header without the currency behind it, folded, and the
// currency. "Clicks (all)" keeps its word.
func plain(header string) (folded, currency string) {
	header = strings.TrimSpace(header)
	if cut, ok := strings.CutSuffix(header, ")"); ok {
		if i := strings.LastIndexByte(cut, '('); i > 0 {
			if code, ok := subfive.Currency(cut[i+1:]); ok && code == cut[i+1:] {
				return fold(cut[:i]), code
			}
		}
	}
	return fold(header), ""
}

// IsHeader reports whether a line's cells name the columns of a platform's
// table: the lines above it, a title and a span of days, do not.
func (p Platform) IsHeader(cells []string, given map[string]Field) bool {
	columns, err := p.Columns(cells, given)
	return err == nil && len(columns) > 1
}

// Columns says what each column of a header is taken for. given says it for a
// header, in any case, and goes before what we would take it for. Of several
// columns for the same field the best one is taken and the others are left out.
func (p Platform) Columns(header []string, given map[string]Field) ([]Column, error) {
	if err := checkGiven(header, given); err != nil {
		return nil, err
	}
	all := make([]Column, len(header))
	names := make([]string, len(header))
	taken := map[Field]bool{}
	for i, h := range header {
		all[i] = Column{Header: h, Field: FieldNone}
		names[i], all[i].Currency = plain(h)
		for as, f := range given {
			if fold(as) == fold(h) {
				all[i].Field, all[i].Given = f, true
				taken[f] = true
			}
		}
	}
	for _, f := range Fields() {
		if taken[f] || f == FieldNone {
			continue
		}
		for _, name := range p.names(f) {
			i := slices.Index(names, name)
			if i >= 0 && all[i].Field == FieldNone && !all[i].Given {
				all[i].Field = f
				break
			}
		}
	}
	for _, f := range []Field{FieldDay, FieldSpend} {
		if !has(all, f) {
			return nil, fmt.Errorf("no column is known to be %s; %s, or say which it is: --map COLUMN=%s (columns: %s)",
				f, lacking(f), f, strings.Join(header, ", "))
		}
	}
	return all, nil
}

func lacking(f Field) string {
	if f == FieldDay {
		return "export with a breakdown by day"
	}
	return "export with the amount spent"
}

func has(all []Column, f Field) bool {
	return slices.ContainsFunc(all, func(c Column) bool { return c.Field == f })
}

// checkGiven holds what a person says about columns to what there is.
func checkGiven(header []string, given map[string]Field) error {
	saying := map[Field]string{}
	for h, f := range given {
		if !slices.ContainsFunc(header, func(is string) bool { return fold(is) == fold(h) }) {
			return fmt.Errorf("there is no column %q; there are: %s", h, strings.Join(header, ", "))
		}
		if !slices.Contains(Fields(), f) {
			var words []string
			for _, known := range Fields() {
				words = append(words, string(known))
			}
			return fmt.Errorf("column %q can't be taken for %q: a table of costs has %s", h, f, strings.Join(words, ", "))
		}
		if other, twice := saying[f]; twice && f != FieldNone {
			return fmt.Errorf("columns %q and %q can't both be taken for %s", min(h, other), max(h, other), f)
		}
		saying[f] = h
	}
	return nil
}

// Level is the finest thing whose costs a table tells apart.
type Level string

// The levels.
const (
	ByAd       Level = "ad"
	BySet      Level = "ad set"
	ByCampaign Level = "campaign"
	ByAccount  Level = "account"
)

// LevelOf says how fine a table is, and which names it has without the IDs that
// would make it finer.
func LevelOf(columns []Column) (level Level, nameless string) {
	for _, l := range []struct {
		id, name Field
		level    Level
	}{{FieldAd, FieldAdName, ByAd}, {FieldSet, FieldSetName, BySet}, {FieldCampaign, FieldCampaignName, ByCampaign}} {
		if has(columns, l.id) {
			return l.level, nameless
		}
		if has(columns, l.name) && nameless == "" {
			nameless = string(l.level)
		}
	}
	return ByAccount, nameless
}
