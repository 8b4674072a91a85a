package subfive

import "strings"

// eea are the thirty states of the European Economic Area, and those parts of
// Finland and France that have codes of their own and the same law.
const eea = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK AX GF GP MF MQ RE YT "

// InEEA reports whether a country, an ISO 3166 code in capitals, is of the
// European Economic Area.
func InEEA(country string) bool {
	return len(country) == 2 && strings.Contains(eea, " "+country+" ")
}

// AsksFirst reports whether a country's law wants consent before data is stored
// or sent: the European Economic Area, the United Kingdom, Switzerland.
func AsksFirst(country string) bool {
	return country == "GB" || country == "CH" || InEEA(country)
}
