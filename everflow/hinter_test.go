package everflow

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLiteralMacroNamesWhatBelongsThere(t *testing.T) {
	tests := map[string]struct{ param, value, want string }{
		"wrong case":                   {"click_id", "{Sub5}", "write click_id={sub5}"},
		"all capitals":                 {"click_id", "{SUB5}", "write click_id={sub5}"},
		"underscore":                   {"click_id", "{sub_5}", "write click_id={sub5}"},
		"hyphen":                       {"click_id", "{sub-5}", "write click_id={sub5}"},
		"space":                        {"click_id", "{sub 5}", "write click_id={sub5}"},
		"space inside the braces":      {"click_id", "{ sub5 }", "write click_id={sub5}"},
		"another slot, wrong case":     {"click_id", "{Sub3}", "write click_id={sub3}"},
		"slot of the wider range":      {"click_id", "{Sub10}", "write click_id={sub10}"},
		"encoded":                      {"click_id", "%7Bsub5%7D", "encoded: write click_id={sub5}"},
		"encoded twice":                {"click_id", "%257Bsub5%257D", "encoded: write click_id={sub5}"},
		"encoded, small hex, misspelt": {"click_id", "%7bSub_5%7d", "encoded: write click_id={sub5}"},
		"doubled braces":               {"click_id", "{{sub5}}", "single braces: write click_id={sub5}"},
		"right, but unfilled":          {"click_id", "{sub5}", "test conversion"},
		"unfilled and unclear":         {"conversion_id", "{conversion_id}", "may not offer it"},
		"pasted line end":              {"click_id", "{Sub5}\r\n", "write click_id={sub5}"},
		"our parameter's name":         {"click_id", "{click_id}", "write click_id={sub5}"},
		"PascalCase of a rival":        {"click_id", "{ClickId}", "write click_id={sub5}"},
		"rival's parameter and macro":  {"cid", "{clickid}", "write cid={sub5}"},
		"payout in wrong case":         {"payout", "{Payout}", "write payout={payout}"},
		"conversion revenue":           {"payout", "{conversion.revenue}", "write payout={payout}"},
		"transaction by our name":      {"tx_id", "{tx_id}", "write tx_id={transaction_id}"},
		"transaction, misspelt":        {"tx_id", "{TransactionID}", "write tx_id={transaction_id}"},
		"offer, misspelt":              {"offer_id", "{OfferId}", "write offer_id={offer_id}"},
		"sale amount, misspelt":        {"sale_amount", "{saleamount}", "write sale_amount={sale_amount}"},
		"event of the advertiser":      {"event_id", "{adv_event_id}", "write event_id={event_id}"},
		"one letter off":               {"mine", "{transacton_id}", "write mine={transaction_id}"},
		"unknown everywhere":           {"mine", "{weather}", "pick the right macro from the list"},
		"hash marks":                   {"sub1", "#s1#", "another tracker's placeholder: write sub1={sub1}"},
		"square brackets":              {"click_id", "[subid]", "write click_id={sub5}"},
		"square brackets, any name":    {"click_id", "[x]", "write click_id={sub5}"},
		"double square brackets":       {"subid", "[[subid]]", "write subid={sub5}"},
		"exclamation marks":            {"click_id", "!!!ID!!!", "write click_id={sub5}"},
		"TikTok's click":               {"click_id", "__CLICKID__", "write click_id={sub5}"},
		"AnyTrack's click":             {"click_id", "--CLICK-ID--", "write click_id={sub5}"},
		"dollar":                       {"click_id", "${CLICK_ID}", "write click_id={sub5}"},
		"hash and brace":               {"click_id", "#{clickid}", "write click_id={sub5}"},
		"angle brackets":               {"click_id", "<click_id>", "write click_id={sub5}"},
		"percent signs":                {"click_id", "%clickid%", "write click_id={sub5}"},
		"double percent signs":         {"click_id", "%%CLICK_ID%%", "write click_id={sub5}"},
		"REPLACE":                      {"cid", "REPLACE", "nobody replaced: write cid={sub5}"},
		"OPTIONAL":                     {"payout", "OPTIONAL", "nobody replaced: write payout={payout}"},
		"your click":                   {"click_id", "YOUR_CLICK_ID", "nobody replaced: write click_id={sub5}"},
		"own name":                     {"transaction_id", "transaction_id", "holds its own name and no macro: write transaction_id={transaction_id}"},
		"own name, spelled otherwise":  {"click_id", "ClickID", "holds its own name and no macro: write click_id={sub5}"},
		"own name of an unknown one":   {"mine", "mine", "holds its own name"},
		"no braces":                    {"click_id", "sub5", "lost its braces: write click_id={sub5}"},
		"no closing brace":             {"click_id", "{sub5", "lost its braces: write click_id={sub5}"},
		"no opening brace":             {"payout", "payout}", "lost its braces: write payout={payout}"},
		"within text":                  {"click_id", "cid_{Sub5}", "{Sub5} is not an Everflow macro"},
		"amount with its currency":     {"payout", "{payout} USD", "{payout} arrived unfilled"},
		"two at once":                  {"mine", "{sub1}-{sub2}", "{sub1} arrived unfilled"},
		"Google's click":               {"click_id", "{gclid}", "Google's click ID, not an Everflow macro: capture it on the campaign link, and here write click_id={sub5}"},
		"Meta's click":                 {"fbclid", "{fbclid}", "Meta's click ID, not an Everflow macro"},
		"TikTok's own":                 {"ttclid", "{ttclid}", "TikTok's click ID, not an Everflow macro"},
		"Reddit's click":               {"click_id", "{rdt_cid}", "Reddit's click ID, not an Everflow macro"},
		"Meta's ad":                    {"sub2", "{{ad.id}}", "Meta's ad, not an Everflow macro"},
		"Voluum's campaign":            {"mine", "{campaign.id}", "not an Everflow macro"},
		"ClickFlare's variable":        {"mine", "{var:name}", "not an Everflow macro"},
	}
	h := NewHinter(Catalogue())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			hint, literal := h.LiteralMacro(test.param, test.value)
			if !literal || !strings.Contains(hint, test.want) {
				t.Errorf("LiteralMacro(%q, %q) = %q, %t; want it to say %q", test.param, test.value, hint, literal, test.want)
			}
		})
	}
}

func TestLiteralMacroLeavesRealValuesAlone(t *testing.T) {
	fbclid := "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk"
	tests := map[string]struct{ param, value string }{
		"empty":                        {"click_id", ""},
		"spaces":                       {"click_id", "  "},
		"click ID of ours":             {"click_id", "01jdq3zj6w9s0v3t5x7y9zabcd"},
		"fbclid":                       {"click_id", fbclid},
		"fbclid in fbclid":             {"fbclid", fbclid},
		"fbclid with underscores":      {"click_id", "__" + fbclid + "__"},
		"gclid":                        {"click_id", "Cj0KCQiAgP6PBhDmARIsAPWMq6kAbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_EALw_wcB"},
		"ttclid":                       {"click_id", "E.C.P.CrgBc2l0ZV9pZDoxMjM0NTY3ODkw"},
		"rdt_cid":                      {"click_id", "5289016348176453632"},
		"fbc":                          {"_fbc", "fb.1.1700000000000." + fbclid},
		"fbp":                          {"_fbp", "fb.1.1700000000000.1098115397"},
		"uuid":                         {"click_id", "a3bb189e-8bf9-3888-9912-ace4bc6551e3"},
		"uuid in braces":               {"click_id", "{a3bb189e-8bf9-3888-9912-ace4bc6551e3}"},
		"hex in braces":                {"click_id", "{deadbeefdeadbeef}"},
		"random in brackets":           {"click_id", "[w2Xk9Qz7Lm4Np8Rt5Vy3Bc]"},
		"hex":                          {"tx_id", "9f2c1b7e44d04a51b6c6a1de01e2f3a4"},
		"decimal":                      {"payout", "42.50"},
		"zero":                         {"payout", "0"},
		"negative":                     {"payout", "-42.50"},
		"currency sign":                {"payout", "$42"},
		"percent":                      {"payout", "12%"},
		"two percents":                 {"discount", "5%-10%"},
		"currency":                     {"currency", "USD"},
		"e-mail":                       {"email", "jane.doe+ads@example.com"},
		"encoded e-mail":               {"email", "jane.doe%2Bads%40example.com"},
		"phone":                        {"phone", "+1 (555) 010-9999"},
		"JSON object":                  {"extra", `{"a":1,"b":"x"}`},
		"JSON object, encoded":         {"extra", "%7B%22a%22%3A1%7D"},
		"empty JSON object":            {"extra", "{}"},
		"JSON array":                   {"extra", `["a","b"]`},
		"array of numbers":             {"extra", "[1,2,3]"},
		"JavaScript's object":          {"click_id", "[object Object]"},
		"JavaScript-like object":       {"extra", "{a: 1}"},
		"event":                        {"event_name", "Purchase"},
		"event in brackets":            {"event_name", "[VIP] Purchase"},
		"coupon":                       {"coupon_code", "SAVE-20"},
		"coupon in brackets":           {"coupon_code", "[SALE]"},
		"coupon that says REPLACE":     {"coupon_code", "REPLACE"},
		"base":                         {"event_name", "Base"},
		"switch":                       {"test", "test"},
		"one letter":                   {"s", "s"},
		"hashtag":                      {"sub3", "#summer#"},
		"slot's label":                 {"sub1", "sfw"},
		"label like a macro":           {"sub2", "sub5"},
		"label in angle brackets":      {"sub4", "<b>"},
		"base64":                       {"click_id", "eyJhIjoxfQ=="},
		"base64url with double dash":   {"click_id", "--x9Qz7Lm4--"},
		"URL":                          {"url", "https://example.com/?a={b:1}&c=%7B1%7D"},
		"word with the same beginning": {"plan", "ENTERPRISE"},
		"replacement":                  {"kind", "REPLACEMENT"},
		"timestamp":                    {"timestamp", "1700000000"},
		"user agent":                   {"ua", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"},
		"broken escape":                {"mine", "100%zz"},
		"very long":                    {"click_id", "{" + strings.Repeat("a", 300) + "}"},
	}
	h := NewHinter(Catalogue())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if hint, literal := h.LiteralMacro(test.param, test.value); literal || hint != "" {
				t.Errorf("LiteralMacro(%q, %q) = %q, %t; want it left alone", test.param, test.value, hint, literal)
			}
		})
	}
}

func TestCatalogueIsAllThatTheHinterKnows(t *testing.T) {
	macros, err := ParseCatalogue("# mine\n\nclick_ref\tlikely\tour slot\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Macro{{Name: "click_ref", Gives: "our slot", Confidence: Likely}}, macros); diff != "" {
		t.Error(diff)
	}
	hint, _ := NewHinter(macros).LiteralMacro("x", "{clickref}")
	if want := "{clickref} is not an Everflow macro (their names are case-sensitive): write x={click_ref}."; hint != want {
		t.Errorf("hint %q, want %q", hint, want)
	}
}

func TestParseCatalogueRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"two columns":        {"# x\nsub1\tlikely", `line 2: 2 columns, not name, confidence, what it gives`},
		"capitals":           {"Sub1\tlikely\tx", `line 1: "Sub1" is no macro's name, or was named before`},
		"unknown confidence": {"sub1\tmaybe\tx", `line 1: "maybe" is not confirmed, likely, unclear or absent`},
		"twice":              {"sub1\tlikely\tx\nsub1\tlikely\tx", `line 2: "sub1" is no macro's name, or was named before`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCatalogue(test.text)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestCatalogueHoldsTheGuidesMacros(t *testing.T) {
	got := map[string]Confidence{}
	for _, m := range Catalogue() {
		got[m.Name] = m.Confidence
	}
	for _, name := range []string{"sub1", "sub5", "sub10", "adv10", "payout", "offer_id", "transaction_id", "sale_amount"} {
		if got[name] != Confirmed {
			t.Errorf("%s: %q, want confirmed", name, got[name])
		}
	}
	if got["conversion_id"] != Unclear {
		t.Errorf("conversion_id: %q, want unclear", got["conversion_id"])
	}
}

func FuzzLiteralMacro(f *testing.F) {
	for _, seed := range []string{"{Sub5}", "%7Bsub5%7D", "__X__", "[x]", "{{a.b}}", "42.50", "{\"a\":1}", "%", "\xff{sub5}", "{ }"} {
		f.Add("click_id", seed)
	}
	h := NewHinter(Catalogue())
	f.Fuzz(func(t *testing.T, param, value string) {
		hint, literal := h.LiteralMacro(param, value)
		if literal != (hint != "") {
			t.Fatalf("LiteralMacro(%q, %q) = %q, %t: a literal has a hint, a real value none", param, value, hint, literal)
		}
		if strings.ContainsAny(hint, "\r\n\x00") || !utf8.ValidString(hint) || len(hint) > 600 {
			t.Fatalf("hint %q is not one short line", hint)
		}
	})
}

func ExampleHinter_LiteralMacro() {
	h := NewHinter(Catalogue())
	hint, literal := h.LiteralMacro("click_id", "{Sub5}")
	fmt.Println(literal)
	fmt.Println(hint)
	// Output:
	// true
	// {Sub5} is not an Everflow macro (their names are case-sensitive): write click_id={sub5}.
}
