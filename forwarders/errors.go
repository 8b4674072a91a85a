package forwarders

import (
	"path"
	"slices"

	"subfive"
)

// Entry is one line of an error dictionary: what an answer means, and what a
// buyer does about it.
type Entry struct {
	// Code is as subfive.Outcome.Code has it, or a pattern of path.Match:
	// "2??" are 200 to 299, "*" is any.
	Code string
	// Subcode is as subfive.Outcome.Subcode has it; "" stands for all of them.
	Subcode string
	// Class is what the answer counts as; "" where one code comes with several.
	Class subfive.Class
	Means string // what happened, in a sentence or two
	Do    string // what to change, and where; or that there is nothing to do
}

// Retried reports whether the program sends again by itself after this answer.
func (e Entry) Retried() bool {
	switch e.Class {
	case subfive.Deferred, subfive.Transient, subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured:
		return true
	case subfive.Accepted, subfive.Submitted, subfive.Rejected:
		return false
	}
	return false
}

// rank says how well an entry fits, 0 for not at all: code and subcode beat the
// code alone, and what is written out beats a pattern.
func (e Entry) rank(code, subcode string) int {
	rank := 1
	switch fits, err := path.Match(e.Code, code); {
	case e.Code == code:
		rank = 2
	case err != nil || !fits:
		return 0
	}
	switch e.Subcode {
	case "":
		return rank
	case subcode:
		return rank + 2
	}
	return 0
}

// Find returns the entry that fits an answer best: that of its code and
// subcode, else that of its code. Of two that fit alike the first is taken.
func Find(entries []Entry, code, subcode string) (Entry, bool) {
	best, found := 0, Entry{}
	for _, e := range entries {
		if r := e.rank(code, subcode); r > best {
			best, found = r, e
		}
	}
	return found, best > 0
}

// Explain says what an outcome means: by the platform's dictionary, else by our
// own codes, else by its class. Code and Subcode of the answer are the outcome's
// own. Where the outcome has another class than its entry, as when a platform
// calls an error passing for once, the class says what to do.
func (p Platform) Explain(class subfive.Class, code, subcode string) Entry {
	e, ok := Find(slices.Concat(p.Errors, OwnErrors()), code, subcode)
	general := byClass(class)
	if !ok {
		e = general
	}
	if class != "" && e.Class != class {
		e.Class, e.Do = class, general.Do
	}
	e.Code, e.Subcode = code, subcode
	return e
}
