package subfive

import "time"

// AlertState is where an alert stands.
type AlertState string

// The states of an alert. A quiet one never fired: somebody muted it beforehand.
const (
	AlertQuiet     AlertState = "quiet"
	AlertFiring    AlertState = "firing"
	AlertRecovered AlertState = "recovered"
)

// AlertEvent is what a message tells of an alert.
type AlertEvent string

// The events. EventStill repeats what is still so after a day.
const (
	EventFired     AlertEvent = "fired"
	EventStill     AlertEvent = "still"
	EventRecovered AlertEvent = "recovered"
	EventTest      AlertEvent = "test"
)

// Alert is something that a person should know and see to. There is one a rule
// and subject, however often it comes back.
type Alert struct {
	ID      string     `json:"alert_id"`
	Rule    string     `json:"rule"`
	Subject string     `json:"subject,omitempty"` // the campaign, destination, endpoint, … that it is about
	Node    string     `json:"node,omitempty"`    // the data folder whose process sees it; "": all see it
	State   AlertState `json:"state"`
	What    string     `json:"what,omitempty"` // what is wrong, with the numbers of when it was last told
	Do      string     `json:"do,omitempty"`   // what to do about it
	See     string     `json:"see,omitempty"`  // a command that shows more

	Since       time.Time `json:"since,omitzero"` // since when it is so, as far as known
	FiredAt     time.Time `json:"fired_at,omitzero"`
	ToldAt      time.Time `json:"told_at,omitzero"` // when a message of it was last due; zero: nobody was to be told
	RecoveredAt time.Time `json:"recovered_at,omitzero"`
	MutedUntil  time.Time `json:"muted_until,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	// Owed are messages that a channel has not taken yet.
	Owed []AlertMessage `json:"owed,omitempty"`
	// Version is the stored row's, 0 for a new one: a write demands that it has
	// not moved.
	Version int64 `json:"-"`
}

// AlertMessage is what one channel is still to be told.
type AlertMessage struct {
	Channel string     `json:"channel"`
	Event   AlertEvent `json:"event"`
	At      time.Time  `json:"at"`               // when it happened
	NextAt  time.Time  `json:"next_at,omitzero"` // the next try; zero: given up
	Tries   int        `json:"tries"`
	Error   string     `json:"error,omitempty"` // how the last try failed
}

// PrefixAlert begins an alert's ID.
const PrefixAlert = "al_"

// AlertID returns the ID of the alert of a rule about a subject. node is the
// one that sees it, "" for what all nodes of a database see.
func AlertID(rule, subject, node string) string { return DeriveID(PrefixAlert, rule, subject, node) }
