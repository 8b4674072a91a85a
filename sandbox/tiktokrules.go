package sandbox

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The keys that TikTok documents for events of a website, each with the type it
// takes. Those of apps, stores and CRMs are left out, and so is what only a
// template sends (device). Source: business-api.tiktok.com, Events API,
// "Parameters" (v1.3).
var (
	tiktokTop = map[string]check{
		"event_source":    oneOf("web"),
		"event_source_id": text,
		"data":            list,
		"test_event_code": text,
		"partner_name":    text,
	}
	tiktokEvent = map[string]check{
		"event":            text,
		"event_time":       integer,
		"event_id":         text,
		"user":             object,
		"page":             object,
		"properties":       object,
		"limited_data_use": boolean,
	}
	tiktokUser = map[string]check{
		"ttclid":      clickIDOfTikTok,
		"ttp":         text,
		"email":       hashOfSomething,
		"phone":       hashOfSomething,
		"external_id": hashOfSomething,
		"first_name":  hashOfSomething,
		"last_name":   hashOfSomething,
		"zip_code":    hashOfSomething,
		"city":        plainPlace,
		"state":       plainPlace,
		"country":     plainCountry,
		"ip":          address,
		"user_agent":  text,
		"locale":      languageTag,
	}
	tiktokPage = map[string]check{
		"url":      webURL,
		"referrer": webURL,
	}
	tiktokProperties = map[string]check{
		"contents":      listOf(object),
		"content_ids":   listOf(text),
		"content_type":  oneOf("product", "product_group"),
		"currency":      currencyOfTikTok,
		"value":         number,
		"num_items":     integer,
		"search_string": text,
		"description":   text,
		"order_id":      text,
		"shop_id":       text,
		"customer_type": oneOf("new", "returning"),
	}
	tiktokContent = map[string]check{
		"price": number, "quantity": integer, "content_id": text, "content_category": text, "content_name": text, "brand": text,
	}
)

// tiktokRenamed are retired names that TikTok takes and converts.
var tiktokRenamed = map[string]string{"CompletePayment": "Purchase", "SubmitForm": "Lead"}

// tiktokStandard are the events of a website that campaigns are optimized for.
var tiktokStandard = []string{
	"AddPaymentInfo", "AddToCart", "AddToWishlist", "ApplicationApproval", "CompleteRegistration", "Contact", "CustomizeProduct",
	"Download", "FindLocation", "InitiateCheckout", "Lead", "Purchase", "Schedule", "Search", "StartTrial", "SubmitApplication",
	"Subscribe", "ViewContent", "CompletePayment", "SubmitForm", "ClickButton", "PlaceAnOrder",
}

// clickIDOfTikTok takes what an ad appends to a link: up to 1,000 characters, no
// white space.
func clickIDOfTikTok(v any) string {
	s, ok := v.(string)
	if !ok || s == "" || utf8.RuneCountInString(s) > 1000 || strings.ContainsFunc(s, unicode.IsSpace) {
		return "must be a string of 1 to 1,000 characters without white space"
	}
	return ""
}

// hashOfSomething takes SHA-256, one or a list, but the digest of nothing.
func hashOfSomething(v any) string {
	const ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return orList(func(v any) string {
		if v == ofNothing {
			return "is the SHA-256 of an empty string"
		}
		return hashed(v)
	})(v)
}

// plainPlace takes a city or a state in clear: lower case, letters and digits.
func plainPlace(v any) string {
	s, ok := v.(string)
	wrong := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }
	if !ok || s == "" || strings.ContainsFunc(s, wrong) || s != strings.ToLower(s) || hashPattern.MatchString(s) {
		return "must be in clear: lower case, letters and digits only"
	}
	return ""
}

var (
	countryPattern  = regexp.MustCompile(`^[a-z]{2}$`)
	languagePattern = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

func plainCountry(v any) string {
	if s, ok := v.(string); !ok || !countryPattern.MatchString(s) {
		return "must be a code of two letters in lower case, in clear"
	}
	return ""
}

func languageTag(v any) string {
	if s, ok := v.(string); !ok || !languagePattern.MatchString(s) {
		return "must be a BCP 47 tag"
	}
	return ""
}

func currencyOfTikTok(v any) string {
	s, _ := v.(string)
	if len(s) != 3 || !strings.Contains(tiktokCurrencies, " "+s+" ") {
		return "must be one of TikTok's codes of ISO 4217, in capitals"
	}
	return ""
}

// tiktokCurrencies are those that TikTok documents.
const tiktokCurrencies = " AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL HUF IDR ILS INR " +
	"ISK JPY KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD " +
	"VES VND ZAR "
