package meta

import (
	"strconv"

	"subfive"
	"subfive/forwarders"
)

const (
	// codeBlocked is a temporary block for breaking a policy.
	codeBlocked = 368
	// codeCount is ours: a success that counts other events than were sent.
	codeCount = "events_received"
)

// class says what an error means, by its numbers.
//
// is_transient overrides blame: whatever Meta calls passing is tried again. A
// rate limit stays one, for Meta marks many of those as transient too, and one
// that is not waited for does not pass.
func class(code, subcode int, isTransient bool, status int) subfive.Class {
	e, known := forwarders.Find(dictionary(), strconv.Itoa(code), subcodeText(subcode))
	switch {
	case known && e.Class == subfive.Throttled:
		return e.Class
	case isTransient:
		return subfive.Transient
	case known && e.Class != "":
		return e.Class
	}
	return byStatus(status)
}

// subcodeText is a subcode as an outcome has it: 0 is none.
func subcodeText(subcode int) string {
	if subcode == 0 {
		return ""
	}
	return strconv.Itoa(subcode)
}

// What to do, where many codes ask for the same.
const (
	doNothing = "Nothing: it is sent again by itself."
	doWait    = "Nothing: the destination pauses as long as Meta says, and goes on by itself. Fewer other programs on the same app or ad account make it rarer."
	doToken   = "Make a new token for the dataset in Events Manager, put it into access_token, apply, then \"subfive destinations resume ID\"."
	doAccess  = "Give the token's user or system user access to the dataset, with the permission ads_management, or make the token in Events Manager for this very dataset. Then \"subfive destinations resume ID\"."
	doFields  = "Look at the fields that the message blames, and at the request: \"subfive deliveries show ID\". Then replay it."
)

// dictionary is what Meta answers. README.md has the sources. What an error
// counts as is read from here too.
func dictionary() []forwarders.Entry {
	return []forwarders.Entry{
		{Code: "1", Class: subfive.Transient, Means: "An unknown error at Meta, possibly an outage.", Do: doNothing},
		{Code: "1", Subcode: "99", Class: subfive.Rejected, Means: "A parameter is wrong, though Meta calls the error unknown.", Do: doFields},
		{Code: "2", Class: subfive.Transient, Means: "The service is down for the moment.", Do: doNothing},
		{Code: "5000", Class: subfive.Transient, Means: "An internal error at Meta.", Do: doNothing},
		{Code: "21009", Class: subfive.Transient, Means: "The dataset is not ready to take events yet.", Do: doNothing},
		{Code: "-*", Class: subfive.Transient, Means: "An internal error at Meta.", Do: doNothing},

		{Code: "4", Class: subfive.Throttled, Means: "The limit of the app that the token belongs to is reached.", Do: doWait},
		{Code: "17", Class: subfive.Throttled, Means: "The limit of the token's user is reached.", Do: doWait},
		{Code: "32", Class: subfive.Throttled, Means: "The limit of the page or its user is reached.", Do: doWait},
		{Code: "341", Class: subfive.Throttled, Means: "The limit of the app is reached, or the app is down at Meta.", Do: doWait},
		{Code: "613", Class: subfive.Throttled, Means: "Too many calls in a short time.", Do: doWait},
		{Code: "8000?", Class: subfive.Throttled, Means: "The limit of a business use case is reached.", Do: doWait},
		{Code: "8001[0-4]", Class: subfive.Throttled, Means: "The limit of a business use case is reached.", Do: doWait},

		{Code: "102", Class: subfive.Unauthorized, Means: "The token's session has ended.", Do: doToken},
		{Code: "104", Class: subfive.Unauthorized, Means: "The proof of the app secret is wrong or missing.", Do: "Put the secret of the app that the token belongs to into app_secret, or leave app_secret out if the app asks for no proof. Apply, then \"subfive destinations resume ID\"."},
		{Code: "190", Class: subfive.Unauthorized, Means: "The token is not valid.", Do: doToken},
		{Code: "190", Subcode: "460", Class: subfive.Unauthorized, Means: "The token ended because its user changed the password.", Do: doToken},
		{Code: "190", Subcode: "463", Class: subfive.Unauthorized, Means: "The token has expired.", Do: doToken},
		{Code: "190", Subcode: "467", Class: subfive.Unauthorized, Means: "The token was made invalid.", Do: doToken},

		{Code: "3", Class: subfive.Misconfigured, Means: "The app does not have the capability for this call.", Do: doAccess},
		{Code: "10", Class: subfive.Misconfigured, Means: "The token lacks a permission.", Do: doAccess},
		{Code: "294", Class: subfive.Misconfigured, Means: "The token lacks the permission ads_management.", Do: doAccess},
		{Code: "2??", Class: subfive.Misconfigured, Means: "The token lacks a permission.", Do: doAccess},
		{Code: strconv.Itoa(codeBlocked), Class: subfive.Misconfigured, Means: "Meta blocked the account or the app for a time, for breaking a policy.", Do: "Look for the block in Meta's business settings and have it reviewed. Then \"subfive destinations resume ID\"."},
		{Code: "2635", Class: subfive.Misconfigured, Means: "This version of the API is retired.", Do: "Set api_version to one that Meta supports, or leave it out. Apply, then \"subfive destinations resume ID\"."},
		{Code: "100", Subcode: "33", Class: subfive.Misconfigured, Means: "There is no such dataset, or the token may not see it.", Do: "Check dataset_id: it is the number of the dataset (pixel) in Events Manager. " + doAccess},
		{Code: "100", Subcode: "34", Class: subfive.Misconfigured, Means: "There is no such dataset.", Do: "Check dataset_id: it is the number of the dataset (pixel) in Events Manager. Apply, then \"subfive destinations resume ID\"."},

		{Code: "100", Class: subfive.Rejected, Means: "A parameter of the event is invalid.", Do: doFields},
		{Code: "100", Subcode: "2804001", Class: subfive.Rejected, Means: "The click's fbc is malformed.", Do: "Report this as a bug with the request: a malformed fbc is left out. Then replay it."},
		{Code: "100", Subcode: "2804003", Class: subfive.Rejected, Means: "The event is more than seven days old.", Do: "Nothing: Meta takes it no more. If the conversion is new, check this machine's clock."},
		{Code: "100", Subcode: "2804009", Class: subfive.Rejected, Means: "A Purchase needs a value.", Do: "Put the payout macro into the postback URL, or set a fixed value on the destination, or map the goal to another event. Then replay it."},
		{Code: "100", Subcode: "2804043", Class: subfive.Rejected, Means: "The device's data of an app event is incomplete.", Do: "Report this as a bug with the request: no app event is sent here."},
		{Code: "100", Subcode: "2804050", Class: subfive.Rejected, Means: "There is too little user data to match anybody.", Do: "Let the click come through a campaign link, so that its address, browser and fbclid are known; or pass user data on. Then replay it."},
		{Code: "100", Subcode: "2804066", Class: subfive.Rejected, Means: "The event's name is one that business messaging does not allow.", Do: "Map the goal to another event under the destination's goals. Then replay it."},
		{Code: "100", Subcode: "2804072", Class: subfive.Rejected, Means: "The page and the click of a message do not belong together.", Do: "Report this as a bug with the request: no message's click is sent here."},
		{Code: "100", Subcode: "2804030", Class: subfive.Rejected, Means: "The choice of Limited Data Use is wrong.", Do: "Check data_processing_options, its country and its state in the destination's settings. Apply, then replay it."},
		{Code: "105", Class: subfive.Rejected, Means: "The request has too many parameters.", Do: "Report this as a bug with the request."},
		{Code: "[0-9]*", Means: "Meta's documentation does not name this code. Its HTTP status decides what it counts as.", Do: doFields},
		{Code: codeCount, Class: subfive.Transient, Means: "Meta says that it received another number of events than was sent.", Do: "Nothing: all are sent again with the same event IDs, so that those it has count once."},
	}
}
