package google

import (
	"slices"

	"subfive"
	"subfive/forwarders"
)

// What to do, where many codes ask for the same.
const (
	doNothing  = "Nothing: it is sent again by itself, with the same ID."
	doThere    = "Nothing: Google has it."
	doReplay   = "Look at the request with \"subfive deliveries show ID\", mend what is wrong, and replay it."
	doBug      = "Report this as a bug with the request: such a request is not made here."
	doGone     = "Nothing: Google takes it no more. If there are many, look at how long conversions take to reach you."
	doWindow   = "Nothing: Google takes it no more. If there are many, lengthen the action's click-through conversion window in Google Ads, Goals > Conversions."
	doAction   = "Check conversion_action_id: in Google Ads, Goals > Conversions, open the action; it is the number after ctId= in the address. It must be of the type \"import from clicks\" and belong to customer_id. Apply, then \"subfive destinations resume ID\"."
	doAccount  = "Set customer_id to the account that owns the conversion action: with conversion tracking across accounts that is the manager account. Apply, then \"subfive destinations resume ID\"."
	doTerms    = "In Google Ads, Goals > Settings, turn on enhanced conversions for leads and accept the customer data terms; or set user_data: false. Then \"subfive destinations resume ID\"."
	doNoUser   = "Set user_data: false in the destination's settings, apply, then \"subfive destinations resume ID\"."
	doAccess   = "Give the credentials' user access to the account in Google Ads, Admin > Access and security; if the access is by a manager account, set login_customer_id to that one. Then \"subfive destinations resume ID\"."
	doConsent  = "Nothing if the visitor said no. Else pass his answer on as consent_ad_user_data=granted on the campaign link."
	doConsole  = "Open the Google Cloud project of the credentials and mend there what the message names, then \"subfive destinations resume ID\"."
	doPause    = "Nothing: the destination pauses as long as Google asks, and goes on by itself."
	doGrant    = "Consent again with the Google account that has access (\"subfive google login\"), put the new refresh_token into the destination's settings, apply, then \"subfive destinations resume ID\"."
	doExternal = "Use a conversion action without external attribution: make one of the type \"import from clicks\" and set conversion_action_id to it. Then \"subfive destinations resume ID\"."
	doUserData = "Check the email or phone that the network or the landing page passes on. To send without it, set user_data: false. Then replay it."
	doClickID  = "Check that the campaign link and the landing page pass the parameter on unchanged. Nothing can be done for this click."
	doVariable = doBug
)

// line is an entry without what its table has in common.
type line struct {
	code      string
	class     subfive.Class
	means, do string
}

// entriesOf gives each line of a group of Google Ads' errors the group's name.
func entriesOf(group string, lines []line) []forwarders.Entry {
	all := make([]forwarders.Entry, len(lines))
	for i, l := range lines {
		all[i] = forwarders.Entry{Code: l.code, Subcode: group, Class: l.class, Means: l.means, Do: l.do}
	}
	return all
}

// reasonsOf makes entries of reasons, which come with any code.
func reasonsOf(lines []line) []forwarders.Entry {
	all := make([]forwarders.Entry, len(lines))
	for i, l := range lines {
		all[i] = forwarders.Entry{Code: "*", Subcode: l.code, Class: l.class, Means: l.means, Do: l.do}
	}
	return all
}

// dictionary is what Google answers, of both APIs. README.md has the sources.
// What an answer counts as is read from here too.
func dictionary() []forwarders.Entry {
	return slices.Concat(adsErrors(), statusErrors, reasonsOf(reasons), reasonsOf(verdictReasons), tokenErrors, others)
}

// adsErrors are those that the Google Ads API names.
func adsErrors() []forwarders.Entry {
	all := slices.Concat(entriesOf(groupUpload, uploadErrors), entriesOf(groupAdjustment, adjustmentErrors))
	for _, g := range accountErrors {
		all = append(all, entriesOf(g.name, g.lines)...)
	}
	return all
}

// adsClasses are the classes of those, by code and group: an answer may hold
// thousands.
var adsClasses = func() map[[2]string]subfive.Class {
	classes := map[[2]string]subfive.Class{}
	for _, e := range adsErrors() {
		classes[[2]string{e.Code, e.Subcode}] = e.Class
	}
	return classes
}()

// statusErrors are the words of an error of either API, for those that say no
// more.
var statusErrors = []forwarders.Entry{
	{Code: "INVALID_ARGUMENT", Class: subfive.Rejected, Means: "Something in the request is not as Google wants it; the message says what.", Do: doReplay},
	{Code: "OUT_OF_RANGE", Class: subfive.Rejected, Means: "A value in the request is out of its range.", Do: doReplay},
	{Code: "ALREADY_EXISTS", Class: subfive.Rejected, Means: "What the request would make exists.", Do: doReplay},
	{Code: "UNAUTHENTICATED", Class: subfive.Unauthorized, Means: "Google does not accept the access token, a new one neither.", Do: doGrant},
	{Code: "PERMISSION_DENIED", Class: subfive.Misconfigured, Means: "The credentials may not write to the account, or the API is not enabled in their Google Cloud project.", Do: doAccess},
	{Code: "PERMISSION_DENIED", Subcode: "SERVICE_DISABLED", Class: subfive.Misconfigured, Means: "The API is not enabled in the credentials' Google Cloud project.", Do: "In the Google Cloud console of that project, APIs & Services > Library, enable the Data Manager API, or the Google Ads API for api: google_ads. After some minutes: \"subfive destinations resume ID\"."},
	{Code: "PERMISSION_DENIED", Subcode: "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Class: subfive.Misconfigured, Means: "The credentials were given for another API: each has its own scope.", Do: "Consent again with the scope of the api that is set, https://www.googleapis.com/auth/datamanager or https://www.googleapis.com/auth/adwords, or with both. Put the new refresh_token into the settings, apply, then \"subfive destinations resume ID\"."},
	{Code: "FAILED_PRECONDITION", Class: subfive.Misconfigured, Means: "The account is not in the state that the request needs.", Do: doConsole},
	{Code: "NOT_FOUND", Class: subfive.Misconfigured, Means: "There is no such account, action or version of the API.", Do: doAction},
	{Code: "UNIMPLEMENTED", Class: subfive.Misconfigured, Means: "This version of the API has no such method.", Do: "Set api_version to a version that Google supports, or leave it out. Apply, then \"subfive destinations resume ID\"."},
	{Code: "RESOURCE_EXHAUSTED", Class: subfive.Throttled, Means: "The quota of the Google Cloud project is used up.", Do: doPause},
	{Code: "UNAVAILABLE", Class: subfive.Transient, Means: "Google is down for the moment.", Do: doNothing},
	{Code: "DEADLINE_EXCEEDED", Class: subfive.Transient, Means: "Google did not finish in time.", Do: doNothing},
	{Code: "INTERNAL", Class: subfive.Transient, Means: "An internal error at Google.", Do: doNothing},
	{Code: "UNKNOWN", Class: subfive.Transient, Means: "An error at Google that it does not name.", Do: doNothing},
	{Code: "ABORTED", Class: subfive.Transient, Means: "Another request was in the way.", Do: doNothing},
	{Code: "CANCELLED", Class: subfive.Transient, Means: "The request was cut short.", Do: doNothing},
	{Code: "DATA_LOSS", Class: subfive.Transient, Means: "Google lost something on the way.", Do: doNothing},
	{Code: "no_result", Class: subfive.Transient, Means: "Google says neither that it took the row nor why it did not.", Do: doNothing},
	{Code: "partial_failure", Class: subfive.Rejected, Means: "Google refused rows and does not say which.", Do: doReplay},
}

// tokenErrors are those of the credentials, before anything is sent.
var tokenErrors = []forwarders.Entry{
	{Code: "authorize", Means: "No access token could be got. invalid_grant: the refresh token or key is expired or revoked. An app in the publishing state \"Testing\" gets refresh tokens that die after seven days.", Do: "After invalid_grant: publish the app if it is in \"Testing\". " + doGrant},
	{Code: "invalid_grant", Class: subfive.Unauthorized, Means: "The refresh token or key is expired or revoked. An app in the publishing state \"Testing\" gets refresh tokens that die after seven days.", Do: "Publish the app if it is in \"Testing\". " + doGrant},
}

// others are for what Google says and nobody foresaw, and for what it can't be
// told. They class nothing.
var others = []forwarders.Entry{
	{Code: "unsupported", Class: subfive.Rejected, Means: "With api: data_manager Google can't be told that a conversion was reversed.", Do: "Take it back in Google Ads by hand, or with \"subfive export google-ads --adjustments\". An account that used the upload of the Google Ads API before June 2026 can set api: google_ads for later ones."},
	{Code: "FAILED", Class: subfive.Rejected, Means: "Google could not use the events that it took, for a reason that is not known here, or for none.", Do: doReplay},
	{Code: "PARTIAL_SUCCESS", Means: "Google could use a part of the events that it took.", Do: "Nothing: they are sent again in smaller requests, with the same IDs, until the bad one is alone."},
	{Code: "[A-Z]*", Means: "Google names an error that is not known here. The message says more; its HTTP status decides what it counts as.", Do: doReplay},
	{Code: "[45][0-9][0-9]", Means: "Google names an HTTP status and no error. The status decides what it counts as.", Do: doReplay},
}

// statusWord says what a status of Google's means; a word that is not known says
// as much as the HTTP status.
func statusWord(word string, status, code int) subfive.Class {
	if e, known := forwarders.Find(statusErrors, word, ""); known {
		return e.Class
	}
	if success(status) { // an error that claims a success
		status = code
	}
	return statusClass(status)
}

// reasonClass says what a violation's reason means wherever it is found, "" for
// one that hangs on the field.
func reasonClass(reason string) subfive.Class { return classIn(reasons, reason) }

// verdictClass says what a reason means. One that is not known is taken for good,
// and shown as it came.
func verdictClass(reason string) subfive.Class {
	if c := classIn(verdictReasons, reason); c != "" {
		return c
	}
	return subfive.Rejected
}

func classIn(lines []line, code string) subfive.Class {
	if i := slices.IndexFunc(lines, func(l line) bool { return l.code == code }); i >= 0 {
		return lines[i].class
	}
	return ""
}
