package google

import "subfive/forwarders"

// keys are what Google finds a click and its visitor by, the surest first: each
// by its names in both APIs.
func keys() []forwarders.Key {
	click := func(name, is string) forwarders.Key {
		return forwarders.Key{Name: name, Is: is, Sent: "as it is, byte for byte", Paths: []string{"events.adIdentifiers." + name, "conversions." + name}}
	}
	const identifiers = "events.userData.userIdentifiers."
	return []forwarders.Key{
		click(paramGCLID, "the ad click"),
		click(paramGBRAID, "a click in an app where Apple's rules forbid a gclid"),
		click(paramWBRAID, "a click on the web where Apple's rules forbid a gclid"),
		{
			Name: "emailAddress", Is: "e-mail address; only with user_data: true", Sent: "lower case, of Gmail's without dots and +, then SHA-256",
			Paths: []string{identifiers + "emailAddress", "conversions.userIdentifiers.hashedEmail"},
		},
		{
			Name: "phoneNumber", Is: "phone number; only with user_data: true", Sent: "+, country's code and digits, then SHA-256",
			Paths: []string{identifiers + "phoneNumber", "conversions.userIdentifiers.hashedPhoneNumber"},
		},
		{
			Name: "address", Is: "names, country and postal code, all of them; only with user_data: true",
			Sent: "names: lower case, then SHA-256; country and postal code in the clear", Paths: []string{identifiers + "address"},
		},
		{Name: "ipAddress", Is: "the visitor's address; only with ip_address: true", Sent: "as it is", Paths: []string{"events.adIdentifiers.landingPageDeviceInfo.ipAddress"}},
		{Name: "userAgent", Is: "the visitor's browser", Sent: "as it is", Paths: []string{"events.adIdentifiers.landingPageDeviceInfo.userAgent"}},
	}
}

// rules are what else Google asks of a conversion.
func rules() []string {
	return []string{
		"The click is not older than 90 days, and the conversion comes after it.",
		"One of gclid, gbraid and wbraid goes out, and nothing of the visitor beside the latter two.",
		"The conversion action is of the type \"import from clicks\", and counts as its own settings say.",
		"Consent goes with it where it is known.",
	}
}
