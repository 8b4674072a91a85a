package subfive

import (
	"strconv"
	"time"
)

// RecordKind says what a journal record holds.
type RecordKind string

// The kinds of record.
const (
	RecordClick    RecordKind = "click"
	RecordPostback RecordKind = "postback"
	RecordVisit    RecordKind = "visit"
)

// Record is one request as the receiver took it in: what the journal keeps and
// attribution follows. Exactly one of Click, Postback and Visit is set, as Kind
// says.
//
// ID is unique among records of its kind: a click's is its click ID, a
// postback's its postback ID, a visit's its visit ID. A record whose ID is already stored is never
// decided again.
type Record struct {
	ID       string     `json:"id"`
	Kind     RecordKind `json:"kind"`
	Click    *Click     `json:"click,omitempty"`
	Postback *Postback  `json:"postback,omitempty"`
	Visit    *Visit     `json:"visit,omitempty"`
}

// Request is what came in over HTTP, kept so that a person can see it later.
type Request struct {
	Method string `json:"method"`
	Scheme string `json:"scheme"` // http or https, as the client used it
	Host   string `json:"host"`
	Path   string `json:"path"`
	// Raw is the query string and the body, byte for byte, sealed: it may hold
	// an e-mail address or an endpoint's key.
	Raw string `json:"raw,omitempty"`
	// Params are all parameters of query and form body in their order, each
	// decoded exactly once. Values that are not UTF-8 stay percent-encoded.
	Params []Param `json:"params,omitempty"`
	// Headers are those few that help to explain a request; never Authorization.
	Headers map[string]string `json:"headers,omitempty"`
	// ClientAddr is the client's address: the connection's, or what a trusted
	// proxy says.
	ClientAddr string `json:"client_addr"`
	UserAgent  string `json:"user_agent,omitempty"`
}

// Param is one parameter as it arrived. Hidden replaces the value of user data
// and of keys, which are kept sealed elsewhere.
type Param struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Hidden stands where a value is kept sealed or is a secret.
const Hidden = "***"

// Sealed is a value nobody reads in passing: Box is its AES-GCM ciphertext and
// Mac a keyed hash, by which equal values can be found.
type Sealed struct {
	Box string `json:"box"`
	Mac string `json:"mac"`
}

// The fields of user data that a click or a postback may bring.
const (
	UserEmail     = "email"
	UserPhone     = "phone"
	UserFirstName = "first_name"
	UserLastName  = "last_name"
	UserCity      = "city"
	UserRegion    = "region"
	UserZip       = "zip"
	UserCountry   = "country"
	UserBirthdate = "birthdate"
	UserGender    = "gender"
	UserID        = "user_id"
)

// UserFields lists the fields of user data.
func UserFields() []string {
	return []string{
		UserEmail, UserPhone, UserFirstName, UserLastName, UserCity, UserRegion,
		UserZip, UserCountry, UserBirthdate, UserGender, UserID,
	}
}

// Position is a place in the journal: a segment's UUID and a record's number in
// it, from 1.
type Position struct {
	Segment string `json:"segment"`
	Pos     int64  `json:"pos"`
}

// String returns segment:pos.
func (p Position) String() string { return p.Segment + ":" + strconv.FormatInt(p.Pos, 10) }

// Entry is a record's bytes at their position in the journal.
type Entry struct {
	Position
	Data []byte
}

// Millis returns t as Unix milliseconds, the form in which the store and the
// journal keep moments; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis returns the moment of ms in UTC; 0 is the zero time.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
