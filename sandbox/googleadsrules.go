package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The keys of the Google Ads API that the two methods take, each with its type;
// another one is refused, as Google does. (google-ads protos,
// services/conversion_upload_service.proto and
// conversion_adjustment_upload_service.proto, v25.) Keys that are for allowlisted
// accounts only, or that do not belong to a sale from a click, are refused too.
var (
	adsTop       = map[string]check{"conversions": list, "partialFailure": boolean, "validateOnly": boolean, "jobId": integer}
	adsAdjustTop = map[string]check{"conversionAdjustments": list, "partialFailure": boolean, "validateOnly": boolean, "jobId": integer}

	adsConversion = map[string]check{
		"gclid": filled, "gbraid": filled, "wbraid": filled,
		"conversionAction": text, "conversionDateTime": text, "conversionValue": number, "currencyCode": text, "orderId": text,
		"consent":         members(map[string]check{"adUserData": oneOf("GRANTED", "DENIED")}),
		"userIdentifiers": listOf(members(map[string]check{"userIdentifierSource": oneOf("FIRST_PARTY"), "hashedEmail": text, "hashedPhoneNumber": text}, "userIdentifierSource")),
	}
	adsAdjustment = map[string]check{
		"conversionAction": text, "adjustmentType": oneOf("RETRACTION", "RESTATEMENT", "ENHANCEMENT"), "adjustmentDateTime": text, "orderId": text,
		"gclidDateTimePair": members(map[string]check{"gclid": filled, "conversionDateTime": text}, "gclid", "conversionDateTime"),
		"restatementValue":  members(map[string]check{"adjustedValue": number, "currencyCode": text}, "adjustedValue"),
	}
)

const (
	uploadGroup = "conversionUploadError"
	adjustGroup = "conversionAdjustmentUploadError"
)

// adsFault is one thing that is wrong with a row.
type adsFault struct{ group, code, message string }

// adsFaults are a row's.
type adsFaults []adsFault

func (f *adsFaults) add(bad bool, group, code, message string) {
	if bad {
		*f = append(*f, adsFault{group, code, message})
	}
}

var adsTimeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$`)

// adsTime reads the one form of a moment that Google takes: a space, whole
// seconds, and an offset with a colon.
func adsTime(v any) (time.Time, error) {
	s, _ := v.(string)
	if !adsTimeForm.MatchString(s) {
		return time.Time{}, fmt.Errorf("%q is not of the form yyyy-mm-dd hh:mm:ss+hh:mm", s)
	}
	return time.Parse("2006-01-02 15:04:05-07:00", s)
}

var adsActionName = regexp.MustCompile(`^customers/\d+/conversionActions/(\d+)$`)

// common are what both kinds of row have.
func (s *Google) commonFaults(f *adsFaults, o map[string]any, group, timeKey string, now time.Time) time.Time {
	name, _ := o["conversionAction"].(string)
	action := adsActionName.FindStringSubmatch(name)
	f.add(action == nil, "requestError", "RESOURCE_NAME_MALFORMED", "conversion_action is not a resource name.")
	f.add(action != nil && action[1] != s.config.Action, group, "NO_CONVERSION_ACTION_FOUND", "The conversion action was not found.")
	at, err := adsTime(o[timeKey])
	if err != nil {
		f.add(true, "dateError", "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET", snake(timeKey)+": "+err.Error())
		return time.Time{}
	}
	f.add(at.Sub(now) > 5*time.Minute, "dateError", "LATER_THAN_MAXIMUM_DATE", snake(timeKey)+" is in the future.")
	return at
}

// conversionFaults says what is wrong with a row of an upload.
func (s *Google) conversionFaults(o map[string]any, now time.Time) adsFaults {
	var f adsFaults
	at := s.commonFaults(&f, o, uploadGroup, "conversionDateTime", now)
	f.add(!at.IsZero() && now.Sub(at) > 90*24*time.Hour, uploadGroup, "EXPIRED_EVENT", "The click is too old.")
	order, _ := o["orderId"].(string)
	f.add(order == "", "fieldError", "REQUIRED", "order_id is missing: a repeat could not be told.")
	f.add(strings.Contains(order, "@"), uploadGroup, "ORDER_ID_CONTAINS_PII", "The order ID contains personal data.")
	value, valued := o["conversionValue"]
	currency, priced := o["currencyCode"]
	f.add(valued != priced, "fieldError", "REQUIRED", "value and currency need each other.")
	f.add(valued && notNegative(value) != "", "rangeError", "TOO_LOW", "conversion_value is negative.")
	f.add(priced && capitalCurrency(currency) != "", "currencyCodeError", "UNSUPPORTED", "currency_code is not one.")
	ids := 0
	for _, key := range []string{"gclid", "gbraid", "wbraid"} {
		if _, ok := o[key]; ok {
			ids++
		}
	}
	_, gbraid := o["gbraid"]
	_, wbraid := o["wbraid"]
	f.add(gbraid && wbraid, uploadGroup, "GBRAID_WBRAID_BOTH_SET", "gbraid and wbraid are both set.")
	f.add(ids > 1 && (!gbraid || !wbraid), "fieldError", "VALUE_MUST_BE_UNSET", "gclid goes alone.")
	users, _ := o["userIdentifiers"].([]any)
	f.add(ids == 0 && len(users) == 0, "fieldError", "REQUIRED", "Neither a click ID nor user identifiers are set.")
	f.add(len(users) > 0 && (gbraid || wbraid), "fieldError", "VALUE_MUST_BE_UNSET", "user_identifiers can't go with gbraid or wbraid.")
	f.add(len(users) > adsMaxIdentifiers, "collectionSizeError", "TOO_MANY", "There are more than 5 user identifiers.")
	for _, one := range users {
		u, _ := one.(map[string]any)
		email, hasEmail := u["hashedEmail"]
		phone, hasPhone := u["hashedPhoneNumber"]
		digest := email
		if hasPhone {
			digest = phone
		}
		_, why := googleDigest(digest, "HEX")
		f.add(hasEmail == hasPhone || why != "", uploadGroup, "INVALID_USER_IDENTIFIER", "A user identifier is exactly one hashed email or phone, in hex.")
	}
	return f
}

// adjustmentFaults says what is wrong with a row of a change, but for what hangs
// on the conversion.
func (s *Google) adjustmentFaults(o map[string]any, now time.Time) adsFaults {
	var f adsFaults
	s.commonFaults(&f, o, adjustGroup, "adjustmentDateTime", now)
	_, order := o["orderId"]
	_, pair := o["gclidDateTimePair"]
	f.add(order && pair, adjustGroup, "GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET", "The conversion is named in two ways.")
	f.add(!order && !pair, "fieldError", "REQUIRED", "The conversion is not named.")
	value, restated := o["restatementValue"].(map[string]any)
	kind, _ := o["adjustmentType"].(string)
	switch kind {
	case "RESTATEMENT":
		f.add(!restated, "fieldError", "REQUIRED", "restatement_value is missing.")
	case "RETRACTION":
		f.add(restated, "fieldError", "VALUE_MUST_BE_UNSET", "A retraction has no restatement_value.")
	case "ENHANCEMENT":
		f.add(true, adjustGroup, "CONVERSION_ACTION_NOT_ELIGIBLE_FOR_ENHANCEMENT", "The conversion action takes no enhancement.")
	default:
		f.add(true, "fieldError", "REQUIRED", "adjustment_type is missing.")
	}
	f.add(restated && notNegative(value["adjustedValue"]) != "", "rangeError", "TOO_LOW", "adjusted_value is negative.")
	f.add(restated && capitalCurrency(value["currencyCode"]) != "", "currencyCodeError", "UNSUPPORTED", "currency_code is missing or not one.")
	return f
}

// known says what is wrong with a conversion because of those that are there.
func (s *adsState) known(c *AdsConversion) adsFaults {
	var f adsFaults
	f.add(s.find(func(o *AdsConversion) bool { return o.EventID == c.EventID }) != nil,
		uploadGroup, "ORDER_ID_ALREADY_IN_USE", "The order ID is in use already.")
	f.add(c.click != "" && s.find(func(o *AdsConversion) bool { return o.click == c.click }) != nil,
		uploadGroup, "CLICK_CONVERSION_ALREADY_EXISTS", "The click has a conversion of this time already.")
	return f
}

// adjustable finds the conversion that a change is about, and says what is wrong
// with the change because of it.
func (s *adsState) adjustable(e Event, now time.Time) (*AdsConversion, adsFaults) {
	var f adsFaults
	c := s.find(func(o *AdsConversion) bool { return o.EventID == e.EventID && e.EventID != "" })
	if c == nil {
		f.add(true, adjustGroup, "CONVERSION_NOT_FOUND", "The conversion was not found.")
		return nil, f
	}
	at := time.Unix(e.EventTime, 0)
	switch {
	case c.Retracted:
		f.add(true, adjustGroup, "CONVERSION_ALREADY_RETRACTED", "The conversion was retracted before.")
	case now.Sub(time.Unix(c.EventTime, 0)) > 54*24*time.Hour:
		f.add(true, adjustGroup, "CONVERSION_EXPIRED", "The conversion is too old.")
	case e.EventTime <= c.EventTime:
		f.add(true, adjustGroup, "ADJUSTMENT_PRECEDES_CONVERSION", "The change is not after the conversion.")
	case e.EventName == "RESTATEMENT" && at.Equal(c.AdjustedAt):
		f.add(true, adjustGroup, "RESTATEMENT_ALREADY_EXISTS", "There is a change of this time already.")
	case e.EventName == "RESTATEMENT" && at.Before(c.AdjustedAt):
		f.add(true, adjustGroup, "MORE_RECENT_RESTATEMENT_FOUND", "There is a later change.")
	}
	return c, f
}

// twins returns the rows that share a key with another, "" being none.
func twins(keys []string) []int {
	var rows []int
	for i, k := range keys {
		if k != "" && (slices.Contains(keys[:i], k) || slices.Contains(keys[i+1:], k)) {
			rows = append(rows, i)
		}
	}
	return rows
}
