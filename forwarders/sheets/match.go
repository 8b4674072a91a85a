package sheets

// rules are what holds for every row.
func rules() []string {
	return []string{
		"A row a conversion, told apart by its id: a repeat writes none.",
		"A text is never taken for a formula, a number or a date.",
		"sub1 to sub10 and adv1 to adv10 leave only with allow_sensitive: true.",
	}
}
