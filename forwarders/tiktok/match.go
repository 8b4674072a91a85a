package tiktok

import "subfive/forwarders"

const hashed = "lower case and trimmed by TikTok's rules, then SHA-256"

// keys are what TikTok finds a visitor by, the surest first.
func keys() []forwarders.Key {
	in := func(name, is, sent string) forwarders.Key {
		return forwarders.Key{Name: name, Is: is, Sent: sent, Paths: []string{"data.user." + name}}
	}
	return []forwarders.Key{
		in("ttclid", "the ad click", "as it is, byte for byte"),
		in("email", "e-mail address", hashed),
		in("phone", "phone number", "+, country's code and digits, then SHA-256"),
		in("external_id", "the click's ID, and your user ID", "SHA-256"),
		in("ttp", "the pixel's cookie _ttp", "as it is"),
		in("ip", "the visitor's address", "as it is"),
		in("user_agent", "the visitor's browser", "as it is"),
		in("first_name", "first name", hashed),
		in("last_name", "last name", hashed),
		in("zip_code", "postal code", hashed),
		in("city", "city", "lower case, in the clear"),
		in("state", "state", "lower case, in the clear"),
		in("country", "country", "two letters, in the clear"),
		in("locale", "the browser's language", "as it is"),
	}
}

// rules are what else TikTok asks of an event.
func rules() []string {
	return []string{
		"One of ttclid, ttp, email, phone, external_id, or address and browser together, is needed: without, the event is taken and lost.",
		"A page is named: the one the visitor loaded, else default_event_source_url, else public_url.",
		"Money goes in a currency that TikTok lists; convert others by value.multiply and value.currency.",
		"No sub parameter of the network ever leaves.",
	}
}
