package subfive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Role says what a person may do.
type Role string

// The roles, the mightiest first.
const (
	RoleOwner   Role = "owner"   // everything
	RoleBuyer   Role = "buyer"   // everything but users and tokens
	RoleAnalyst Role = "analyst" // look at everything, change nothing
)

// Roles are all roles, the mightiest first.
func Roles() []Role { return []Role{RoleOwner, RoleBuyer, RoleAnalyst} }

// Covers reports whether who has role r may do what needs the role need.
func (r Role) Covers(need Role) bool {
	has, wanted := slices.Index(Roles(), r), slices.Index(Roles(), need)
	return has >= 0 && wanted >= has
}

// The themes of the screens that differ from the system's, and the word for the
// system's own.
const (
	ThemeLight  = "light"
	ThemeDark   = "dark"
	ThemeSystem = "system"
)

// User is a person who may sign in, or a script that has a token.
type User struct {
	ID   string `json:"user_id"`
	Name string `json:"name"` // what one signs in with, in lower case, and what the audit says
	Role Role   `json:"role"`
	// Zone is the IANA name of the zone in which times are shown; empty: the
	// reporting one.
	Zone string `json:"zone"`
	// Theme is ThemeLight or ThemeDark; empty: the system's.
	Theme string `json:"theme"`
	// HasPassword: he can sign in. Who has none yet needs a one-time link.
	HasPassword bool      `json:"has_password"`
	CreatedAt   time.Time `json:"created_at"`
	SignedInAt  time.Time `json:"signed_in_at,omitzero"` // the last time
	ArchivedAt  time.Time `json:"archived_at,omitzero"`
	// SessionsFrom is since when his sessions count: what is older has ended.
	SessionsFrom time.Time `json:"-"`
}

// ActorAPI is who calls with admin.token: it is one for all. No user is called
// so.
const ActorAPI = "api"

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// ParseUserName returns a name as users have it, in lower case. The error says
// what a name may be.
func ParseUserName(s string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if !userName.MatchString(name) {
		return "", fmt.Errorf("the name %q is none to sign in with: take 1 to 64 letters a to z, digits and . _ @ + -, and begin with a letter or a digit", Clip(s))
	}
	if slices.Contains([]string{ActorAPI, "file", "import"}, name) {
		return "", fmt.Errorf("the audit calls something else %q: take another name", name)
	}
	return name, nil
}

// Scope says what an API token may do.
type Scope string

// The scopes.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
	ScopeOwner Scope = "owner"
)

// Scopes are all scopes, the least first.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeWrite, ScopeOwner} }

// Role is the role that may do the same; "" for a scope that is none.
func (s Scope) Role() Role {
	switch s {
	case ScopeRead:
		return RoleAnalyst
	case ScopeWrite:
		return RoleBuyer
	case ScopeOwner:
		return RoleOwner
	}
	return ""
}

// PrefixToken begins the secret of an API token, so that it is known for one
// wherever it lies.
const PrefixToken = "sf_"

// APIToken is a token of the REST API, without the secret itself, which nobody
// keeps.
type APIToken struct {
	ID    string `json:"token_id"`
	Name  string `json:"name"`
	Scope Scope  `json:"scope"`
	// Last4 are the secret's last characters, to tell it by.
	Last4      string    `json:"last4"`
	CreatedBy  string    `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"` // to the minute
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// Actor is who calls with the token, for the audit.
func (t APIToken) Actor() string { return "token " + t.Name }

// View is a page's state that somebody saved under a name.
type View struct {
	ID        string    `json:"view_id"`
	Owner     string    `json:"-"` // the user's ID, or who else saved it
	Page      string    `json:"page"`
	Name      string    `json:"name"`
	Query     string    `json:"query"` // of the page's address, without the question mark
	CreatedAt time.Time `json:"created_at"`
}

// UserSession is one browser in which a user is signed in.
type UserSession struct {
	// Hash is SecretHash of what the browser keeps.
	Hash   string
	UserID string
	// Data is what the session itself remembers.
	Data                         []byte
	Address, UserAgent           string
	CreatedAt, SeenAt, ExpiresAt time.Time
}

// LinkPurpose says what a one-time link is for.
type LinkPurpose string

// The purposes of one-time links.
const (
	LinkFirst    LinkPurpose = "first"    // the first owner names himself and sets his password
	LinkPassword LinkPurpose = "password" // a user sets his password
	LinkSignIn   LinkPurpose = "sign_in"  // a user is signed in
)

// OneTimeLink lets who has it in once, without a password.
type OneTimeLink struct {
	// Hash is SecretHash of the key in the link.
	Hash      string
	Purpose   LinkPurpose
	UserID    string // "" for LinkFirst
	CreatedAt time.Time
	ExpiresAt time.Time
}

// ErrLinkOver says that a one-time link was used, has expired, or never was one.
var ErrLinkOver = errors.New("the link works no more")

// Arrival is what who has a one-time link says of himself.
type Arrival struct {
	// First is the first owner, with the ID that he gets if he is new. It is not
	// looked at unless the link is LinkFirst.
	First User
	// Password is the hash of his new password; for LinkSignIn it is empty.
	Password string
	// Zone is his time zone; "" leaves it, and so does LinkSignIn.
	Zone string
}

// LinkLife is how long a one-time link works.
const LinkLife = 30 * time.Minute

// SecretHash is what is kept of a secret that was made at random, and so is too
// long to be guessed: enough to know it again.
func SecretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
