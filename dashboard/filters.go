package dashboard

import (
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// The kinds of things that can be listed and looked at, as paths name them.
const (
	Postbacks    = "postbacks"
	Clicks       = "clicks"
	Conversions  = "conversions"
	Deliveries   = "deliveries"
	Attempts     = "attempts"
	Destinations = "destinations"
)

// collection is one kind and what its list can be narrowed by.
type collection struct {
	kind string
	// id and arrived are the columns of a row's ID and of when we heard of it.
	id, arrived string
	timed       bool // since and until mean something
	filters     []filter
	// others are the parameters beside the filters; nil: those of a list.
	others []string
}

// filter narrows a list to the rows whose column of that name has a value.
type filter struct {
	name   string
	words  []string // all values there are; nil: any
	flag   bool     // true or false
	number bool
	many   bool // takes several values, parted by commas
}

// maxValues is how many values a filter takes that takes several.
const maxValues = 50

// collections are all kinds. The filters are columns of the views by which the
// lists are made.
func collections() []collection {
	return []collection{
		{kind: Postbacks, id: "postback_id", arrived: "received_at", timed: true, filters: slices.Concat(
			text("postback_id"), ids("network_id", "endpoint_id"),
			word("via", subfive.ViaS2S, subfive.ViaPixel, subfive.ViaAPI, subfive.ViaImport, subfive.ViaImportForward),
			word("reading", readings()...),
			word("verdict", verdicts()...),
			text("click_id", "transaction_id", "network_conversion_id", "order_id", "goal", "conversion_id"),
			word("settled_as", append(settlements(), "accepted")...),
		)},
		{kind: Clicks, id: "click_id", arrived: "clicked_at", timed: true, filters: slices.Concat(
			text("click_id"),
			word("record_kind", subfive.ClickRedirect, subfive.ClickScript, subfive.ClickLanding, subfive.ClickImport),
			ids("campaign_id", "source_id", "platform"), text("ad_account_id"), ids("offer_id", "landing_id"),
			flag("is_bot", "is_test"),
		)},
		{kind: Conversions, id: "conversion_id", arrived: "received_at", timed: true, filters: slices.Concat(
			text("conversion_id", "click_id"),
			word("match_method", subfive.MatchClick, subfive.MatchLate, subfive.MatchDirect, subfive.MatchManual),
			word("verdict", verdicts()...),
			ids("network", "endpoint_id"), text("network_conversion_id", "transaction_id", "order_id", "goal"),
			word("network_status", subfive.StatusPending, subfive.StatusApproved, subfive.StatusRejected),
			ids("campaign_id", "source_id", "offer_id", "platform"),
			flag("is_test", "counts_conversion"),
		)},
		{kind: Deliveries, id: "delivery_id", arrived: "created_at", timed: true, filters: slices.Concat(
			text("delivery_id", "conversion_id", "click_id"), ids("destination_id", "platform"),
			word("kind", subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement),
			word("status", append(deliveryStatuses(), statusHeld)...),
			text("reason_code"),
			word("mode", modes()...),
			text("event_name", "event_id"),
		)},
		{kind: Attempts, id: "attempt_id", arrived: "started_at", timed: true, filters: slices.Concat(
			text("attempt_id"), ids("destination_id"),
			word("class", classes()...),
			[]filter{{name: "http_status", number: true}},
			text("platform_code", "trace_id"),
		)},
		{kind: Destinations, id: "destination_id", filters: slices.Concat(ids("destination_id", "platform"), word("mode", modes()...))},
	}
}

// statusHeld asks for deliveries that are scheduled while their destination is
// paused.
const statusHeld subfive.DeliveryStatus = "held"

// ids are filters by IDs of resources, in which there is no comma.
func ids(names ...string) []filter {
	fs := text(names...)
	for i := range fs {
		fs[i].many = true
	}
	return fs
}

func text(names ...string) []filter {
	var fs []filter
	for _, n := range names {
		fs = append(fs, filter{name: n})
	}
	return fs
}

func flag(names ...string) []filter {
	var fs []filter
	for _, n := range names {
		fs = append(fs, filter{name: n, flag: true})
	}
	return fs
}

func word[T ~string](name string, values ...T) []filter {
	return []filter{{name: name, words: plain(values), many: true}}
}

func plain[T ~string](values []T) []string {
	var words []string
	for _, v := range values {
		words = append(words, string(v))
	}
	return words
}

// values reads what a filter was given: several values where it takes them.
func (f filter) values(given string) ([]string, error) {
	parts := []string{given}
	if f.many {
		parts = strings.Split(given, ",")
	}
	if len(parts) > maxValues {
		return nil, bad("give at most 50 at once", "%s has %d values", f.name, len(parts))
	}
	read := make([]string, len(parts))
	for i, part := range parts {
		if part == "" {
			return nil, bad("leave out the comma, or say what stands there", "%s has an empty value", f.name)
		}
		var err error
		if read[i], err = f.value(part); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// value reads one value: a flag becomes 1 or 0, and a click ID of
// ours is looked up in lower case.
func (f filter) value(given string) (string, error) {
	switch {
	case f.words != nil:
		return given, oneOf(f.name, given, f.words)
	case f.flag:
		i := slices.Index([]string{"0", "1", "false", "true"}, given)
		if i < 0 {
			return "", bad("say true or false", "%s is %q", f.name, given)
		}
		return strconv.Itoa(i % 2), nil
	case f.number:
		n, err := strconv.ParseUint(given, 10, 31)
		if err != nil {
			return "", bad("give a whole number", "%s is %q", f.name, given)
		}
		return strconv.FormatUint(n, 10), nil
	case f.name == "click_id":
		return foldClickID(given), nil
	}
	return given, nil
}

func foldClickID(id string) string {
	if folded, ok := subfive.ParseClickID(id); ok {
		return folded
	}
	return id
}

// oneOf refuses a value that is none of the words.
func oneOf(name, value string, words []string) error {
	if !slices.Contains(words, value) {
		return bad("say one of "+strings.Join(words, ", "), "%s is %q", name, value)
	}
	return nil
}

func settlements() []string { return []string{"duplicate", "new", "correction"} }

func verdicts() []subfive.Verdict {
	return []subfive.Verdict{
		subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictUnmatched, subfive.VerdictNoClickID,
		subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick, subfive.VerdictTest, subfive.VerdictDuplicate,
		subfive.VerdictPossibleDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange, subfive.VerdictNotAConversion,
		subfive.VerdictQuarantined, subfive.VerdictBroken,
	}
}

func readings() []subfive.Reading {
	return []subfive.Reading{
		subfive.ReadingOK, subfive.ReadingDirect, subfive.ReadingForeign, subfive.ReadingEmptyClickID, subfive.ReadingLiteralMacro,
		subfive.ReadingMalformed, subfive.ReadingQuarantined,
	}
}

func deliveryStatuses() []subfive.DeliveryStatus {
	return []subfive.DeliveryStatus{
		subfive.DeliveryScheduled, subfive.DeliverySubmitted, subfive.DeliveryDelivered, subfive.DeliveryDead, subfive.DeliverySkipped,
		subfive.DeliveryDryRun, subfive.DeliveryTested,
	}
}

func modes() []subfive.Mode {
	return []subfive.Mode{subfive.ModeDryRun, subfive.ModeTest, subfive.ModeLive}
}

func classes() []subfive.Class {
	return []subfive.Class{
		subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Transient, subfive.Throttled, subfive.Unauthorized,
		subfive.Misconfigured, subfive.Rejected,
	}
}
