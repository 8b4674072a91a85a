package relay

// rules are what holds for every receiver.
func rules() []string {
	return []string{
		"One conversion a request. {secret.NAME} is filled in last and never shown.",
		"A receiver can't tell a test from a conversion but by its IDs, which begin with test-.",
		"sub1 to sub10 and adv1 to adv10 leave only with allow_sensitive: true.",
	}
}
