package alerts

import (
	"time"

	"subfive"
)

// Facts are what is known at one moment.
type Facts struct {
	At   time.Time
	Node string // the process's data folder
	// Local is what the process knows of itself, without the database.
	Local Local
	// Queue and Activity come from the database; nil: it did not answer.
	Queue    *Queue
	Activity *Activity
	// Spend and Gaps are nil while nothing tells of them.
	Spend []Spend
	Gaps  []Gap
	// Postbacks are those networks whose postbacks were looked at; nil: none.
	Postbacks []Postbacks
}

// Local is what a process knows of itself.
type Local struct {
	// DatabaseDown: it does not answer this process.
	DatabaseDown bool
	Journal      Journal
	// ClicksAtRisk are clicks in memory only, ClicksLost those that were lost
	// since the start, the last one at LostAt.
	ClicksAtRisk int
	ClicksLost   int
	LostAt       time.Time
	Failures     []Failures
	Disk         *Disk // nil: not known
	Expiries     []Expiry
}

// Journal is the state of the journal, in bytes.
type Journal struct {
	Held, Cap int64 // what can't be freed yet, and the most there may be
	Waiting   int64 // records that are not in the database yet
	OldestAt  time.Time
}

// Failures are answers to an endpoint's network in a row that were no success.
type Failures struct {
	EndpointID    string
	InARow        int
	Limit         int // how many the network stands
	LastAt        time.Time
	LastStatus    int
	NetworkWindow time.Duration
}

// Disk is the space where the data lies, in bytes.
type Disk struct {
	Path        string
	Free, Total uint64
}

// Expiry is something that ends: a certificate, a token.
type Expiry struct {
	Subject string // "certificate of trk.example.com"
	At      time.Time
	Do      string
}

// Queue is the state of the outbox.
type Queue struct {
	Pauses []subfive.Pause // those in force
	Due    []Due
}

// Due is what is due at one destination.
type Due struct {
	DestinationID string
	Deliveries    int64
	OldestAt      time.Time
}

// HistoryHours is how long a Series is: eight days and the hour that runs.
const HistoryHours = 8*24 + 1

// Series are counts by the hour, UTC, the oldest first; the last is the hour
// that runs.
type Series [HistoryHours]int

// Activity is what happened of late.
type Activity struct {
	Campaigns    []CampaignActivity // those that run
	Endpoints    []EndpointActivity
	Sources      []SourceActivity
	Destinations []DestinationActivity
}

// CampaignActivity are a campaign's clicks, those of bots and tests left out,
// and the conversions that count.
type CampaignActivity struct {
	ID                  string
	Clicks, Conversions Series
}

// EndpointActivity are postbacks that mean to be conversions; Matched are those
// of them whose click is known.
type EndpointActivity struct {
	ID                 string
	Postbacks, Matched Series
}

// SourceActivity are conversions of the last seven days that the network has
// decided about.
type SourceActivity struct {
	ID                 string
	Approved, Rejected int
}

// DestinationActivity are deliveries made in the last 24 hours.
type DestinationActivity struct {
	ID         string
	Deliveries int
	Dead       int
	Poison     int    // of Dead, those that kept ending the program
	Reason     string // the most frequent one of the dead
	// Unmapped are deliveries that were skipped, by the goal that maps to nothing.
	Unmapped map[string]int
}

// Spend is what was paid since yesterday began, and what came of it: costs come
// by days.
type Spend struct {
	Subject     string // the campaign
	Spent       subfive.Money
	Conversions int
	// Usual is what a conversion cost in the 7 days before; nil: not known.
	Usual *subfive.Money
}

// Gap compares the network's own conversions of a day with ours.
type Gap struct {
	NetworkID    string
	Theirs, Ours int
}

// Postbacks are what a network has installed of ours.
type Postbacks struct {
	NetworkID string
	// Active and Off are how many there are; none of either: it has none.
	Active, Off int
	Do          string // to switch it on again
}
