package sandbox

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check says what a value must be, or "" when it is that.
type check func(v any) string

// The keys that Meta documents, each with the type it takes. Those that only an
// SDK knows (f5first, dobd, …) are left out on purpose: nobody should send them.
// Source: developers.facebook.com/docs/marketing-api/conversions-api/parameters.
var (
	metaTop = map[string]check{
		"data":            list,
		"test_event_code": text,
		"partner_agent":   partnerAgent,
		"access_token":    text,
		"appsecret_proof": text,
		"namespace_id":    text,
		"upload_id":       text,
		"upload_tag":      text,
		"upload_source":   text,
		"platforms":       listOf(object),
		"progress":        object,
		"trace":           integer,
	}
	metaEvent = map[string]check{
		"event_name":                      text,
		"event_time":                      integer,
		"event_id":                        text,
		"user_data":                       object,
		"custom_data":                     object,
		"app_data":                        object,
		"original_event_data":             object,
		"attribution_data":                object,
		"action_source":                   oneOf("email", "website", "app", "phone_call", "chat", "physical_store", "system_generated", "business_messaging", "other"),
		"event_source_url":                webURL,
		"referrer_url":                    webURL,
		"opt_out":                         boolean,
		"data_processing_options":         listOf(oneOf("LDU")),
		"data_processing_options_country": oneOfNumbers(0, 1),
		"data_processing_options_state":   oneOfNumbers(0, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013),
		"messaging_channel":               oneOf("messenger", "whatsapp", "instagram"),
		"customer_segmentation":           segmentation,
		"advanced_measurement_table":      text,
	}
	metaUser = map[string]check{
		"em": hashed, "ph": hashed, "fn": hashed, "ln": hashed, "ge": hashed, "db": hashed,
		"ct": hashed, "st": hashed, "zp": hashed, "country": hashed,
		"external_id":         textOrList,
		"client_ip_address":   address,
		"client_user_agent":   text,
		"fbc":                 anyText, // its form has a code of its own
		"fbp":                 fbpForm,
		"subscription_id":     text,
		"fb_login_id":         integer,
		"lead_id":             integer,
		"anon_id":             text,
		"madid":               text,
		"page_id":             text,
		"page_scoped_user_id": text,
		"ctwa_clid":           text,
		"ig_account_id":       text,
		"ig_sid":              text,
	}
	metaCustom = map[string]check{
		"value":                 number,
		"currency":              currency,
		"content_ids":           listOf(text),
		"content_type":          oneOf("product", "product_group"),
		"contents":              listOf(object),
		"content_name":          text,
		"content_category":      text,
		"order_id":              text,
		"search_string":         text,
		"status":                text,
		"num_items":             integerOrText,
		"predicted_ltv":         number,
		"net_revenue":           number,
		"item_number":           text,
		"delivery_category":     delivery,
		"customer_segmentation": segmentation,
	}
	metaContent = map[string]check{
		"id": text, "quantity": integer, "item_price": number, "title": text, "description": text,
		"brand": text, "category": text, "delivery_category": delivery,
	}
	metaApp = map[string]check{
		"advertiser_tracking_enabled":  oneOfNumbers(0, 1),
		"application_tracking_enabled": oneOfNumbers(0, 1),
		"extinfo":                      listOf(anyText),
		"campaign_ids":                 text,
		"install_referrer":             text,
		"installer_package":            text,
		"url_schemes":                  listOf(text),
		"vendor_id":                    text,
		"windows_attribution_id":       text,
		"madid":                        text,
	}
	metaOriginal = map[string]check{
		"event_name": text, "event_time": integer, "order_id": text, "event_id": text,
	}
)

// metaTooLittle are the sets of keys that identify nobody: user data whose keys
// all lie in one of them is refused, empty user data too.
var metaTooLittle = [][]string{
	{"ct", "country", "st", "zp", "ge", "client_user_agent"},
	{"db", "client_user_agent"},
	{"fn", "ge"},
	{"ln", "ge"},
}

// metaPersonal are names that have no business among custom properties.
var metaPersonal = []string{
	"em", "email", "ph", "phone", "fn", "first_name", "ln", "last_name", "db", "birthdate", "ge", "gender",
	"ct", "city", "st", "zp", "zip", "client_ip_address", "ip", "client_user_agent", "user_agent", "fbc", "fbp",
}

var (
	fbcPattern  = regexp.MustCompile(`^fb\.\d+\.\d{13}\.[^.\s]+(\.[A-Za-z0-9_-]{2}|\.[A-Za-z0-9_-]{8})?$`)
	fbpPattern  = regexp.MustCompile(`^fb\.\d+\.\d{13}\.\d+(\.[A-Za-z0-9_-]{2}|\.[A-Za-z0-9_-]{8})?$`)
	hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

	segmentation = oneOf("new_customer_to_business", "new_customer_to_business_line", "new_customer_to_product_area", "new_customer_to_medium",
		"existing_customer_to_business", "existing_customer_to_business_line", "existing_customer_to_product_area", "existing_customer_to_medium",
		"customer_in_loyalty_program")
	delivery = oneOf("in_store", "curbside", "home_delivery")
)

func anyText(v any) string {
	if _, ok := v.(string); !ok {
		return "must be a string"
	}
	return ""
}

func text(v any) string {
	s, ok := v.(string)
	if !ok || strings.TrimSpace(s) == "" || s != strings.TrimSpace(s) {
		return "must be a string, not empty, no spaces around it"
	}
	return ""
}

func boolean(v any) string {
	if _, ok := v.(bool); !ok {
		return "must be true or false"
	}
	return ""
}

func number(v any) string {
	n, ok := v.(json.Number)
	if !ok {
		return "must be a number"
	}
	if _, err := n.Float64(); err != nil {
		return "must be a number within range"
	}
	return ""
}

func integer(v any) string {
	n, ok := v.(json.Number)
	if !ok {
		return "must be an integer"
	}
	if _, err := n.Int64(); err != nil {
		return "must be an integer"
	}
	return ""
}

func integerOrText(v any) string {
	if integer(v) != "" && text(v) != "" {
		return "must be an integer"
	}
	return ""
}

func object(v any) string {
	if _, ok := v.(map[string]any); !ok {
		return "must be an object"
	}
	return ""
}

func list(v any) string {
	if _, ok := v.([]any); !ok {
		return "must be an array"
	}
	return ""
}

func listOf(c check) check {
	return func(v any) string {
		items, ok := v.([]any)
		if !ok {
			return "must be an array"
		}
		for _, item := range items {
			if problem := c(item); problem != "" {
				return "each item " + problem
			}
		}
		return ""
	}
}

// orList takes one value or a list of at least one.
func orList(c check) check {
	return func(v any) string {
		items, ok := v.([]any)
		if !ok {
			return c(v)
		}
		if len(items) == 0 {
			return "must not be an empty array"
		}
		return listOf(c)(items)
	}
}

func textOrList(v any) string { return orList(text)(v) }

func hashed(v any) string {
	return orList(func(v any) string {
		if s, ok := v.(string); !ok || !hashPattern.MatchString(s) {
			return "must be SHA-256, 64 hex digits in lower case"
		}
		return ""
	})(v)
}

func oneOf(words ...string) check {
	return func(v any) string {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return "must be one of " + strings.Join(words, ", ")
		}
		return ""
	}
}

func oneOfNumbers(numbers ...int) check {
	return func(v any) string {
		n, ok := v.(json.Number)
		if i, err := strconv.Atoi(n.String()); !ok || err != nil || !slices.Contains(numbers, i) {
			return "must be one of the documented numbers"
		}
		return ""
	}
}

func webURL(v any) string {
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "must be a URL with http or https"
	}
	return ""
}

func address(v any) string {
	s, _ := v.(string)
	if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" {
		return "must be an IPv4 or IPv6 address without a port"
	}
	return ""
}

func fbpForm(v any) string {
	if s, ok := v.(string); !ok || !fbpPattern.MatchString(s) {
		return "must be the _fbp cookie: fb.1.<milliseconds>.<number>"
	}
	return ""
}

func partnerAgent(v any) string {
	s, _ := v.(string)
	letters := 0
	for _, c := range strings.ToLower(s) {
		if c >= 'a' && c <= 'z' {
			letters++
		}
	}
	if letters < 2 || len(s) >= 23 {
		return "must have two letters and fewer than 23 characters"
	}
	return ""
}

func currency(v any) string {
	s, _ := v.(string)
	if len(s) != 3 || !strings.Contains(currencies, " "+strings.ToUpper(s)+" ") {
		return "must be an ISO 4217 code"
	}
	return ""
}

// currencies are the active codes of ISO 4217 that money is counted in.
const currencies = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF " +
	"CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD " +
	"IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR " +
	"MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC " +
	"SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
