// Package everflow knows the network Everflow: its macros, the postback URL to
// paste into its form, what a placeholder that arrived unfilled should have
// been, and what is wrong with a postback URL.
//
// Only its API, which asks Everflow as a partner may, opens connections, and
// none of it judges a conversion. Package receiver asks its
// Hinter about values; screens and commands ask it for URLs, and its Doctor
// about those that people paste.
//
// What is known of Everflow is partly unconfirmed: the macros are data, in
// macros.tsv, each with how sure we are of it.
package everflow

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Confidence says how sure we are that a macro works in a partner's postback.
type Confidence string

// The confidences.
const (
	Confirmed Confidence = "confirmed" // Everflow's own help names it
	Likely    Confidence = "likely"    // in use, or named by third parties
	Unclear   Confidence = "unclear"   // look it up in the postback form's list
	Absent    Confidence = "absent"    // Everflow has it elsewhere, not in partners' postbacks
)

// Macro is one of Everflow's placeholders. It is written {Name} in a postback
// URL, in exactly this case.
type Macro struct {
	Name       string
	Gives      string
	Confidence Confidence
}

//go:embed macros.tsv
var macros string

// Catalogue returns the macros that are shipped, in the order of macros.tsv.
func Catalogue() []Macro {
	all, err := ParseCatalogue(macros)
	if err != nil {
		panic("everflow: macros.tsv: " + err.Error()) // part of the program, and tested
	}
	return all
}

// ParseCatalogue reads macros from lines of three columns separated by tabs:
// name, confidence, what it gives. Empty lines and those that begin with # are
// left out.
func ParseCatalogue(text string) ([]Macro, error) {
	var all []Macro
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 3 {
			return nil, fmt.Errorf("line %d: %d columns, not name, confidence, what it gives", i+1, len(columns))
		}
		m := Macro{Name: columns[0], Confidence: Confidence(columns[1]), Gives: columns[2]}
		if !macroName(m.Name) || seen[m.Name] {
			return nil, fmt.Errorf("line %d: %q is no macro's name, or was named before", i+1, m.Name)
		}
		if !slices.Contains([]Confidence{Confirmed, Likely, Unclear, Absent}, m.Confidence) {
			return nil, fmt.Errorf("line %d: %q is not confirmed, likely, unclear or absent", i+1, m.Confidence)
		}
		seen[m.Name] = true
		all = append(all, m)
	}
	return all, nil
}

// Amend returns the macros with those of changes added, or in the place of the
// one of that name.
func Amend(macros, changes []Macro) []Macro {
	all := slices.Clone(macros)
	for _, m := range changes {
		if i := slices.IndexFunc(all, func(old Macro) bool { return old.Name == m.Name }); i >= 0 {
			all[i] = m
			continue
		}
		all = append(all, m)
	}
	return all
}

// macroName reports whether s has the form of Everflow's names: lower case,
// digits and underscores.
func macroName(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}
