package moving

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"subfive"
)

// Field is what a column holds, in our words: one of the constants, a dimension
// of subfive.Dimensions, or a platform's click parameter.
type Field string

// The fields. Which of them a table may have hangs on its Kind.
const (
	FieldNone       Field = "ignore"
	FieldClickID    Field = "click_id"
	FieldTime       Field = "time"
	FieldExternalID Field = "external_id" // the platform's click ID, whatever the platform
	FieldCampaign   Field = "campaign"
	FieldIP         Field = "ip"
	FieldUserAgent  Field = "user_agent"
	FieldReferrer   Field = "referrer"
	FieldLanguage   Field = "language"
	FieldCountry    Field = "country"
	FieldRegion     Field = "region"
	FieldCity       Field = "city"
	FieldCarrier    Field = "carrier"
	FieldDevice     Field = "device"
	FieldOS         Field = "os"
	FieldBrowser    Field = "browser"
	FieldCost       Field = "cost"
	FieldCurrency   Field = "currency"

	FieldPayout       Field = "payout"
	FieldSaleAmount   Field = "sale_amount"
	FieldStatus       Field = "status"
	FieldTransaction  Field = "transaction_id"
	FieldConversionID Field = "conversion_id"
	FieldOrderID      Field = "order_id"
	FieldGoal         Field = "goal"
	FieldOfferID      Field = "network_offer_id"

	FieldID       Field = "id"
	FieldURL      Field = "url"
	FieldSource   Field = "source"
	FieldOffer    Field = "offer"
	FieldOfferURL Field = "offer_url"
)

// Fields lists what a column of a table may be taken for, but for the platforms'
// click parameters.
func Fields(k Kind) []Field {
	switch k {
	case Clicks:
		all := []Field{
			FieldClickID, FieldTime, FieldExternalID, FieldCampaign, FieldIP, FieldUserAgent, FieldReferrer, FieldLanguage,
			FieldCountry, FieldRegion, FieldCity, FieldCarrier, FieldDevice, FieldOS, FieldBrowser, FieldCurrency, FieldNone,
		}
		for _, d := range subfive.Dimensions() {
			all = append(all, Field(d))
		}
		return all
	case Conversions:
		return []Field{
			FieldClickID, FieldTime, FieldPayout, FieldSaleAmount, FieldCurrency, FieldStatus, FieldTransaction, FieldConversionID,
			FieldOrderID, FieldGoal, FieldOfferID, FieldNone,
		}
	case Campaigns:
		return []Field{FieldID, FieldCampaign, FieldURL, FieldSource, FieldOffer, FieldOfferURL, FieldNone}
	}
	return nil
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

// plainNames are headers that mean the same in every tracker's export.
func plainNames(k Kind) map[string]Field {
	switch k {
	case Clicks:
		names := map[string]Field{
			"clickid": FieldClickID, "cid": FieldClickID, "time": FieldTime, "timestamp": FieldTime, "datetime": FieldTime,
			"date": FieldTime, "clickedat": FieldTime, "clicktime": FieldTime, "clicktimestamp": FieldTime, "clickdate": FieldTime,
			"clickdatetime": FieldTime, "createdat": FieldTime, "dateandtime": FieldTime,
			"externalid": FieldExternalID, "campaign": FieldCampaign, "campaignid": FieldCampaign, "campid": FieldCampaign, "campaignname": FieldCampaign,
			"ip": FieldIP, "ipaddress": FieldIP, "useragent": FieldUserAgent, "ua": FieldUserAgent,
			"referrer": FieldReferrer, "referer": FieldReferrer, "language": FieldLanguage,
			"country": FieldCountry, "countrycode": FieldCountry, "countryname": FieldCountry, "region": FieldRegion,
			"city": FieldCity, "isp": FieldCarrier, "carrier": FieldCarrier, "mobilecarrier": FieldCarrier, "connection": FieldNone,
			"device": FieldDevice, "devicetype": FieldDevice, "os": FieldOS, "operatingsystem": FieldOS, "browser": FieldBrowser,
			"cost": FieldCost, "clickcost": FieldCost, "cpc": FieldCost, "currency": FieldCurrency, "costcurrency": FieldCurrency,
		}
		for _, d := range subfive.Dimensions() {
			names[fold(d)] = Field(d)
		}
		return names
	case Conversions:
		return map[string]Field{
			"clickid": FieldClickID, "cid": FieldClickID, "time": FieldTime, "timestamp": FieldTime, "datetime": FieldTime,
			"date": FieldTime, "convertedat": FieldTime, "conversiontime": FieldTime, "conversiondate": FieldTime,
			"conversiontimestamp": FieldTime, "createdat": FieldTime, "dateandtime": FieldTime,
			"payout": FieldPayout, "revenue": FieldPayout, "saleamount": FieldSaleAmount, "currency": FieldCurrency,
			"status": FieldStatus, "conversionstatus": FieldStatus, "transactionid": FieldTransaction, "txid": FieldTransaction,
			"tid": FieldTransaction, "conversionid": FieldConversionID, "orderid": FieldOrderID,
			"goal": FieldGoal, "event": FieldGoal, "eventname": FieldGoal, "conversiontype": FieldGoal, "type": FieldGoal,
			"networkofferid": FieldOfferID, "offerid": FieldOfferID,
		}
	case Campaigns:
		return map[string]Field{
			"id": FieldID, "campaignid": FieldID, "campaign": FieldCampaign, "campaignname": FieldCampaign, "name": FieldCampaign,
			"url": FieldURL, "campaignurl": FieldURL, "trackingurl": FieldURL, "trackinglink": FieldURL, "clickurl": FieldURL,
			"link": FieldURL, "alias": FieldURL, "source": FieldSource, "trafficsource": FieldSource, "trafficchannel": FieldSource,
			"offer": FieldOffer, "offername": FieldOffer, "offerurl": FieldOfferURL, "offerlink": FieldOfferURL,
		}
	}
	return nil
}

// ownNames are headers that one tracker alone has: they say whose export it is.
// They are built from the names in the trackers' documentation (help.redtrack.io,
// doc.voluum.com, docs.bemob.com, docs.binom.org, readme.anytrack.io,
// docs.keitaro.io). No page that we could read lists a CSV's headers: where one
// is called otherwise, --map says what it is.
func ownNames(r Rival, k Kind) map[string]Field {
	names := map[string]Field{}
	click := k == Clicks
	add := func(when Kind, f Field, headers ...string) {
		if k == when {
			for _, h := range headers {
				names[h] = f
			}
		}
	}
	tokens := func(prefix string, n int) {
		for i := 1; click && i <= n; i++ {
			names[prefix+strconv.Itoa(i)] = Field("p" + strconv.Itoa(i))
		}
	}
	switch r {
	case RedTrack:
		tokens("sub", 20)
		add(Clicks, FieldExternalID, "refid")
		add(Clicks, FieldTime, "tracktime")
		add(Conversions, FieldPayout, "sum")
		add(Conversions, FieldConversionID, "rdtkeventid")
		add(Conversions, FieldTime, "convtime")
		add(Campaigns, FieldURL, "trackurl")
	case Voluum:
		tokens("customvariable", 10)
		tokens("var", 10)
		add(Clicks, FieldTime, "visittimestamp")
		add(Conversions, FieldTime, "postbacktimestamp")
		add(Conversions, FieldGoal, "et")
		add(Campaigns, FieldSource, "trafficsourcename")
	case BeMob:
		tokens("custom", 10)
		add(Clicks, FieldTime, "visittime")
		add(Conversions, FieldTime, "postbacktime")
		add(Conversions, FieldGoal, "cet", "customevent")
		add(Campaigns, FieldSource, "trafficsourcetitle")
	case Binom:
		tokens("t", 10)
		tokens("token", 10)
		add(Conversions, FieldClickID, "cnvid")
		add(Conversions, FieldStatus, "cnvstatus")
		add(Conversions, FieldCurrency, "cnvcurrency")
		add(Conversions, FieldTime, "cnvtime")
		add(Campaigns, FieldID, "campid")
		add(Campaigns, FieldURL, "key")
		add(Campaigns, FieldSource, "tsname")
	case AnyTrack:
		add(Clicks, FieldClickID, "atclid")
		add(Clicks, FieldExternalID, "sourceclickid")
		add(Conversions, FieldClickID, "atclid")
		add(Conversions, FieldPayout, "value", "eventvalue")
		add(Conversions, FieldNone, "eventresult")
	case Keitaro:
		tokens("subid", 20)
		add(Clicks, FieldClickID, "subid")
		add(Conversions, FieldClickID, "subid")
		add(Conversions, FieldTime, "saledatetime", "postbackdatetime")
		add(Conversions, FieldNone, "originalstatus", "previousstatus")
		add(Campaigns, FieldSource, "tsgroup")
	case Generic:
	}
	return names
}

// Guess says whose export a table with this header is: the tracker most of whose
// own names are in it; Generic for none, and where two have as many.
func Guess(k Kind, header []string) Rival {
	best, most := Generic, 0
	for _, r := range Rivals() {
		own, n := ownNames(r, k), 0
		for _, h := range header {
			if _, ok := own[fold(h)]; ok {
				n++
			}
		}
		switch {
		case n > most:
			best, most = r, n
		case n == most:
			best = Generic
		}
	}
	return best
}

// Column is a column of a table and what it is taken for.
type Column struct {
	Header string
	Field  Field
	// Why says what FieldNone is for: the header is unknown, or another column is
	// taken for the same.
	Why string
}

// Columns says what each column of a header is taken for. params are the
// platforms' click parameters; given says it for a header, in any case, and goes
// before what we would take it for.
func Columns(k Kind, r Rival, header, params []string, given map[string]Field) ([]Column, error) {
	if err := checkGiven(k, header, params, given); err != nil {
		return nil, err
	}
	plain, own := plainNames(k), ownNames(r, k)
	taken := map[Field]string{}
	for h, f := range given {
		taken[f] = h
	}
	all := make([]Column, len(header))
	for i, h := range header {
		all[i] = Column{Header: h, Field: FieldNone, Why: "not known"}
		if f, ok := lookFold(given, h); ok {
			all[i].Field, all[i].Why = f, "as you say"
			continue
		}
		f, ok := own[fold(h)]
		if !ok {
			f, ok = clickParam(k, h, params)
		}
		if !ok {
			f, ok = plain[fold(h)]
		}
		switch first, twice := taken[f]; {
		case !ok || f == FieldNone:
		case twice:
			all[i].Why = fmt.Sprintf("%s is taken for %s already", first, f)
		default:
			taken[f] = h
			all[i].Field, all[i].Why = f, ""
		}
	}
	return all, need(k, all)
}

func clickParam(k Kind, header string, params []string) (Field, bool) {
	if k != Clicks {
		return "", false
	}
	i := slices.IndexFunc(params, func(p string) bool { return fold(p) == fold(header) })
	if i < 0 {
		return "", false
	}
	return Field(params[i]), true
}

func lookFold(given map[string]Field, header string) (Field, bool) {
	for h, f := range given {
		if fold(h) == fold(header) {
			return f, true
		}
	}
	return "", false
}

// checkGiven holds what a person says about columns to what there is.
func checkGiven(k Kind, header, params []string, given map[string]Field) error {
	for h, f := range given {
		if !slices.ContainsFunc(header, func(is string) bool { return fold(is) == fold(h) }) {
			return fmt.Errorf("there is no column %q; there are: %s", h, strings.Join(header, ", "))
		}
		if !slices.Contains(Fields(k), f) && (k != Clicks || !slices.Contains(params, string(f))) {
			return fmt.Errorf("column %q can't be taken for %q: a table of %s has %s", h, f, k, joined(Fields(k), params, k))
		}
	}
	return nil
}

func joined(fields []Field, params []string, k Kind) string {
	var all []string
	for _, f := range fields {
		all = append(all, string(f))
	}
	if k == Clicks {
		all = append(all, params...)
	}
	return strings.Join(all, ", ")
}

// need says which column a table can't do without.
func need(k Kind, all []Column) error {
	has := func(f Field) bool {
		return slices.ContainsFunc(all, func(c Column) bool { return c.Field == f })
	}
	var lacks []string
	switch {
	case k == Clicks && !has(FieldClickID):
		lacks = append(lacks, string(FieldClickID))
	case k == Conversions && !has(FieldClickID) && !has(FieldTransaction):
		lacks = append(lacks, string(FieldClickID))
	case k == Campaigns && !has(FieldURL) && !has(FieldCampaign) && !has(FieldID):
		lacks = append(lacks, string(FieldURL))
	}
	if k != Campaigns && !has(FieldTime) {
		lacks = append(lacks, string(FieldTime))
	}
	if len(lacks) == 0 {
		return nil
	}
	headers := make([]string, len(all))
	for i, c := range all {
		headers[i] = c.Header
	}
	return fmt.Errorf("no column is known to be %s; say which is: --map COLUMN=%s (columns: %s)",
		strings.Join(lacks, " or "), lacks[0], strings.Join(headers, ", "))
}
