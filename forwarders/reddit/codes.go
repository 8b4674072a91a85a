package reddit

import (
	"regexp"
	"strconv"

	"subfive"
	"subfive/forwarders"
)

// The codes that are ours.
const (
	codeInvalid = "invalid_events" // the answer quotes the events that are wrong
	codeCount   = "processed"      // a success that counts other events than were sent
	// subcodeForm tells a 403 about an event's form from one about the pixel.
	subcodeForm = "form"
)

// aboutJSON are words by which Reddit blames an event's form, under whatever
// status it does so.
var aboutJSON = regexp.MustCompile(`(?i)JSON error|unknown field|unexpected type`)

// form is the subcode of a refusal by its message.
func form(status int, message string) string {
	if status == 403 && aboutJSON.MatchString(message) {
		return subcodeForm
	}
	return ""
}

// class says what a status means that is no success.
func class(status int, message string) subfive.Class {
	e, known := forwarders.Find(dictionary(), strconv.Itoa(status), form(status, message))
	if !known {
		return subfive.Transient
	}
	return e.Class
}

// dictionary is what Reddit answers, by its HTTP status. README.md has the
// sources. What a status counts as is read from here too.
func dictionary() []forwarders.Entry {
	const (
		doNothing = "Nothing: it is sent again by itself."
		doResume  = " Apply, then \"subfive destinations resume ID\"."
		doMessage = "Read Reddit's message, and look at the request: \"subfive deliveries show ID\". Mend what it names, then replay it."
	)
	return []forwarders.Entry{
		{Code: codeInvalid, Class: subfive.Rejected, Means: "Reddit finds the event invalid, and took none of the request.", Do: doMessage},
		{Code: codeCount, Class: subfive.Transient, Means: "Reddit says that it processed another number of events than was sent.", Do: "Nothing: all are sent again with the same IDs, so that those it has count once."},
		{Code: "400", Class: subfive.Rejected, Means: "The event is not as Reddit wants it.", Do: doMessage},
		{Code: "401", Class: subfive.Unauthorized, Means: "Reddit does not accept the token.", Do: "Events Manager → Conversions API → Generate access token. Put it into access_token." + doResume},
		{Code: "403", Class: subfive.Misconfigured, Means: "The token is good, but not for this pixel.", Do: "Check that pixel_id and access_token are of the same business in Events Manager." + doResume},
		{Code: "403", Subcode: subcodeForm, Class: subfive.Rejected, Means: "A field of the event has a type or a name that Reddit does not take.", Do: doMessage},
		{Code: "404", Class: subfive.Misconfigured, Means: "There is no such pixel.", Do: "Check pixel_id: Events Manager shows it, in the form a2_abc123." + doResume},
		{Code: "405", Class: subfive.Misconfigured, Means: "The API does not take requests of this kind at this address.", Do: "Check base_url, if one is set." + doResume},
		{Code: "410", Class: subfive.Misconfigured, Means: "This version of the API is retired.", Do: "Update this program, then \"subfive destinations resume ID\"."},
		{Code: "3??", Class: subfive.Misconfigured, Means: "Reddit's API redirects nobody.", Do: "Check base_url, if one is set." + doResume},
		{Code: "408", Class: subfive.Transient, Means: "The request took too long to arrive.", Do: doNothing},
		{Code: "413", Class: subfive.Rejected, Means: "The request is too large.", Do: "Nothing while there are others with it: they are sent apart. Alone, leave user data out."},
		{Code: "422", Class: subfive.Rejected, Means: "The event is not as Reddit wants it.", Do: doMessage},
		{Code: "425", Class: subfive.Transient, Means: "The request came too early.", Do: doNothing},
		{Code: "429", Class: subfive.Throttled, Means: "Too many requests.", Do: "Nothing: the destination pauses and goes on by itself. Reddit takes 10 test events a second: set max_batch: 10 on a destination in mode test."},
		{Code: "4??", Class: subfive.Rejected, Means: "Reddit refuses the request.", Do: doMessage},
		{Code: "5??", Class: subfive.Transient, Means: "An error or an outage at Reddit.", Do: doNothing},
	}
}
