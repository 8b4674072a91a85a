package everflow

import (
	"slices"

	"subfive"
)

// Severity says what a finding costs.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // conversions are lost, or credited wrongly
	SeverityWarning Severity = "warning" // it works, or may, and something is missed
	SeverityNote    Severity = "note"    // look at it once
)

// Level says where a fix belongs.
type Level string

// The levels.
const (
	LevelLink     Level = "link"     // the link that visitors click
	LevelPostback Level = "postback" // the URL in Everflow's postback form
	LevelTracker  Level = "tracker"  // this tracker's own set-up
)

// Finding is one thing that is wrong, and what to do about it.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	What     string   `json:"what"`            // what is wrong, with what was found
	Where    string   `json:"where,omitempty"` // the parameter, or the part of the URL
	Why      string   `json:"why"`             // what comes of it
	Fix      string   `json:"fix"`
	Level    Level    `json:"level"` // where the fix belongs
	// See is a command that shows what it is about, "" for none.
	See string `json:"see,omitempty"`
}

// The forms in which a URL is examined.
const (
	FormTemplate = "template" // as it stands in Everflow's form: with macros
	FormCaptured = "captured" // as it arrived: with values
)

// Diagnosis is what the Doctor says about one URL.
type Diagnosis struct {
	Form string `json:"form"`
	// URL is the request as it was understood, keys hidden.
	URL      string    `json:"url"`
	Findings []Finding `json:"findings"`
	// Corrected is the URL to paste instead, "" where nothing is to be corrected
	// or nobody can tell how. A key in it is hidden.
	Corrected string `json:"corrected,omitempty"`
}

// Healthy reports whether nothing but notes was found.
func (d Diagnosis) Healthy() bool {
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Severity != SeverityNote })
}

// Site is what the Doctor must know of the tracker that a URL is meant for.
// Every part may be empty: then the rules that need it say nothing.
type Site struct {
	// PublicURL is what postback URLs are built from.
	PublicURL string
	// Hosts are further ones that the tracker answers on.
	Hosts     []string
	Endpoints []subfive.Endpoint
	Offers    []subfive.Offer
	// Macros are those to judge by, Catalogue's for example.
	Macros []Macro
}

// Doctor examines postback URLs. It is safe for concurrent use.
type Doctor struct {
	site   Site
	hinter Hinter
}

// NewDoctor returns a Doctor for a site.
func NewDoctor(site Site) Doctor {
	return Doctor{site: site, hinter: NewHinter(site.Macros)}
}

// Examine reads what a person pasted: a postback URL, a captured query, a
// request line, a line of an access log, a curl command. It returns what is
// wrong with it, the worst first.
func (d Doctor) Examine(text string) Diagnosis {
	x := newExam(d, text)
	x.run()
	slices.SortStableFunc(x.found, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return Diagnosis{Form: x.form, URL: x.shown(), Findings: x.found, Corrected: x.corrected()}
}

func rank(s Severity) int {
	return slices.Index([]Severity{SeverityError, SeverityWarning, SeverityNote}, s)
}
