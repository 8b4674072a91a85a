package subfive

import (
	"regexp"
	"strings"
)

// address is what looks like an e-mail address, as it is or escaped for a URL;
// phone a number with its country's code: a plus and at least eight digits, and
// those that follow it with nothing between them.
var (
	address = regexp.MustCompile(`[\pL\pN._%+'-]+(?:@|%(?:25)*40)[\pL\pN][\pL\pN.-]*(?:\.|%2[Ee])\pL{2,}`)
	phone   = regexp.MustCompile(`(^|[^\pL\pN+/])(?:(?:\+|%(?:25)*2[Bb])[0-9](?:(?:[ .()-]|%20)*[0-9]){7,14})+`)
)

// MaskAddresses returns text, a value or a URL, with Hidden in place of whatever
// looks like an e-mail address, and of phone numbers that are unmistakably some: a
// plus and at least eight digits. It is for what a person sees and a platform is
// told; it knows no names and no digests.
func MaskAddresses(text string) string {
	escaped := strings.Contains(text, "%")
	if strings.Contains(text, "@") || escaped && strings.Contains(text, "40") {
		text = address.ReplaceAllString(text, Hidden)
	}
	if strings.Contains(text, "+") || escaped && strings.ContainsAny(text, "Bb") {
		text = phone.ReplaceAllString(text, "${1}"+Hidden)
	}
	return text
}
