package everflow

// LiveRules returns the codes of what is found in a set-up, in its traffic, and
// by calling its public URL.
func LiveRules() []Rule {
	return []Rule{
		{"config_problem", SeverityError, LevelTracker, "the file can't be used as it is"},
		{"no_public_url", SeverityWarning, LevelTracker, "links and postback URLs are built from it; without it they work on this machine only"},
		{"key_beside_database", SeverityNote, LevelTracker, "who copies the data folder has the sealed data and the key that opens it"},
		{"clock_skew", SeverityError, LevelTracker, "leases are counted by both clocks: beyond ten seconds nothing is sent"},

		{"no_postbacks", SeverityWarning, LevelPostback, "no postback ever came in there: it is not set up, or for nothing"},
		{"postbacks_without_clicks", SeverityError, LevelLink, "conversions come in and no click was ever recorded: visitors do not use this tracker's links"},
		{"campaign_without_clicks", SeverityWarning, LevelLink, "if the link records no clicks, no conversion can ever be credited"},
		{"failure_budget", SeverityWarning, LevelTracker, "ten failures in a row within 72 hours and Everflow switches the postback off"},

		{"literal_macros", SeverityError, LevelPostback, "a macro that arrives as it was written has no value: those conversions find no click"},
		{"empty_click_ids", SeverityError, LevelLink, "the click reached the network without an ID: nothing in the postback can mend that"},
		{"foreign_click_ids", SeverityWarning, LevelLink, "visitors came by a link that this tracker did not make"},
		{"platform_click_ids", SeverityWarning, LevelLink, "the slot holds an ad platform's click ID, so there is no click of this tracker to credit"},
		{"unmatched_click_ids", SeverityWarning, LevelLink, "the IDs have this tracker's form, and it knows no such clicks: another tracker's data folder, or clicks that were deleted"},
		{"malformed_postbacks", SeverityError, LevelPostback, "what can't be read is kept and not counted"},
		{"cpc_postbacks", SeverityWarning, LevelPostback, "postbacks of type CPC fire for paid clicks: none is a conversion"},
		{"both_fire", SeverityWarning, LevelPostback, "a Global and a Specific postback tell of the same conversion: it is counted once here, and each needs watching"},
		{"scope_smell", SeverityWarning, LevelPostback, "a Global postback fires for every source, and only one of them has that parameter"},
		{"http_postbacks", SeverityWarning, LevelPostback, "they come over the network unencrypted, and a redirect to https would fail each of them"},
		{"wrong_path_postbacks", SeverityError, LevelPostback, "what comes to a path that is none is kept aside and credited to nobody"},
		{"unknown_endpoint_postbacks", SeverityError, LevelPostback, "what comes to an endpoint that is none is kept aside and credited to nobody"},
		{"wrong_key_postbacks", SeverityError, LevelPostback, "what comes with a wrong key is kept aside and credited to nobody"},
		{"missing_key_postbacks", SeverityWarning, LevelPostback, "a postback without the endpoint's key can be anybody's"},
		{"too_many_postbacks", SeverityWarning, LevelTracker, "somebody sends postbacks without a click ID of this tracker, faster than networks do"},
		{"proxy_addresses", SeverityError, LevelTracker, "the visitors' addresses are lost: platforms match worse, and every visitor looks like one"},

		{"unmapped_goals", SeverityWarning, LevelTracker, "a goal that a destination does not map is not told to its platform"},
		{"payout_above_max", SeverityWarning, LevelTracker, "a payout above payout_max is recorded and not forwarded until somebody looked"},
		{"destination_paused", SeverityError, LevelTracker, "its deliveries wait, and platforms take late events for some days only"},
		{"destination_misconfigured", SeverityError, LevelTracker, "its platform refuses the settings: nothing is delivered until they are mended"},
		{"destination_dry_run", SeverityWarning, LevelTracker, "conversions are decided and shown, and its platform is told nothing"},
		{"dead_deliveries", SeverityError, LevelTracker, "the platform was not told, and will not be unless somebody replays"},

		{"days_zone", SeverityWarning, LevelTracker, "reports by day are counted in another time zone than the settings name"},
		{"source_zone", SeverityNote, LevelTracker, "a platform bills by its ad account's days: where they are not the reports', cost falls on the day before or after"},

		{"self_unreachable", SeverityError, LevelTracker, "if this machine can't reach its public URL, Everflow likely can't either"},
		{"self_tls", SeverityError, LevelTracker, "Everflow gives up on a certificate that is not valid"},
		{"self_redirect", SeverityError, LevelTracker, "a redirect is no success: each postback may count as a failure"},
		{"self_challenge", SeverityError, LevelTracker, "a page that asks for a browser answers Everflow instead of the tracker: every postback fails"},
		{"self_other_answer", SeverityError, LevelTracker, "another program answers at the public URL"},

		{"link_unreachable", SeverityError, LevelLink, "visitors get no further, and the click is paid for"},
		{"link_status", SeverityError, LevelLink, "visitors get no further, and the click is paid for"},
		{"link_loop", SeverityError, LevelLink, "browsers give up on a chain without end"},
		{"link_slot_missing", SeverityError, LevelLink, "the network gets no click ID: its postback will bring none"},
		{"link_slot_changed", SeverityError, LevelLink, "another program on the way replaced the click ID: the conversion is credited elsewhere or nowhere"},
		{"link_not_network", SeverityWarning, LevelLink, "the chain ends at a page that is no offer's link, so the network sees no click yet"},
		{"link_hops", SeverityWarning, LevelLink, "each redirect more costs visitors; two are what buyers allow"},
		{"link_page_redirect", SeverityWarning, LevelLink, "a page that redirects by itself is slow, and some browsers and bots stop there"},
		{"link_plain_http", SeverityWarning, LevelLink, "browsers warn of it, and what stands in the link can be read on the way"},
		{"link_slow", SeverityNote, LevelLink, "visitors leave while they wait"},
	}
}
