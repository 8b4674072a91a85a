package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// The keys of the Data Manager API that an offline conversion has, each with the
// type it takes; another one is refused, as Google does. Sources: the protos in
// @google-ads/datamanager, and the reference at developers.google.com.
var (
	googleTop = map[string]check{
		"destinations": list, "encoding": oneOf("HEX", "BASE64"), "consent": members(googleConsent), "validateOnly": boolean, "events": list,
	}
	googleDestination = map[string]check{
		"reference": text, "operatingAccount": members(googleAccount, "accountType", "accountId"),
		"loginAccount": members(googleAccount, "accountType", "accountId"), "productDestinationId": digitsOnly,
	}
	googleAccount = map[string]check{"accountType": oneOf("GOOGLE_ADS"), "accountId": digitsOnly}
	googleConsent = map[string]check{
		"adUserData": oneOf("CONSENT_GRANTED", "CONSENT_DENIED"), "adPersonalization": oneOf("CONSENT_GRANTED", "CONSENT_DENIED"),
	}
	googleEvent = map[string]check{
		"destinationReferences": listOf(text),
		"transactionId":         text,
		"eventTimestamp":        timestamp,
		"eventSource":           oneOf("WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"),
		"adIdentifiers":         object,
		"eventDeviceInfo":       members(googleDevice),
		"userData":              object,
		"consent":               members(googleConsent),
		"conversionValue":       notNegative,
		"currency":              capitalCurrency,
	}
	googleClick = map[string]check{
		"gclid": filled, "gbraid": filled, "wbraid": filled, // bytes of its own: any
		"landingPageDeviceInfo": members(googleDevice),
	}
	googleDevice = map[string]check{"userAgent": clearText, "ipAddress": address}
	googleUser   = map[string]check{"emailAddress": text, "phoneNumber": text, "address": object}
	googlePlace  = map[string]check{
		"givenName": text, "familyName": text, "regionCode": matching(`^[A-Z]{2}$`, "must be an ISO 3166-1 code in capitals"),
		"postalCode": clearText,
	}
)

func digitsOnly(v any) string {
	if s, ok := v.(string); !ok || s == "" || strings.Trim(s, "0123456789") != "" {
		return "must be digits alone, as text"
	}
	return ""
}

// timestamp takes RFC 3339 of at most nine digits of a second's fraction.
func timestamp(v any) string {
	s, _ := v.(string)
	if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
		return "must be RFC 3339"
	}
	return ""
}

// googleReason is the reason to give for a field whose form is wrong.
func googleReason(key string) string {
	switch key {
	case "accountId", "productDestinationId":
		return "INVALID_NUMBER_FORMAT"
	case "currency":
		return "INVALID_CURRENCY_CODE"
	case "regionCode":
		return "INVALID_REGION_CODE"
	}
	return "INVALID_FORMAT"
}

// googleDigest takes a SHA-256 digest in the encoding.
func googleDigest(v any, encoding string) (problem, reason string) {
	s, _ := v.(string)
	switch {
	case encoding == "BASE64":
		if !base64Digest.MatchString(s) {
			return "must be SHA-256 in base64, 44 characters", "INVALID_BASE64_ENCODING"
		}
	case encoding != "HEX":
		return "user data needs the encoding", "REQUIRED_FIELD_MISSING"
	case !hexText.MatchString(s):
		return "must be hex digits", "INVALID_HEX_ENCODING"
	case len(s) != 64:
		return "must be SHA-256, 64 hex digits", "INVALID_SHA256_FORMAT"
	case s == emptyDigest:
		return "is the digest of nothing", "INVALID_SHA256_FORMAT"
	}
	return "", ""
}

const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// googleEventTime holds when it happened against the clock.
func googleEventTime(v any, at time.Time) string {
	s, _ := v.(string)
	happened, err := time.Parse(time.RFC3339Nano, s)
	switch {
	case err != nil:
		return "" // its form was refused already
	case at.Sub(happened) > 90*24*time.Hour:
		return "is more than 90 days ago"
	case happened.Sub(at) > 5*time.Minute:
		return "is in the future"
	}
	return ""
}

// newGoogleEvent records what can be read of an event.
func newGoogleEvent(o map[string]any, raw []byte, at time.Time, action string) Event {
	e := Event{ReceivedAt: at, Dataset: action, Raw: raw}
	e.EventName, _ = o["eventSource"].(string)
	e.EventID, _ = o["transactionId"].(string)
	e.Currency, _ = o["currency"].(string)
	if v, ok := o["conversionValue"].(json.Number); ok {
		e.Value = v.String()
	}
	s, _ := o["eventTimestamp"].(string)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		e.EventTime = t.Unix()
	}
	return e
}
