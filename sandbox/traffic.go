package sandbox

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Traffic makes up clicks and what Everflow later says about them, the good and
// the bad, together with the truth: which conversion each postback belongs to.
// The same seed makes the same traffic. It is not for concurrent use.
type Traffic struct {
	rand    *rand.Rand
	offerID string
	n       int // sales so far
	visits  int
}

// Story is what happens in one click session.
type Story string

// The stories.
const (
	StoryBase         Story = "base"          // one sale
	StoryRepeat       Story = "repeat"        // the same postback up to three times
	StorySecondURL    Story = "second_url"    // a global and a specific postback, other parameters, either first
	StoryUpsell       Story = "upsell"        // a sale and two events, each repeated now and then
	StoryRebill       Story = "rebill"        // a second sale on the session
	StoryApproved     Story = "approved"      // pending, then approved
	StoryRejected     Story = "rejected"      // pending, then rejected, under a conversion ID of its own
	StoryLiteralMacro Story = "literal_macro" // the template says {Sub5}
	StoryEmptyClickID Story = "empty_click_id"
	StoryUnknownClick Story = "unknown_click"
	StoryLateClick    Story = "late_click" // the click's record comes after the postback
	StoryOldClick     Story = "old_click"  // a click of 40 days ago
	StoryTooEarly     Story = "too_early"  // the network says that it was an hour before the click
	StoryDirect       Story = "direct"     // the network gives the platform's own click ID back
	StoryGarbage      Story = "garbage"    // nothing that could be read
)

// Stories returns all stories.
func Stories() []Story {
	return []Story{
		StoryBase, StoryRepeat, StorySecondURL, StoryUpsell, StoryRebill, StoryApproved,
		StoryRejected, StoryLiteralMacro, StoryEmptyClickID, StoryUnknownClick, StoryGarbage,
		StoryLateClick, StoryOldClick, StoryTooEarly, StoryDirect,
	}
}

// Shot is one postback to fire: Simulator.Fire(ctx, PostbackID, Conversion).
type Shot struct {
	Story      Story
	PostbackID string
	Conversion Conversion
	// Ago is how long before now the network says that it happened, in
	// {timestamp} as Unix seconds; 0: it says nothing.
	Ago   time.Duration
	Truth Truth
}

// Truth is what a tracker should make of a postback.
type Truth struct {
	// Key is the conversion's, the same for all postbacks about it; empty: the
	// postback is about none.
	Key string
	// First: this postback makes the conversion known; later ones of its key
	// are duplicates or changes of status.
	First bool
	// Change: it moves the status of a conversion that is known.
	Change bool
	// Matched: its click is the one that the session was made for, and it counts
	// for it.
	Matched bool
	Fate    Fate
	// Platform sold the click, and Goal is what the visitor did. Value is what it
	// was worth, in US dollars.
	Platform, Goal, Value string
}

// Fate is what becomes of a conversion.
type Fate string

// The fates.
const (
	FateMatched Fate = "matched"
	FateDirect  Fate = "direct"   // by the platform's own click ID
	FateUnknown Fate = "unknown"  // its click was never heard of
	FateNone    Fate = "no_click" // it names none
	FateOld     Fate = "old"      // its click is too old
	FateEarly   Fate = "early"    // it was before its click
)

// Expected is the sum of the truth about some shots.
type Expected struct {
	Postbacks   int
	Conversions int // distinct
	Matched     int // of them, those with a click: what platforms are told
	// Duplicates are repeats. In StorySecondURL one may bring the status that the
	// first lacked: a tracker can call that a change.
	Duplicates int
	Changes    int // of status
	Nothing    int // postbacks about no conversion
}

// NewTraffic returns the traffic of a seed for an offer, the network's ID.
func NewTraffic(seed uint64, offerID string) *Traffic {
	return &Traffic{rand: rand.New(rand.NewPCG(seed, 5)), offerID: offerID}
}

// The IDs of Traffic's postbacks.
const (
	postbackMain    = "main"
	postbackEvents  = "events"
	postbackGuide   = "guide"
	postbackWrong   = "wrong"
	postbackGarbage = "garbage"
	postbackTimed   = "timed"
	postbackDirect  = "direct-" // and the platform
)

// Postbacks are those that shots fire. address is where the tracker takes
// postbacks, https://trk.example.com/conversion; it may carry a query.
func (t *Traffic) Postbacks(address string) []Postback {
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	const guide = "click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}"
	const full = guide + "&conversion_id={conversion_id}&event_id={event_id}&event_name={event_name}" +
		"&order_id={order_id}&sale_amount={sale_amount}&status={status}"
	at := address + sep
	all := []Postback{
		{ID: postbackMain, URL: at + full, Type: TypeConversion, Scope: ScopeGlobal},
		{ID: postbackEvents, URL: at + full, Type: TypeEvent, Scope: ScopeGlobal},
		{ID: postbackGuide, URL: at + guide, Type: TypeConversion, Scope: ScopeSpecific, OfferID: t.offerID},
		{ID: postbackWrong, URL: at + strings.Replace(guide, "{sub5}", "{Sub5}", 1), Type: TypeConversion, Scope: ScopeGlobal},
		{ID: postbackGarbage, URL: at + "&&=%zz;%7B&?x=%FF%FE&<b>", Type: TypeConversion, Scope: ScopeGlobal},
		{ID: postbackTimed, URL: at + full + "&timestamp={timestamp}", Type: TypeConversion, Scope: ScopeGlobal},
	}
	for _, platform := range Sellers() {
		all = append(all, Postback{
			ID: postbackDirect + platform, URL: at + strings.Replace(full, "click_id", directParam(platform), 1),
			Type: TypeConversion, Scope: ScopeGlobal,
		})
	}
	return all
}

// Expect adds up the truth of shots that were fired in their order.
func Expect(shots []Shot) Expected {
	e := Expected{Postbacks: len(shots)}
	for _, s := range shots {
		switch {
		case s.Truth.Key == "":
			e.Nothing++
		case s.Truth.First:
			e.Conversions++
			if s.Truth.Matched {
				e.Matched++
			}
		case s.Truth.Change:
			e.Changes++
		default:
			e.Duplicates++
		}
	}
	return e
}

// Fates counts the conversions of shots by their fate.
func Fates(shots []Shot) map[Fate]int {
	fates := map[Fate]int{}
	for _, s := range shots {
		if s.Truth.First {
			fates[s.Truth.Fate]++
		}
	}
	return fates
}
