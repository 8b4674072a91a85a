package tiktok

import (
	"net/http"
	"strconv"

	"subfive"
	"subfive/forwarders"
)

// The codes that have a name here.
const (
	codeOK      = 0
	codePartial = 20001 // some were taken, and it does not say which
)

// class says what a code means. TikTok's HTTP status can be relied on in neither
// direction: it decides only about codes that the documentation has no range
// for.
func class(code, status int) subfive.Class {
	if code == codeOK {
		return subfive.Accepted
	}
	if e, known := forwarders.Find(dictionary(), strconv.Itoa(code), ""); known && e.Class != "" {
		return e.Class
	}
	return byStatus(status)
}

// byStatus is the last resort, when no number of TikTok's says more.
func byStatus(status int) subfive.Class {
	switch status {
	case http.StatusUnauthorized:
		return subfive.Unauthorized
	case http.StatusTooManyRequests:
		return subfive.Throttled
	case http.StatusRequestEntityTooLarge:
		return subfive.Rejected
	}
	return subfive.Transient
}

// What to do, where many codes ask for the same.
const (
	doNothing = "Nothing: it is sent again by itself."
	doToken   = "Events Manager → the pixel → Settings → Events API → Generate access token. Put it into access_token as it is, without \"Bearer\", apply, then \"subfive destinations resume ID\"."
	doWait    = "Nothing: the destination pauses and goes on by itself, after the quota of a day at midnight UTC."
	doMessage = "Read TikTok's message, and look at the request: \"subfive deliveries show ID\". Mend what it names, then replay it."
)

// dictionary is what TikTok answers. README.md has the sources. What a code
// counts as is read from here too.
func dictionary() []forwarders.Entry {
	const busy = "It conflicts with something that runs at TikTok."
	return []forwarders.Entry{
		{Code: "20001", Class: subfive.Transient, Means: "TikTok took some of the events and does not say which.", Do: "Nothing: all are sent again with the same event IDs, so that those it has count once."},
		{Code: "40001", Class: subfive.Misconfigured, Means: "The token may not write to this pixel.", Do: "Check that pixel_code and access_token belong together. " + doToken},
		{Code: "40002", Class: subfive.Rejected, Means: "A parameter of the event is invalid.", Do: doMessage},
		{Code: "40100", Class: subfive.Throttled, Means: "Too many requests: a quota of the developer app is used up.", Do: doWait},
		{Code: "51021", Class: subfive.Throttled, Means: "Too many requests.", Do: doWait},
		{Code: "40101", Class: subfive.Unauthorized, Means: "The app's ID and secret do not belong together.", Do: doToken},
		{Code: "40104", Class: subfive.Unauthorized, Means: "The token is empty.", Do: doToken},
		{Code: "40105", Class: subfive.Unauthorized, Means: "The token is wrong, or was revoked.", Do: doToken},
		{Code: "40110", Class: subfive.Unauthorized, Means: "The authorization is invalid or has expired.", Do: doToken},
		{Code: "401??", Class: subfive.Unauthorized, Means: "TikTok does not accept the token.", Do: doToken},
		{Code: "40200", Class: subfive.Transient, Means: busy, Do: doNothing},
		{Code: "40201", Class: subfive.Transient, Means: busy, Do: doNothing},
		{Code: "40202", Class: subfive.Transient, Means: busy, Do: doNothing},
		{Code: "40700", Class: subfive.Transient, Means: busy, Do: doNothing},
		{Code: "4????", Class: subfive.Rejected, Means: "TikTok refuses the request.", Do: doMessage},
		{Code: "50000", Class: subfive.Transient, Means: "An error of TikTok's system.", Do: doNothing},
		{Code: "5????", Class: subfive.Transient, Means: "An error of TikTok's system or one of its services.", Do: doNothing},
		{Code: "-*", Means: "TikTok's documentation has no range for this code. Its HTTP status decides what it counts as.", Do: doMessage},
		{Code: "[0-9]*", Means: "TikTok's documentation has no range for this code. Its HTTP status decides what it counts as.", Do: doMessage},
	}
}
