// Package reconcile compares a network's own books with ours, and plans what
// mends ours.
//
// It is pure: it is given both sides as values, and returns what differs, what
// that comes to, and what is to be told to attribution and settled there. It
// asks no network, reads no database and applies nothing; cmd/subfive does.
package reconcile

import (
	"time"

	"subfive"
)

// Outcome is what a comparison found out about a conversion.
type Outcome string

// The outcomes. One that agrees is Matched; of a conversion that differs in its
// status and in its payout, the status is named.
const (
	Matched           Outcome = "matched"
	MissingHere       Outcome = "missing_here"       // they list it, and we never heard of it
	MissingThere      Outcome = "missing_there"      // we have it, and they do not list it
	StatusFlip        Outcome = "status_flip"        // they say another status
	PayoutDrift       Outcome = "payout_drift"       // they say another amount
	PossibleDuplicate Outcome = "possible_duplicate" // an open question that their list answers
)

// Outcomes lists those that are differences.
func Outcomes() []Outcome {
	return []Outcome{MissingHere, MissingThere, StatusFlip, PayoutDrift, PossibleDuplicate}
}

// Ours is a conversion of ours.
type Ours struct {
	subfive.Conversion
	// AdID is the platform's ad that was clicked; "" if that is not known.
	AdID string
	// Delivered is how many destinations took it.
	Delivered int
}

// Claim is what a platform says of an ad's day.
type Claim struct {
	Day         string // 2006-01-02, in the ad account's zone
	AdID        string
	Conversions int
	Value       subfive.Money
}

// Books are both sides of a span of time.
type Books struct {
	// Since and Until bound what they list, Until not included.
	Since, Until time.Time
	// Zone is that of days.
	Zone *time.Location
	// Theirs are what the network lists: all of the span.
	Theirs []subfive.Postback
	// Ours are all that may be in Theirs: the span's, a little around it, and
	// those of the same click sessions.
	Ours []Ours
	// Open are possible duplicates that nobody decided.
	Open []subfive.Judged
	// Ads are the ads of clicks, by click ID.
	Ads map[string]string
	// Claims are what platforms say.
	Claims []Claim
}

// Difference is a conversion on which the books differ.
type Difference struct {
	Outcome             Outcome         `json:"outcome"`
	Day                 string          `json:"day"`
	AdID                string          `json:"ad_id,omitempty"`
	ConversionID        string          `json:"conversion_id,omitempty"`
	PostbackID          string          `json:"postback_id,omitempty"` // of a possible duplicate
	NetworkConversionID string          `json:"network_conversion_id,omitempty"`
	TransactionID       string          `json:"transaction_id,omitempty"`
	Goal                string          `json:"goal"`
	OrderID             string          `json:"order_id,omitempty"`
	NetworkOfferID      string          `json:"network_offer_id,omitempty"`
	At                  time.Time       `json:"at"`
	TheirStatus         subfive.Status  `json:"their_status,omitempty"`
	OurStatus           subfive.Status  `json:"our_status,omitempty"`
	TheirPayout         *subfive.Micros `json:"their_payout,omitempty"`
	OurPayout           *subfive.Micros `json:"our_payout,omitempty"`
	Currency            string          `json:"currency,omitempty"`
	// Settled is what a possible duplicate is by their list.
	Settled string `json:"settled,omitempty"`
	// Mended: our books say the same now.
	Mended bool `json:"mended"`
	// Note says why one is left, if there is a reason.
	Note string `json:"note,omitempty"`
}

// key tells differences of two comparisons of the same books apart.
func (d Difference) key() string {
	return string(d.Outcome) + "\x00" + d.NetworkConversionID + "\x00" + d.ConversionID + "\x00" + d.PostbackID
}

// Side is what one side's books come to.
type Side struct {
	Conversions int `json:"conversions"`
	// Rejected are those of them that the network does not pay.
	Rejected int `json:"rejected"`
	// Payout is the sum of the others, by currency.
	Payout map[string]subfive.Micros `json:"payout"`
}

func (s *Side) add(status subfive.Status, payout *subfive.Micros, currency string) {
	s.Conversions++
	if status == subfive.StatusRejected {
		s.Rejected++
		return
	}
	if payout == nil {
		return
	}
	if s.Payout == nil {
		s.Payout = map[string]subfive.Micros{}
	}
	s.Payout[currency] += *payout
}

// Totals are the books in one line.
type Totals struct {
	Theirs    Side `json:"network"`
	Received  Side `json:"received"`
	Delivered Side `json:"delivered"`
	// Claimed is how many conversions the platforms claim, where their reports
	// were imported.
	Claimed int `json:"claimed"`
	Matched int `json:"matched"`
	// Outcomes are how many there are of each difference.
	Outcomes map[Outcome]int `json:"outcomes"`
	// Missing are those of the network's that are missing here, and Unheard those
	// of which no postback ever came, what was back-filled before included; both
	// without rejected ones, of which a network may tell nobody. GapPercent is the
	// share of the unheard.
	Missing    int     `json:"missing_here"`
	Unheard    int     `json:"unheard"`
	GapPercent float64 `json:"gap_percent"`
	// Tests are the network's rows that we know for tests; they count nowhere.
	Tests int `json:"tests"`
}

// Row is a line of a breakdown.
type Row struct {
	Key       string `json:"key"`
	Theirs    Side   `json:"network"`
	Received  Side   `json:"received"`
	Delivered Side   `json:"delivered"`
	Claimed   int    `json:"claimed"`
	Missing   int    `json:"missing_here"` // as in Totals
	Unheard   int    `json:"unheard"`
}

// Comparison is what comparing found.
type Comparison struct {
	Totals      Totals       `json:"totals"`
	Days        []Row        `json:"days"`
	Ads         []Row        `json:"ads"`
	Offers      []Row        `json:"offers"`
	Differences []Difference `json:"differences"`
	Plan        Plan         `json:"-"`
}

// Plan is what brings our books into line.
type Plan struct {
	// Settle comes first: what it makes may be what seems to be missing.
	Settle []Settlement
	Tell   []Told
}

// Settlement answers an open question.
type Settlement struct {
	PostbackID string
	As         string // duplicate, new or correction, in attribution's words
}

// The words of Settlement.As and of Told.As.
const (
	AsDuplicate  = "duplicate"
	AsNew        = "new"
	AsCorrection = "correction"
)

// Told is what the network's list says of one conversion, as a postback.
type Told struct {
	Postback subfive.Postback
	// As says what it is, should attribution ask: AsNew or AsCorrection.
	As string
}
