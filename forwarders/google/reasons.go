package google

import "subfive"

// reasons are those of a field's violation in a request to Data Manager. The
// class is that wherever the field is; "" hangs on the field: in an event it is
// refused, in the request's head the settings are wrong.
// (google/ads/datamanager/v1/error.proto; which lie in the settings is our own
// reading of their words.)
var reasons = []line{
	{"INTERNAL_ERROR", "", "An internal error at Google.", doNothing},
	{"DEADLINE_EXCEEDED", "", "Google did not finish in time.", doNothing},
	{"RESOURCE_EXHAUSTED", "", "The quota of the Google Cloud project is used up.", doPause},
	{"NOT_FOUND", "", "What the field names does not exist.", doAction},
	{"PERMISSION_DENIED", subfive.Misconfigured, "The credentials may not write to the account.", doAccess},
	{"INVALID_ARGUMENT", "", "The field is not as Google wants it.", doReplay},
	{"REQUIRED_FIELD_MISSING", "", "A field that Google wants is missing.", doReplay},
	{"INVALID_FORMAT", "", "The field has another form than Google wants.", doReplay},
	{"INVALID_HEX_ENCODING", "", "A digest is not in hex.", doUserData},
	{"INVALID_BASE64_ENCODING", "", "A digest is not in base64.", doBug},
	{"INVALID_SHA256_FORMAT", "", "A digest is not SHA-256.", doUserData},
	{"INVALID_POSTAL_CODE", "", "The postal code is none of the country's.", doUserData},
	{"INVALID_REGION_CODE", "", "The country is not an ISO 3166 code.", doUserData},
	{"TOO_MANY_USER_IDENTIFIERS", "", "The event has more than 10 identifiers of the person.", doBug},
	{"TOO_MANY_DESTINATIONS", subfive.Misconfigured, "The request names more than 10 destinations.", doBug},
	{"INVALID_DESTINATION", subfive.Misconfigured, "An event names a destination that the request has not.", doBug},
	{"DUPLICATE_DESTINATION_REFERENCE", subfive.Misconfigured, "Two destinations have the same name.", doBug},
	{"MULTIPLE_DATA_TYPES_NOT_ALLOWED", "", "The event has more than one click ID.", doBug},
	{"TERMS_AND_CONDITIONS_NOT_SIGNED", subfive.Misconfigured, "The account has not accepted the terms.", doTerms},
	{"INVALID_NUMBER_FORMAT", "", "A number is not written in digits alone.", doAction},
	{"INVALID_CONVERSION_ACTION_ID", subfive.Misconfigured, "The account has no such conversion action.", doAction},
	{"INVALID_CONVERSION_ACTION_TYPE", subfive.Misconfigured, "The conversion action is not one that takes conversions of clicks.", doAction},
	{"INVALID_CURRENCY_CODE", "", "The currency is none that Google knows.", "Check the currency of the offer or of the destination's value rule. Then replay it."},
	{"INVALID_EVENT", "", "Google refuses the event as a whole.", doReplay},
	{"TOO_MANY_EVENTS", "", "The request has more than 2000 events.", "Nothing: it is sent again in smaller requests."},
	{"DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS", subfive.Misconfigured, "Enhanced conversions for leads are off in the account.", doTerms},
	{"DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS", subfive.Misconfigured, "Google's customer data policy allows this account no user data.", doNoUser},
	{"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", subfive.Misconfigured, "The account has not accepted the terms of enhanced conversions.", doTerms},
	{"NO_IDENTIFIERS_PROVIDED", "", "The event has neither a click ID nor user data.", doBug},
	{"LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT", subfive.Misconfigured, "A linked account goes with a data partner's login only.", doBug},
	{"OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", subfive.Misconfigured, "login_customer_id is no manager of customer_id.", doAccess},
	{"EVENT_TIME_INVALID", "", "The event's time is in the future, or too long ago.", "Check this machine's clock and the network's time macro. What is too old Google takes no more."},
	{"NOT_ALLOWLISTED", subfive.Misconfigured, "The account may not use a field of the request.", doBug},
	{"INVALID_REQUEST_ID", subfive.Transient, "Google does not know the request that it gave this ID to.", "Nothing: it is asked again. At the end it counts as unconfirmed; look for it in Google Ads."},
	{"FIELD_VALUE_TOO_LONG", "", "A field is longer than Google takes.", doReplay},
	{"TOO_MANY_ELEMENTS", "", "A list is longer than Google takes.", doBug},
	{"INVALID_MERCHANT_ID", "", "The cart's merchant is none.", doBug},
	{"THIRD_PARTY_USER_DATA_NOT_ALLOWED", subfive.Misconfigured, "The account may not be sent others' user data.", doNoUser},
	{"EVENT_SOURCE_AND_DESTINATION_MISMATCH", subfive.Misconfigured, "The conversion action does not take events of the web.", doAction},
	{"DESTINATION_ACCOUNT_TYPE_MISMATCH", subfive.Misconfigured, "customer_id is not a Google Ads account's number.", doAccount},
	{"CUSTOM_VARIABLE_VALUE_CONTAINS_PII", "", "A custom variable holds personal data.", doVariable},
	{"CUSTOM_VARIABLE_NOT_ENABLED", subfive.Misconfigured, "The custom variable is not enabled in the account.", doVariable},
	{"INVALID_CUSTOM_VARIABLE_VALUE", "", "A custom variable's value can't be read.", doVariable},
	{"CUSTOM_VARIABLE_NOT_FOUND", subfive.Misconfigured, "The account has no such custom variable.", doVariable},
}

// verdictReasons are those that Data Manager gives later for events that it took
// and could not use. (ProcessingErrorReason, discovery document of 2026-10-07.)
var verdictReasons = []line{
	{"PROCESSING_ERROR_REASON_INVALID_CUSTOM_VARIABLE", subfive.Rejected, "A custom variable can't be used.", doVariable},
	{"PROCESSING_ERROR_REASON_CUSTOM_VARIABLE_NOT_ENABLED", subfive.Misconfigured, "A custom variable is not enabled in the account.", doVariable},
	{"PROCESSING_ERROR_REASON_EVENT_TOO_OLD", subfive.Rejected, "The event is too old.", doGone},
	{"PROCESSING_ERROR_REASON_DENIED_CONSENT", subfive.Rejected, "The visitor denied the use of his data.", doConsent},
	{"PROCESSING_ERROR_REASON_NO_CONSENT", subfive.Rejected, "The visitor's consent is missing, where Google wants it.", doConsent},
	{"PROCESSING_ERROR_REASON_UNKNOWN_CONSENT", subfive.Rejected, "Google can't tell whether the visitor consented.", doConsent},
	{"PROCESSING_ERROR_REASON_DUPLICATE_GCLID", subfive.Accepted, "Google has a conversion of this click and time already.", doThere},
	{"PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID", subfive.Accepted, "Google has a conversion with this transaction ID already.", doThere},
	{"PROCESSING_ERROR_REASON_INVALID_GBRAID", subfive.Rejected, "The gbraid is not one of Google's.", doClickID},
	{"PROCESSING_ERROR_REASON_INVALID_GCLID", subfive.Rejected, "The gclid is not one of Google's.", doClickID},
	{"PROCESSING_ERROR_REASON_INVALID_WBRAID", subfive.Rejected, "The wbraid is not one of Google's.", doClickID},
	{"PROCESSING_ERROR_REASON_INVALID_MERCHANT_ID", subfive.Rejected, "The cart's merchant is none.", doBug},
	{"PROCESSING_ERROR_REASON_INTERNAL_ERROR", subfive.Transient, "An internal error at Google.", doNothing},
	{"PROCESSING_ERROR_REASON_DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", subfive.Misconfigured, "The account has not accepted the terms of enhanced conversions.", doTerms},
	{"PROCESSING_ERROR_REASON_INVALID_EVENT", subfive.Rejected, "Google can't use the event.", doReplay},
	{"PROCESSING_ERROR_REASON_INVALID_FORMAT", subfive.Rejected, "Something in the event has another form than Google wants.", doReplay},
	{"PROCESSING_ERROR_REASON_ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID", subfive.Misconfigured, "The conversion action counts one conversion a click, and so takes no gbraid or wbraid.", "In Google Ads, Goals > Conversions, set the action's count to \"Every\". Then \"subfive destinations resume ID\"."},
	{"PROCESSING_ERROR_REASON_INVALID_AD_IDENTIFIERS", subfive.Rejected, "The click ID can't be used.", doClickID},
	{"PROCESSING_ERROR_REASON_CONVERSION_PRECEDES_CLICK", subfive.Rejected, "The conversion is said to have happened before the click.", "Check that the network's time macro is in UTC or has its zone, and this machine's clock. Then replay it."},
	{"PROCESSING_ERROR_REASON_TOO_RECENT_CLICK", subfive.Deferred, "The click is less than 6 hours old, and Google does not know it yet.", "Nothing: it is sent again after 6 hours."},
	{"PROCESSING_ERROR_REASON_INVALID_CLICK", subfive.Rejected, "Google does not count the click as a real one.", "Nothing: Google takes no conversion of it."},
	{"PROCESSING_ERROR_REASON_INVALID_OPERATING_ACCOUNT_FOR_CLICK", subfive.Misconfigured, "The click belongs to an account whose conversions are counted elsewhere.", doAccount},
	{"PROCESSING_ERROR_REASON_CLICK_NOT_FOUND", subfive.Rejected, "Google can't find the click: it may be of another account, or of no ad.", "Check that the source's clicks are of this Google Ads account. Nothing can be done for this click."},
	{"PROCESSING_ERROR_REASON_EXPIRED_CLICK", subfive.Rejected, "The click is older than the action's click-through window, 90 days at most.", doWindow},
	{"PROCESSING_ERROR_REASON_EXTERNAL_ATTRIBUTION_DATA_MISSING", subfive.Misconfigured, "The conversion action wants external attribution, which is not sent.", doExternal},
	{"PROCESSING_ERROR_REASON_DESTINATION_TOO_RECENTLY_CREATED", subfive.Deferred, "The conversion action was made a short time ago, and takes nothing yet.", "Nothing: it is sent again after 6 hours."},
	{"PROCESSING_ERROR_REASON_ORIGINAL_CONVERSIONS_NOT_FOUND", subfive.Rejected, "Google has no conversion that the change could be about.", "Look in Google Ads whether the conversion is there, and change it by hand."},
	// This one has no REASON_ in its name.
	{"PROCESSING_ERROR_OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER", subfive.Misconfigured, "The click belongs to another account.", doAccount},
}
