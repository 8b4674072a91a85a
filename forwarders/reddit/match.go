package reddit

import "subfive/forwarders"

// keys are what Reddit finds a visitor by, the surest first.
func keys() []forwarders.Key {
	in := func(name, is, sent string) forwarders.Key {
		return forwarders.Key{Name: name, Is: is, Sent: sent, Paths: []string{"data.events.user." + name}}
	}
	return []forwarders.Key{
		{Name: "click_id", Is: "the ad click (rdt_cid)", Sent: "as it is, byte for byte", Paths: []string{"data.events.click_id"}},
		in("email", "e-mail address", "letters and digits before the first + alone, then SHA-256"),
		in("phone_number", "phone number", "+, country's code and digits, then SHA-256"),
		in("external_id", "your user ID", "SHA-256"),
		in("uuid", "the pixel's cookie _rdt_uuid", "the part after its dot"),
		in("ip_address", "the visitor's address", "as it is"),
		in("user_agent", "the visitor's browser", "as it is"),
	}
}

// rules are what else Reddit asks of an event.
func rules() []string {
	return []string{
		"A click ID, a cookie, e-mail, phone or user ID is needed, or address and browser together.",
		"A value is not negative and in an ISO currency; page visits, searches and views have none.",
		"A name of your own has at most 64 characters and is sent as CUSTOM.",
		"One event that Reddit refuses fails all that travel with it: what it would refuse is refused here.",
		"No sub parameter of the network ever leaves.",
	}
}
