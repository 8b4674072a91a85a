package forwarders

import (
	"slices"

	"subfive"
)

// OwnErrors is the dictionary of the codes that are ours, whatever the platform:
// answers that did not come or could not be read, what we refuse ourselves, and
// the reasons for which a delivery was skipped or given up.
func OwnErrors() []Entry {
	return slices.Concat(noAnswers, refusals, ends, skips)
}

const (
	seeAnswer   = "Nothing: it is sent again. If it stays so, look at the answer with \"subfive deliveries show ID\": it comes from something between this machine and the platform, or from an outage there."
	seeSettings = "Nothing if that is meant. Else change the destination, then \"subfive replay --destination ID --status skipped\"."
)

// noAnswers are answers that did not come, or that no one can read.
var noAnswers = []Entry{
	{Code: "no_answer", Class: subfive.Transient, Means: "No answer came.", Do: "Nothing: it is sent again. If it stays so, check that this machine reaches the platform."},
	{Code: "dns", Class: subfive.Transient, Means: "The platform's name could not be looked up.", Do: "Nothing: it is sent again. If it stays so, check this machine's DNS, and base_url if one is set."},
	{Code: "refused", Class: subfive.Transient, Means: "The other side refused the connection.", Do: "Nothing: it is sent again. If it stays so, check base_url or the webhook's URL, and the firewall of this machine."},
	{Code: "tls", Class: subfive.Transient, Means: "No encrypted connection could be made: a certificate is wrong, or the other side does not speak TLS.", Do: "Check this machine's clock and its root certificates; with base_url or a webhook, that server's certificate. It is sent again meanwhile."},
	{Code: "timeout", Class: subfive.Transient, Means: "The platform did not answer within 30 seconds.", Do: "Nothing: it is sent again with the same event ID, so that what arrived counts once."},
	{Code: "reset", Class: subfive.Transient, Means: "The connection broke off before an answer came.", Do: "Nothing: it is sent again with the same event ID, so that what arrived counts once."},
	{Code: "transport", Class: subfive.Transient, Means: "The exchange broke off in a way that has no name here.", Do: "Nothing: it is sent again. The attempt has the words of it."},
	{Code: "canceled", Class: subfive.Deferred, Means: "The program was stopped before it was sent.", Do: "Nothing: it is sent when the program runs again."},
	{Code: "unreadable", Means: "The answer is not one of the platform's: a page of a gateway, or cut off. Its HTTP status decides what it counts as.", Do: seeAnswer},
	{Code: "http_*", Means: "The answer says no more than its HTTP status, which decides what it counts as.", Do: seeAnswer},
	{Code: "redirect", Class: subfive.Misconfigured, Means: "The platform answered with a redirect, which is not followed.", Do: "Check the destination's version and base_url or URL: it has moved. Then \"subfive destinations resume ID\"."},
	{Code: "rate_limit", Class: subfive.Deferred, Means: "Its turn in the platform's rate limit did not come in time.", Do: "Nothing: it is sent next."},
	{Code: "authorize", Means: "The credentials for the request could not be got.", Do: "Nothing if it passes: it is tried again. If it stays so, check the credentials in the destination's settings."},
	{Code: "no_verdict", Class: subfive.Misconfigured, Means: "What was submitted can't be asked about with these settings.", Do: "Restore the settings it was sent with, or replay it."},
	{Code: "not_configured", Class: subfive.Deferred, Means: "The destination is not configured in this process.", Do: "Nothing within a minute of a change. If it stays so, \"subfive config check FILE\" says what is wrong with the configuration."},
	{Code: "settings", Class: subfive.Misconfigured, Means: "The destination's settings can't be used, so that nothing is sent to it.", Do: "\"subfive config check FILE\" says what is wrong. Mend it, and apply."},
	{Code: "address_refused", Class: subfive.Misconfigured, Means: "The host has a private or local address. Requests do not go there unless it is named.", Do: "If it is meant, set base_url, or the webhook's allowed hosts, to that host."},
}

// refusals are what we refuse to send ourselves.
var refusals = []Entry{
	{Code: "unsendable", Class: subfive.Rejected, Means: "The platform's rules, or the destination's consent rules, allow no such event. The reason says which.", Do: "Change what the reason names: the goal's event, the value rule, or the consent rule. Then replay it."},
	{Code: "too_large", Class: subfive.Rejected, Means: "The event is larger than a request to the platform may be.", Do: "Leave user data or parameters out: see \"subfive preview\" for what is in it."},
	{Code: "user_data", Class: subfive.Rejected, Means: "The sealed user data can't be opened: the data key is another than when it came.", Do: "Start the program with the old key beside the new one, then replay."},
	{Code: "batch_full", Class: subfive.Deferred, Means: "The request was full.", Do: "Nothing: it goes with the next one."},
}

// ends are the reasons for which a delivery was given up, or waits.
var ends = []Entry{
	{Code: "too_old", Class: subfive.Rejected, Means: "It was not delivered before the platform's age limit.", Do: "Find out from its attempts why it took so long. The platform takes it no more."},
	{Code: "ambiguous", Class: subfive.Rejected, Means: "The answer to a send was lost, and the platform has forgotten the event's ID since. It may have the event; sent again it might count twice.", Do: "Look for the event ID at the platform. If it is not there, \"subfive replay --force\"."},
	{Code: "unconfirmed", Class: subfive.Rejected, Means: "The platform took it and never told what became of it.", Do: "Look for it in the platform's diagnostics. If it is missing there, replay it."},
	{Code: "poison", Class: subfive.Rejected, Means: "Each time it was sent the program ended.", Do: "Report this as a bug, with the program's log. Others are not held up by it."},
	{Code: "halved", Class: subfive.Deferred, Means: "It was refused together with others, and the platform did not say which of them is at fault.", Do: "Nothing: it is sent again in smaller requests until the guilty one is alone."},
	{Code: "innocent", Class: subfive.Deferred, Means: "It was refused because of another event in the same request, which was named.", Do: "Nothing: it is sent again without that one."},
	{Code: "replay", Class: subfive.Deferred, Means: "A person had it sent again.", Do: "Nothing: it is being sent."},
}

// skips are the reasons for which a delivery is owed to nobody.
var skips = []Entry{
	{Code: "archived", Class: subfive.Rejected, Means: "The destination is archived.", Do: seeSettings},
	{Code: "destination_archived", Class: subfive.Rejected, Means: "The destination was archived before it was sent.", Do: seeSettings},
	{Code: "other_platform", Class: subfive.Rejected, Means: "Another platform sold the click.", Do: "Nothing if that is meant. To tell this destination of others' clicks, set fan_out on it."},
	{Code: "unmatched", Class: subfive.Rejected, Means: "Its click never came.", Do: "Check that the click ID travels through the offer's link. To send such conversions anyway, set unmatched on the destination."},
	{Code: "test", Class: subfive.Rejected, Means: "A test conversion is not sent to a live destination.", Do: "Nothing. To see it there, set the destination's mode to test."},
	{Code: "goal_unmapped", Class: subfive.Rejected, Means: "The destination maps the conversion's goal to no event.", Do: "Map it under the destination's goals, then replay. Or leave it."},
	{Code: "rejected", Class: subfive.Rejected, Means: "The network rejected the conversion before anybody was told.", Do: "Nothing."},
	{Code: "outside_window", Class: subfive.Rejected, Means: "It happened outside the offer's attribution window.", Do: "Nothing if that is meant. Else set the offer's window, or leave it out for none."},
	{Code: "before_click", Class: subfive.Rejected, Means: "It happened before its click.", Do: "Check that the network's time macro is in UTC or has its zone."},
	{Code: "payout_above_max", Class: subfive.Rejected, Means: "The payout is above the offer's payout_max.", Do: "Check it with the network. If it is right, replay the delivery."},
	{Code: "no_value", Class: subfive.Rejected, Means: "The platform takes no such event without a value, and there is none.", Do: "Put the payout macro into the postback URL, or set a payout on the offer or a fixed value on the destination. Then replay."},
	{Code: "dry_run", Class: subfive.Rejected, Means: "The destination is in dry run: it was decided and rendered, and nothing left.", Do: "Set the destination's mode to test or live for later conversions."},
	{Code: "unsupported", Class: subfive.Rejected, Means: "The platform has no way to be told of the change.", Do: "Name an event of its own in the destination's on_reversal, or leave it."},
	{Code: "not_wanted", Class: subfive.Rejected, Means: "The destination's settings want no such message.", Do: seeSettings},
	{Code: "imported", Class: subfive.Rejected, Means: "It was imported: the tracker it comes from has told the platform, or should have.", Do: "Nothing. If nobody told the platform, replay it, or import with --forward."},
	{Code: "forgotten", Class: subfive.Rejected, Means: "The person it is about was erased before it was sent.", Do: "Nothing."},
	{Code: "gpc", Class: subfive.Rejected, Means: "The visitor's browser asked not to have its data sold or shared (Global Privacy Control), and the destination's consent rules respect that.", Do: "Nothing if that is meant. Else change the destination's consent rules, then replay."},
	{Code: "consent_denied", Class: subfive.Rejected, Means: "The visitor denied consent.", Do: "Nothing."},
	{Code: "consent_unknown", Class: subfive.Rejected, Means: "Nothing says that the visitor consented, and the destination's consent rules ask for it.", Do: "Pass consent on with the click, or change the destination's consent rules. Then replay."},
	{Code: "consent_granted", Class: subfive.Rejected, Means: "The visitor consented, and the destination's consent rules send none of those.", Do: seeSettings},
	{Code: "never_sent", Class: subfive.Rejected, Means: "The conversion itself was never sent, so that there is nothing to follow up.", Do: "Nothing. Replay the conversion's own delivery if it should have been sent."},
}

// byClass is what an answer means of which no more is known than its class.
func byClass(c subfive.Class) Entry {
	e := Entry{Class: c}
	switch c {
	case subfive.Accepted:
		e.Means, e.Do = "The platform took it.", "Nothing."
	case subfive.Submitted:
		e.Means, e.Do = "The platform took it, and says later what became of it.", "Nothing: it is asked."
	case subfive.Deferred:
		e.Means, e.Do = "It waits.", "Nothing: it is sent again by itself."
	case subfive.Transient:
		e.Means, e.Do = "Something passing went wrong.", "Nothing: it is sent again, less and less often, until the platform's age limit."
	case subfive.Throttled:
		e.Means, e.Do = "The platform wants fewer requests.", "Nothing: the destination pauses as long as the platform asks, and goes on by itself."
	case subfive.Unauthorized:
		e.Means, e.Do = "The platform does not accept the credentials.", "Put a valid token into the destination's settings, apply, then \"subfive destinations resume ID\". Deliveries wait meanwhile."
	case subfive.Misconfigured:
		e.Means, e.Do = "The platform refuses because of the account or the settings, not because of the event.", "Mend what the message names, then \"subfive destinations resume ID\". Deliveries wait meanwhile."
	case subfive.Rejected:
		e.Means, e.Do = "The platform refuses the event for good.", "Read its message, and mend what it names: the goal's event, the value rule, the page. Then replay the delivery."
	default:
		e.Means, e.Do = "There is no entry for this code.", "Read the platform's message in the attempt."
	}
	return e
}
