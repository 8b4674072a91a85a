package subfive

import "time"

// TeeState says how far a copy of a postback for another tracker has come.
type TeeState string

// The states. All but TeeWaiting are final.
const (
	TeeWaiting TeeState = "waiting"
	TeeSent    TeeState = "sent"    // the other tracker answered 2xx
	TeeExpired TeeState = "expired" // it took none of the tries in time
	TeeGone    TeeState = "gone"    // the request is no longer kept, or can't be sent
)

// Tee is the copy of one postback that an endpoint's other tracker gets.
type Tee struct {
	PostbackID string    `json:"-"`
	EndpointID string    `json:"endpoint_id"`
	State      TeeState  `json:"state"`
	MadeAt     time.Time `json:"made_at"`
	Attempts   int       `json:"attempts"`
	// NextAttemptAt is when it is tried again; zero once the state is final.
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	EndedAt       time.Time `json:"ended_at,omitzero"`
	// LastHTTP is the status of the last answer, 0 if none came; LastError says
	// why none did.
	LastHTTP  int    `json:"last_http,omitempty"`
	LastError string `json:"last_error,omitempty"`

	// LeaseID fences what a worker writes about it. Request is the postback's, as
	// it was received.
	LeaseID string  `json:"-"`
	Request Request `json:"-"`
}
