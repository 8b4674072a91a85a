package sheets

import (
	"slices"

	"subfive"
	"subfive/forwarders"
)

const (
	doNothing = "Nothing: it is sent again by itself, and the script writes each row once."
	doDeploy  = "In the script's editor: Deploy → Manage deployments → Edit → New version, with Execute as: Me and Who has access: Anyone. Then \"subfive destinations resume ID\"."
	doQuota   = "Nothing: the destination pauses and goes on by itself. Google counts a script's runs and minutes of a day."
)

// dictionary is what the script and Google's pages around it say. What an answer
// counts as is read from here too.
func dictionary() []forwarders.Entry {
	return slices.Concat(scriptWords(), []forwarders.Entry{
		{Code: "wrong_count", Class: subfive.Transient, Means: "The script received another number of rows than was sent.", Do: doNothing},
		{Code: "not_ok", Class: subfive.Transient, Means: "The script says that it failed, and not why.", Do: "Look at the script's executions in its editor. It is sent again meanwhile."},
		{Code: "not_json", Class: subfive.Transient, Means: "A page of Google's came instead of the script's words: most often the script threw an exception.", Do: "Look at the script's executions in its editor. It is sent again meanwhile."},
		{Code: "redirect", Class: subfive.Transient, Means: "Google redirected to where no script's words are.", Do: doNothing},
		{Code: "no_function", Class: subfive.Misconfigured, Means: "The deployed script has no doPost.", Do: "Paste the script that \"subfive config sample sheets\" prints as Code.gs. " + doDeploy},
		{Code: "not_authorized", Class: subfive.Misconfigured, Means: "The script may not be run, or may not write the spreadsheet.", Do: doDeploy},
		{Code: "login", Class: subfive.Misconfigured, Means: "Google asks for a login: the web app is not open to Anyone.", Do: doDeploy},
		{Code: "too_many_at_once", Class: subfive.Throttled, Means: "Too many scripts of the account run at once.", Do: doQuota},
		{Code: "quota", Class: subfive.Throttled, Means: "The account's quota of scripts is used up.", Do: doQuota},
		{Code: "http_401", Class: subfive.Misconfigured, Means: "Google refuses us: the web app is not open to Anyone.", Do: doDeploy},
		{Code: "http_403", Class: subfive.Misconfigured, Means: "Google refuses us: the web app is not open to Anyone.", Do: doDeploy},
		{Code: "http_404", Class: subfive.Misconfigured, Means: "There is no such deployment.", Do: "Copy the web app's URL, which ends in /exec, anew: Deploy → Manage deployments. Apply, then \"subfive destinations resume ID\"."},
		{Code: "http_410", Class: subfive.Misconfigured, Means: "The deployment is gone.", Do: "Copy the web app's URL, which ends in /exec, anew: Deploy → Manage deployments. Apply, then \"subfive destinations resume ID\"."},
		{Code: "http_413", Class: subfive.Rejected, Means: "The request is too large.", Do: "Set a smaller max_batch on the destination, then replay it."},
		{Code: "http_429", Class: subfive.Throttled, Means: "Too many requests.", Do: doQuota},
		{Code: "http_*", Class: subfive.Transient, Means: "Google answered an error. The rows may be written.", Do: doNothing},
		{Code: "*", Class: subfive.Transient, Means: "The script says a word of its own.", Do: "Read the script's message. It is sent again meanwhile."},
	})
}

// scriptWords are what the script itself says.
func scriptWords() []forwarders.Entry {
	return []forwarders.Entry{
		{Code: "bad_secret", Class: subfive.Unauthorized, Means: "The secret is not the script's.", Do: "Put the text of SECRET in Code.gs into the destination's secret. Apply, then \"subfive destinations resume ID\"."},
		{Code: "no_secret", Class: subfive.Misconfigured, Means: "SECRET is empty in the script.", Do: "Put a long random text into SECRET in Code.gs, and the same into the destination's secret. " + doDeploy},
		{Code: "no_id_column", Class: subfive.Misconfigured, Means: "The tab's first row has no column \"id\".", Do: "Write id over a column of the first row. Then \"subfive destinations resume ID\"."},
		{Code: "busy", Class: subfive.Throttled, Means: "Others were writing the spreadsheet for 15 seconds.", Do: "Nothing: it is sent again a little later."},
		{Code: "bad_request", Class: subfive.Rejected, Means: "The script does not understand the rows.", Do: "Paste the script that \"subfive config sample sheets\" prints as Code.gs. " + doDeploy + " And replay it."},
		{Code: "failed", Class: subfive.Transient, Means: "Writing the spreadsheet failed.", Do: "Nothing: it is sent again. If it stays so, read the message: the tab may be protected or full."},
	}
}
