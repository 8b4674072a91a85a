package google

import "subfive"

// The groups that an upload's own errors come in.
const (
	groupUpload     = "conversionUploadError"
	groupAdjustment = "conversionAdjustmentUploadError"
)

// uploadErrors are all of ConversionUploadErrorEnum, in the order of their
// numbers. (google-ads protos, errors/conversion_upload_error.proto, v21 to v25.)
var uploadErrors = []line{
	{"TOO_MANY_CONVERSIONS_IN_REQUEST", subfive.Rejected, "The request has more than 2000 conversions.", "Nothing: it is sent again in smaller requests."},
	{"UNPARSEABLE_GCLID", subfive.Rejected, "The gclid is not one of Google's: cut, changed or made up.", doClickID},
	{"UNAUTHORIZED_CUSTOMER", subfive.Misconfigured, "The click belongs to an account that these credentials do not reach.", "Give each Google Ads account a destination of its own, and route its campaigns there. " + doAccess},
	{"TOO_RECENT_CONVERSION_ACTION", subfive.Deferred, "The conversion action was made a short time ago, and takes nothing yet.", "Nothing: it is sent again after 6 hours."},
	{"CONVERSION_TRACKING_NOT_ENABLED_AT_IMPRESSION_TIME", subfive.Rejected, "Conversion tracking was off in the account when the ad was clicked.", "Nothing for this click. See that customer_id is the account that tracks conversions for the account with the ads."},
	{"EXTERNAL_ATTRIBUTION_DATA_SET_FOR_NON_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION", subfive.Misconfigured, "The request has external attribution, and the conversion action takes none.", doBug},
	{"EXTERNAL_ATTRIBUTION_DATA_NOT_SET_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION", subfive.Misconfigured, "The conversion action wants external attribution, which is not sent.", doExternal},
	{"ORDER_ID_NOT_PERMITTED_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION", subfive.Misconfigured, "The conversion action is externally attributed and takes no order ID.", doExternal},
	{"ORDER_ID_ALREADY_IN_USE", subfive.Accepted, "Google has a conversion with this order ID already.", doThere},
	{"DUPLICATE_ORDER_ID", subfive.Deferred, "Two rows of one request had the same order ID, and Google did neither.", "Nothing: they are sent apart."},
	{"TOO_RECENT_CALL", subfive.Deferred, "The call is less than 6 hours old.", "Nothing: it is sent again after 6 hours."},
	{"EXPIRED_CALL", subfive.Rejected, "The call is older than the action's conversion window.", doWindow},
	{"CALL_NOT_FOUND", subfive.Rejected, "Google knows no such call.", doBug},
	{"CONVERSION_PRECEDES_CALL", subfive.Rejected, "The conversion happened before the call.", doBug},
	{"CONVERSION_TRACKING_NOT_ENABLED_AT_CALL_TIME", subfive.Rejected, "Conversion tracking was off in the account at the time of the call.", doBug},
	{"UNPARSEABLE_CALLERS_PHONE_NUMBER", subfive.Rejected, "The caller's number can't be read.", doBug},
	{"CLICK_CONVERSION_ALREADY_EXISTS", subfive.Accepted, "Google has a conversion of this click at this very second.", doThere},
	{"CALL_CONVERSION_ALREADY_EXISTS", subfive.Accepted, "Google has a conversion of this call at this very second.", doThere},
	{"DUPLICATE_CLICK_CONVERSION_IN_REQUEST", subfive.Deferred, "Two rows of one request were of the same click and second, and Google did neither.", "Nothing: they are sent apart."},
	{"DUPLICATE_CALL_CONVERSION_IN_REQUEST", subfive.Deferred, "Two rows of one request were of the same call and second, and Google did neither.", "Nothing: they are sent apart."},
	{"CUSTOM_VARIABLE_NOT_ENABLED", subfive.Misconfigured, "The custom variable is not enabled in the account.", doVariable},
	{"CUSTOM_VARIABLE_VALUE_CONTAINS_PII", subfive.Rejected, "A custom variable holds personal data.", doVariable},
	{"INVALID_CUSTOMER_FOR_CLICK", subfive.Misconfigured, "The click belongs to an account whose conversions are counted elsewhere.", doAccount},
	{"INVALID_CUSTOMER_FOR_CALL", subfive.Misconfigured, "The call belongs to an account whose conversions are counted elsewhere.", doAccount},
	{"CONVERSION_NOT_COMPLIANT_WITH_ATT_POLICY", subfive.Rejected, "Apple's App Tracking Transparency does not allow Google to count it.", "Nothing: the visitor did not allow it."},
	{"CLICK_NOT_FOUND", subfive.Rejected, "No click of an ad matches the user data.", "Nothing: the visitor did not come by one of the account's ads, or Google can't tell."},
	{"INVALID_USER_IDENTIFIER", subfive.Rejected, "The email or phone is not a digest that Google can read.", doUserData},
	{"EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION_NOT_PERMITTED_WITH_USER_IDENTIFIER", subfive.Misconfigured, "The conversion action is externally attributed and takes no user data.", doNoUser},
	{"UNSUPPORTED_USER_IDENTIFIER", subfive.Rejected, "Google takes hashed email and phone here, and nothing else of the person.", doBug},
	{"GBRAID_WBRAID_BOTH_SET", subfive.Rejected, "The row has a gbraid and a wbraid.", doBug},
	{"UNPARSEABLE_WBRAID", subfive.Rejected, "The wbraid is not one of Google's: cut, changed or made up.", doClickID},
	{"UNPARSEABLE_GBRAID", subfive.Rejected, "The gbraid is not one of Google's: cut, changed or made up.", doClickID},
	{"CONVERSION_PRECEDES_EVENT", subfive.Rejected, "The conversion is said to have happened before the click.", "Check that the network's time macro is in UTC or has its zone, and this machine's clock. Then replay it."},
	{"EXPIRED_EVENT", subfive.Rejected, "The click is older than the action's click-through window, 90 days at most.", doWindow},
	{"TOO_RECENT_EVENT", subfive.Deferred, "The click is less than 6 hours old, and Google does not know it yet.", "Nothing: it is sent again after 6 hours. That is usual for fast conversions."},
	{"EVENT_NOT_FOUND", subfive.Rejected, "Google can't find the click: it may be of another account, or of no ad.", "Check that the source's clicks are of this Google Ads account. Nothing can be done for this click."},
	{"ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID", subfive.Misconfigured, "The conversion action counts one conversion a click, and so takes no gbraid or wbraid.", "In Google Ads, Goals > Conversions, set the action's count to \"Every\". Then \"subfive destinations resume ID\"."},
	{"CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS", subfive.Misconfigured, "Google's customer data policy allows this account no user data.", doNoUser},
	{"CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", subfive.Misconfigured, "The account has not accepted the customer data terms.", doTerms},
	{"ORDER_ID_CONTAINS_PII", subfive.Rejected, "Google takes the order ID for personal data.", doBug},
	{"CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS", subfive.Misconfigured, "Enhanced conversions for leads are off in the account.", doTerms},
	{"INVALID_JOB_ID", subfive.Rejected, "The request's job ID is out of its range.", doBug},
	{"NO_CONVERSION_ACTION_FOUND", subfive.Misconfigured, "The account has no such conversion action, or it is removed.", doAction},
	{"INVALID_CONVERSION_ACTION_TYPE", subfive.Misconfigured, "The conversion action is not one that takes uploads of clicks.", doAction},
	{"UNSPECIFIED", subfive.Rejected, "Google does not say what is wrong.", doReplay},
	{"UNKNOWN", subfive.Rejected, "Google names an error that this version of its API has no word for.", "Look at Google Ads, Goals > Conversions > Uploads, for what it says there; a newer api_version may have the word. Then replay it."},
}

// adjustmentErrors are all of ConversionAdjustmentUploadErrorEnum, in the order
// of their numbers. (errors/conversion_adjustment_upload_error.proto.)
var adjustmentErrors = []line{
	{"TOO_RECENT_CONVERSION_ACTION", subfive.Deferred, "The conversion action was made a short time ago, and takes nothing yet.", "Nothing: it is sent again after 6 hours."},
	{"CONVERSION_ALREADY_RETRACTED", subfive.Accepted, "The conversion was taken back before.", doThere},
	{"CONVERSION_NOT_FOUND", subfive.Deferred, "Google has no conversion with this order ID, or has not processed it yet.", "Nothing: it is sent again every 6 hours until the age limit. If the conversion went out with api: data_manager, change it in Google Ads."},
	{"CONVERSION_EXPIRED", subfive.Rejected, "The conversion is more than 54 days old, and can't be changed any more.", doGone},
	{"ADJUSTMENT_PRECEDES_CONVERSION", subfive.Rejected, "The change is said to be earlier than the conversion.", "Check this machine's clock and the network's time macro. Then replay it."},
	{"MORE_RECENT_RESTATEMENT_FOUND", subfive.Rejected, "Google has a later change of the conversion already.", "Nothing: the later one holds."},
	{"TOO_RECENT_CONVERSION", subfive.Deferred, "The conversion was uploaded less than 24 hours ago, and can't be changed yet.", "Nothing: it is sent again after 24 hours."},
	{"CANNOT_RESTATE_CONVERSION_ACTION_THAT_ALWAYS_USES_DEFAULT_CONVERSION_VALUE", subfive.Misconfigured, "The conversion action always counts its own value, so that none can be changed.", "In Google Ads, Goals > Conversions, let the action use different values; or set on_payout_change: none. Then \"subfive destinations resume ID\"."},
	{"TOO_MANY_ADJUSTMENTS_IN_REQUEST", subfive.Rejected, "The request has more than 2000 changes.", "Nothing: it is sent again in smaller requests."},
	{"TOO_MANY_ADJUSTMENTS", subfive.Rejected, "The conversion was changed too often.", "Nothing: Google keeps the last change that it took."},
	{"RESTATEMENT_ALREADY_EXISTS", subfive.Accepted, "Google has this very change already.", doThere},
	{"DUPLICATE_ADJUSTMENT_IN_REQUEST", subfive.Deferred, "Two rows of one request change the same conversion at the same second, and Google did neither.", "Nothing: they are sent apart."},
	{"CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", subfive.Misconfigured, "The account has not accepted the customer data terms.", doTerms},
	{"CONVERSION_ACTION_NOT_ELIGIBLE_FOR_ENHANCEMENT", subfive.Misconfigured, "The conversion action takes no enhancement.", doBug},
	{"INVALID_USER_IDENTIFIER", subfive.Rejected, "A digest of the person can't be read.", doBug},
	{"UNSUPPORTED_USER_IDENTIFIER", subfive.Rejected, "Google takes no such part of the person here.", doBug},
	{"GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET", subfive.Rejected, "The row names the conversion in two ways.", doBug},
	{"CONVERSION_ALREADY_ENHANCED", subfive.Accepted, "The conversion was enhanced before.", doThere},
	{"DUPLICATE_ENHANCEMENT_IN_REQUEST", subfive.Deferred, "Two rows of one request enhance the same conversion, and Google did neither.", "Nothing: they are sent apart."},
	{"CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCEMENT", subfive.Misconfigured, "Google's customer data policy allows this account no enhancement.", doBug},
	{"MISSING_ORDER_ID_FOR_WEBPAGE", subfive.Rejected, "A conversion of a website's tag can be named by its order ID alone, and there is none.", doBug},
	{"ORDER_ID_CONTAINS_PII", subfive.Rejected, "Google takes the order ID for personal data.", doBug},
	{"INVALID_JOB_ID", subfive.Rejected, "The request's job ID is out of its range.", doBug},
	{"NO_CONVERSION_ACTION_FOUND", subfive.Misconfigured, "The account has no such conversion action, or it is removed.", doAction},
	{"INVALID_CONVERSION_ACTION_TYPE", subfive.Misconfigured, "The conversion action is not one whose conversions can be changed.", doAction},
	{"UNSPECIFIED", subfive.Rejected, "Google does not say what is wrong.", doReplay},
	{"UNKNOWN", subfive.Rejected, "Google names an error that this version of its API has no word for.", doReplay},
}

const (
	doDisabled = "See in Google Ads whether the account is active and its terms are accepted, then \"subfive destinations resume ID\"."
	doOldToken = "Delete developer_token: Google needs none since 2026-09-09. Apply, then \"subfive destinations resume ID\"."
)

// accountErrors are the other groups that say what to do with all that is sent.
// (errors/quota_error.proto, authentication_error.proto, authorization_error.proto
// and so on.)
var accountErrors = []struct {
	name  string
	lines []line
}{
	{"quotaError", []line{
		{"RESOURCE_EXHAUSTED", subfive.Throttled, "The quota of operations is used up.", doPause},
		{"RESOURCE_TEMPORARILY_EXHAUSTED", subfive.Throttled, "Too many requests in a short time.", doPause},
		{"EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", subfive.Throttled, "The account's requests cost too much in a short time.", doPause},
		{"EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION", subfive.Throttled, "The account's requests cost too much in a long time.", doPause},
		{"ACCESS_PROHIBITED", subfive.Misconfigured, "The access of the Google Cloud project is blocked.", doConsole},
	}},
	{"internalError", []line{
		{"TRANSIENT_ERROR", subfive.Transient, "A passing error at Google.", doNothing},
		{"INTERNAL_ERROR", subfive.Transient, "An internal error at Google.", doNothing},
		{"DEADLINE_EXCEEDED", subfive.Transient, "Google did not finish in time.", doNothing},
	}},
	{"databaseError", []line{
		{"CONCURRENT_MODIFICATION", subfive.Transient, "Another request changed the same at the same time.", doNothing},
		{"REQUEST_TOO_LARGE", subfive.Rejected, "The request is too large.", "Nothing: it is sent again in smaller requests."},
	}},
	{"authenticationError", []line{
		{"OAUTH_TOKEN_EXPIRED", subfive.Unauthorized, "The access token has expired.", "Nothing if it passes: a new one is got. Else: " + doGrant},
		{"OAUTH_TOKEN_INVALID", subfive.Unauthorized, "The access token is not valid.", "Nothing if it passes: a new one is got. Else: " + doGrant},
		{"OAUTH_TOKEN_HEADER_INVALID", subfive.Unauthorized, "The access token's header can't be read.", doGrant},
		{"OAUTH_TOKEN_REVOKED", subfive.Misconfigured, "The person whose credentials these are took the access back.", doGrant},
		{"OAUTH_TOKEN_DISABLED", subfive.Misconfigured, "The credentials are disabled.", doGrant},
		{"NOT_ADS_USER", subfive.Misconfigured, "The Google account of the credentials has no Google Ads account.", doAccess},
		{"CUSTOMER_NOT_FOUND", subfive.Misconfigured, "There is no account customer_id.", doAccount},
		{"TWO_STEP_VERIFICATION_NOT_ENROLLED", subfive.Misconfigured, "The account wants two-step verification of its users.", "Turn on 2-Step Verification for the Google account of the credentials, then \"subfive destinations resume ID\"."},
		{"ADVANCED_PROTECTION_NOT_ENROLLED", subfive.Misconfigured, "The account wants Advanced Protection of its users.", "Enroll the Google account of the credentials in Advanced Protection, then \"subfive destinations resume ID\"."},
		{"ORGANIZATION_NOT_RECOGNIZED", subfive.Misconfigured, "The Google Cloud project's organization is not known to Google Ads.", doConsole},
		{"ORGANIZATION_NOT_APPROVED", subfive.Misconfigured, "The Google Cloud project's organization is not approved for production.", doConsole},
		{"ORGANIZATION_NOT_ASSOCIATED_WITH_DEVELOPER_TOKEN", subfive.Misconfigured, "developer_token belongs to another organization.", doOldToken},
		{"DEVELOPER_TOKEN_INVALID", subfive.Misconfigured, "developer_token is not valid.", doOldToken},
	}},
	{"authorizationError", []line{
		{"USER_PERMISSION_DENIED", subfive.Misconfigured, "The credentials do not reach the account: mostly login_customer_id is missing or wrong.", doAccess},
		{"CUSTOMER_NOT_ENABLED", subfive.Misconfigured, "The account is not active yet, or was deactivated.", doDisabled},
		{"MISSING_TOS", subfive.Misconfigured, "The account has not accepted Google's terms of service.", doDisabled},
		{"PROJECT_DISABLED", subfive.Misconfigured, "The Google Cloud project is disabled.", doConsole},
		{"CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", subfive.Misconfigured, "The Google Cloud project may use test accounts only.", "Apply for access in the Google Ads API's settings of that Google Cloud project; or use api: data_manager. Then \"subfive destinations resume ID\"."},
		{"DEVELOPER_TOKEN_PROHIBITED", subfive.Misconfigured, "developer_token may not be used with this Google Cloud project.", doOldToken},
		{"DEVELOPER_TOKEN_NOT_APPROVED", subfive.Misconfigured, "developer_token may be used with test accounts only.", doOldToken},
		{"DEVELOPER_TOKEN_NOT_ON_ALLOWLIST", subfive.Misconfigured, "developer_token is not on the list of those that may do this.", doOldToken},
		{"INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION", subfive.Misconfigured, "login_customer_id is no manager of customer_id.", doAccess},
		{"SERVICE_ACCESS_DENIED", subfive.Misconfigured, "The credentials may not use this part of the API.", doAccess},
		{"ACTION_NOT_PERMITTED", subfive.Misconfigured, "The credentials' user may look, but not upload.", doAccess},
		{"ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT", subfive.Misconfigured, "The account is suspended.", doDisabled},
	}},
	{"notAllowlistedError", []line{
		{"CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", subfive.Misconfigured, "The account may not use this upload: Google takes no new users of it since 2026-06-15.", "Use the Data Manager API: set api: data_manager, give the credentials its scope, apply, then \"subfive destinations resume ID\"."},
	}},
	{"requestError", []line{
		{"UNSUPPORTED_VERSION", subfive.Misconfigured, "Google has retired this version of the API.", "Set api_version to a version that Google supports, or leave it out. Apply, then \"subfive destinations resume ID\"."},
		{"INVALID_CUSTOMER_ID", subfive.Misconfigured, "customer_id is not an account's number.", doAccount},
	}},
	{"headerError", []line{
		{"INVALID_LOGIN_CUSTOMER_ID", subfive.Misconfigured, "login_customer_id is not an account's number.", doAccess},
	}},
}
