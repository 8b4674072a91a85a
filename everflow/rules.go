package everflow

// Rule is what a finding's code stands for.
type Rule struct {
	Code     string
	Severity Severity
	Level    Level
	Why      string
}

// Rules returns all codes that a Doctor may give, in groups: how the URL is
// written, where it goes, its macros, its parameters, its values.
func Rules() []Rule {
	return []Rule{
		{"not_a_url", SeverityError, LevelPostback, "nothing in it can be read as a URL or a query"},
		{"bad_scheme", SeverityError, LevelPostback, "Everflow takes URLs that begin with https:// or http:// alone"},
		{"white_space", SeverityError, LevelPostback, "a space or line end cuts the URL, or becomes part of a value that then matches nothing"},
		{"html_entity", SeverityError, LevelPostback, "copied from a web page's source: the parameters would be called amp;payout and so on"},
		{"second_url", SeverityError, LevelPostback, "two addresses run into each other: it reaches neither"},
		{"missing_question_mark", SeverityError, LevelPostback, "without a ? all parameters are part of the path, and none arrives"},
		{"doubled_question_mark", SeverityError, LevelPostback, "only the first ? begins the parameters: the name or value after the second one is spoiled"},
		{"doubled_ampersand", SeverityWarning, LevelPostback, "an empty parameter: harmless here, but some of it was deleted or pasted twice"},
		{"semicolon_separator", SeverityError, LevelPostback, "parameters are separated by &: all after the ; is part of one value"},
		{"missing_ampersand", SeverityError, LevelPostback, "two parameters run into each other: neither has its value"},
		{"missing_equals", SeverityError, LevelPostback, "a parameter without = has no value"},
		{"fragment", SeverityError, LevelPostback, "what follows a # is never sent"},
		{"duplicate_parameter", SeverityWarning, LevelPostback, "two values for one thing: nobody can rely on which one counts"},

		{"local_address", SeverityError, LevelPostback, "Everflow's servers can't reach an address that exists on your machine or network only; ten failures in a row switch the postback off"},
		{"example_host", SeverityError, LevelPostback, "the host is a template's: nobody answers there"},
		{"platform_api", SeverityError, LevelPostback, "ad platforms take no GET with parameters: their APIs want an authenticated POST"},
		{"tracking_link", SeverityError, LevelPostback, "this is the link that visitors click: called as a postback it makes clicks and credits no conversion"},
		{"swapped_link", SeverityError, LevelLink, "the order is affiliate, then offer: the other way round the click is discarded or is somebody else's"},
		{"campaign_link", SeverityError, LevelPostback, "this path records a click and answers with a redirect, which is no success for a postback"},
		{"other_tracker", SeverityWarning, LevelPostback, "the conversion goes to another tracker, which can't know this one's click IDs"},
		{"staging_host", SeverityWarning, LevelPostback, "it looks like a test set-up: real conversions would end there"},
		{"unknown_host", SeverityError, LevelPostback, "the host is none of this tracker's, so nothing arrives here"},
		{"plain_http", SeverityWarning, LevelPostback, "it goes over the network unencrypted, and a proxy that redirects to https makes each postback fail"},
		{"wrong_path", SeverityError, LevelPostback, "this is no postback path: what comes there is kept aside and credited to nobody"},
		{"unknown_endpoint", SeverityError, LevelPostback, "there is no endpoint of that name: what comes there is kept aside and credited to nobody"},
		{"pixel_path", SeverityWarning, LevelPostback, "the pixel is for browsers: its conversions are trusted less and its answer is an image"},
		{"redirect_answer", SeverityError, LevelPostback, "it was answered with a redirect, which Everflow may count as a failure"},
		{"error_answer", SeverityError, LevelTracker, "it was answered with an error: ten in a row within 72 hours switch the postback off"},

		{"wrong_macro", SeverityError, LevelPostback, "macros are case-sensitive: Everflow sends one that it does not know as it stands"},
		{"foreign_macro", SeverityError, LevelPostback, "it is another tracker's placeholder: Everflow fills {name} alone and sends this as it stands"},
		{"doubled_braces", SeverityError, LevelPostback, "Everflow's macros have single braces: the outer ones stay in the value"},
		{"lost_braces", SeverityError, LevelPostback, "without both its braces a macro is plain text"},
		{"encoded_braces", SeverityError, LevelPostback, "Everflow looks for { and }: encoded as %7B and %7D they are plain text"},
		{"double_encoding", SeverityError, LevelPostback, "it was encoded twice: one decoding leaves %XX in the value"},
		{"template_word", SeverityError, LevelPostback, "nobody replaced a template's word: it arrives as it stands"},
		{"own_name", SeverityError, LevelPostback, "the value is the parameter's own name: it arrives as it stands"},
		{"no_macro", SeverityError, LevelPostback, "nothing stands there to be filled in: the value is always empty"},
		{"platform_macro", SeverityError, LevelPostback, "it is an ad platform's: Everflow does not know it, and a Global postback fires for conversions that never had one"},
		{"not_partner_macro", SeverityError, LevelPostback, "Everflow fills it elsewhere, never in a partner's postback"},
		{"embedded_macro", SeverityError, LevelPostback, "the text around the macro becomes part of the value: it matches nothing"},
		{"unclear_macro", SeverityNote, LevelPostback, "whether partners get it was not confirmed: the list in the postback form decides"},
		{"unfilled_macro", SeverityError, LevelPostback, "Everflow fills a macro when it fires the postback itself; one that arrives as it stands was typed, tested by hand, or is hidden by the network"},

		{"missing_click_id", SeverityError, LevelPostback, "without the click ID no conversion finds its click"},
		{"wrong_click_parameter", SeverityError, LevelPostback, "this path knows the click ID by another name"},
		{"wrong_slot", SeverityError, LevelPostback, "the click ID travels in another slot of your links: this one holds something else"},
		{"offer_id_misplaced", SeverityError, LevelPostback, "the offer's number stands where something else belongs"},
		{"transaction_as_conversion", SeverityError, LevelPostback, "the transaction ID is the click session's: upsells and renewals share it, and would count as one conversion"},
		{"revenue_as_payout", SeverityError, LevelPostback, "revenue is what the network earns: a partner gets nothing, or not his own payout"},
		{"mismatched_macro", SeverityError, LevelPostback, "the macro gives something else than the parameter is read as"},
		{"missing_payout", SeverityWarning, LevelPostback, "without the payout nobody knows what the conversion was worth, and platforms get no value"},
		{"missing_transaction", SeverityWarning, LevelPostback, "without a transaction or conversion ID two conversions of one click look like a repetition"},
		{"missing_key", SeverityWarning, LevelPostback, "the endpoint has a key: a postback without it can be anybody's"},
		{"wrong_key", SeverityError, LevelPostback, "a postback with a wrong key is kept aside and credited to nobody"},
		{"cpc_postback", SeverityError, LevelPostback, "type CPC fires for each paid click: none of them is a conversion, and nothing is credited"},
		{"event_without_goal", SeverityError, LevelPostback, "an event without its name or number looks like the base conversion and is counted as one"},
		{"test_flag", SeverityWarning, LevelPostback, "with test on, every conversion is recorded as a test and counts nowhere"},
		{"fixed_value", SeverityError, LevelPostback, "a value that is typed in is the same for every conversion"},
		{"offer_out_of_scope", SeverityWarning, LevelPostback, "the endpoint was made for other offers"},

		{"empty_click_id", SeverityError, LevelLink, "the click reached the network without an ID: the postback only repeats what the link brought"},
		{"platform_click_id", SeverityWarning, LevelLink, "the slot holds an ad platform's click ID, so there is no click of this tracker to credit"},
		{"damaged_click_id", SeverityError, LevelLink, "it is nearly one of this tracker's click IDs: something on the way cut or changed it"},
		{"foreign_click_id", SeverityWarning, LevelLink, "it has not the form of this tracker's click IDs: it matches nothing but an imported click"},
		{"payout_currency", SeverityError, LevelPostback, "an amount with a currency's sign or name is no number"},
		{"payout_decimal_comma", SeverityError, LevelPostback, "an amount with a comma is no number: 42,50 and 4,250 can't be told apart"},
		{"payout_not_a_number", SeverityError, LevelPostback, "what is no number can't be counted as revenue or told to a platform"},
	}
}
