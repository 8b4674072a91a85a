package relay

import (
	"subfive"
	"subfive/forwarders"
)

// codeNotSuccess is an answer with a good status and not the body that success
// asks for.
const codeNotSuccess = "not_success"

// dictionary is what a receiver answers, by its HTTP status. What a status
// counts as is read from here too.
func dictionary() []forwarders.Entry {
	const (
		doResume  = " Apply, then \"subfive destinations resume ID\"."
		doNothing = "Nothing: it is sent again by itself."
	)
	return []forwarders.Entry{
		{Code: codeNotSuccess, Class: subfive.Rejected, Means: "The receiver answered, and not as the settings say that a success looks like.", Do: "Read its answer: \"subfive deliveries show ID\". Mend what it names, or what success says. Then replay it."},
		{Code: "http_3??", Class: subfive.Misconfigured, Means: "The receiver redirects, which is not followed.", Do: "Put the final address into url." + doResume},
		{Code: "http_401", Class: subfive.Unauthorized, Means: "The receiver does not accept the credentials.", Do: "Check the secrets in the destination's settings, and where url or headers use them." + doResume},
		{Code: "http_403", Class: subfive.Unauthorized, Means: "The receiver does not accept the credentials.", Do: "Check the secrets in the destination's settings, and where url or headers use them." + doResume},
		{Code: "http_404", Class: subfive.Misconfigured, Means: "The receiver knows no such address.", Do: "Check url in the destination's settings." + doResume},
		{Code: "http_410", Class: subfive.Misconfigured, Means: "The receiver's address is gone.", Do: "Check url in the destination's settings." + doResume},
		{Code: "http_408", Class: subfive.Transient, Means: "The request took too long to arrive.", Do: doNothing},
		{Code: "http_429", Class: subfive.Throttled, Means: "Too many requests.", Do: "Nothing: the destination pauses and goes on by itself."},
		{Code: "http_4??", Class: subfive.Rejected, Means: "The receiver refuses the request.", Do: "Read its answer: \"subfive deliveries show ID\". Mend what it names: url, body or headers. Then replay it."},
		{Code: "http_*", Class: subfive.Transient, Means: "The receiver has an error or an outage.", Do: doNothing},
	}
}
