package meta

import "subfive/forwarders"

const hashed = "lower case and trimmed by Meta's rules, then SHA-256"

// keys are what Meta finds a visitor by, the surest first.
func keys() []forwarders.Key {
	in := func(name, is, sent string) forwarders.Key {
		return forwarders.Key{Name: name, Is: is, Sent: sent, Paths: []string{"data.user_data." + name}}
	}
	return []forwarders.Key{
		in("fbc", "the ad click (fbclid) and its moment", "fb.1. + milliseconds of the click + . + fbclid, byte for byte"),
		in("em", "e-mail address", hashed),
		in("ph", "phone number", "digits with the country's code, then SHA-256"),
		in("external_id", "the click's ID, and your user ID", "SHA-256"),
		in("fbp", "the pixel's cookie _fbp", "as it is"),
		in("client_ip_address", "the visitor's address", "as it is"),
		in("client_user_agent", "the visitor's browser", "as it is"),
		in("fn", "first name", hashed),
		in("ln", "last name", hashed),
		in("db", "date of birth", "YYYYMMDD, then SHA-256"),
		in("ge", "gender", "f or m, then SHA-256"),
		in("ct", "city", hashed),
		in("st", "state", hashed),
		in("zp", "postal code", hashed),
		in("country", "country", "two letters, then SHA-256"),
	}
}

// rules are what else Meta asks of an event.
func rules() []string {
	return []string{
		"Browser, name, gender, birthday or place alone are too little: one of fbc, fbp, em, ph, external_id or the address goes with them.",
		"A page is named: the one the visitor loaded, else default_event_source_url, else public_url.",
		"One event that Meta refuses fails all that travel with it: what it would refuse is refused here.",
		"No sub parameter of the network ever leaves.",
	}
}
