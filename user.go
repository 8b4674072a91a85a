package subfive

import "time"

// User is a person who may sign in, or a script that has a token.
type User struct {
	ID   string `json:"user_id"`
	Name string `json:"name"` // what one signs in with, and what the audit says
	Role Role   `json:"role"`
	// Zone is the IANA name of the zone in which times are shown; empty: the
	// reporting one.
	Zone string `json:"zone"`
	// Theme is ThemeLight or ThemeDark; empty: the system's.
	Theme      string    `json:"theme"`
	CreatedAt  time.Time `json:"created_at"`
	ArchivedAt time.Time `json:"archived_at,omitzero"`
}

// Role is what a person may do.
type Role string

// The roles. A token's scope is one of them, too.
const (
	RoleOwner   Role = "owner"   // everything
	RoleBuyer   Role = "buyer"   // everything but users and tokens
	RoleAnalyst Role = "analyst" // look at everything, change nothing
)

// The themes of the screens that differ from the system's.
const (
	ThemeLight = "light"
	ThemeDark  = "dark"
)
