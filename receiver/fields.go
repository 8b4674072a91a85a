package receiver

import (
	"slices"
	"strings"

	"subfive"
)

// fields are a postback's parameters with what each means.
type fields []meant

// meant is a parameter with its meaning in a dialect.
type meant struct {
	param
	field   field
	user    string // the user data field, or ""
	direct  string // the platform's click parameter it is named after, or ""
	missing bool   // empty, a literal macro, or its own name
	literal bool
	hint    string // with literal: which macro was meant
}

// text is the value without the white space that copying brings.
func (m meant) text() string { return strings.TrimSpace(m.value) }

// read gives params their meaning. clickParam is one more name for the click
// ID; Hinter says which values are literal macros.
func (r *Receiver) read(params []param, d dialect, clickParam string) fields {
	clickParam = fold(clickParam)
	all := make(fields, len(params))
	for i, p := range params {
		folded := fold(p.name)
		m := meant{param: p, field: r.words.field(d, folded), user: r.words.users[folded], direct: r.direct[folded]}
		if clickParam != "" && folded == clickParam {
			m.field = fieldClickID
		}
		if m.missing = m.text() == ""; !m.missing {
			m.hint, m.literal = r.literalMacro(p.name, m.text())
			m.missing = m.literal
		}
		all[i] = m
	}
	return all
}

// find returns the best value of a field. Of several the first that is not
// missing wins, after those cut out of another value and those that are a URL:
// a link pasted into itself. If all are missing it returns one that says why.
func (all fields) find(want field) (m meant, present bool) {
	return all.best(func(m meant) bool { return m.field == want })
}

func (all fields) best(wanted func(meant) bool) (best meant, present bool) {
	bestRank := 0
	for _, m := range all {
		if !wanted(m) {
			continue
		}
		if rank := m.rank(); rank > bestRank {
			best, bestRank, present = m, rank, true
		}
	}
	return best, present
}

func (m meant) rank() int {
	switch {
	case m.literal:
		return 2
	case m.missing:
		return 1
	case isURL(m.value):
		return 3
	case m.loose:
		return 4
	}
	return 5
}

func isURL(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// get returns a field's value without white space, "" if it is missing.
func (all fields) get(want field) string {
	if m, ok := all.find(want); ok && !m.missing {
		return m.text()
	}
	return ""
}

// click returns the parameter that holds the click ID: one of that name; else a
// platform's own click parameter; else any other that has the form of our IDs,
// in a sub slot for example.
func (all fields) click() (m meant, present bool) {
	m, present = all.find(fieldClickID)
	if present && !m.missing {
		return m, true
	}
	if u, ok := all.find(fieldUpdate); ok && !u.missing {
		return u, true
	}
	if d, ok := all.best(func(m meant) bool { return m.direct != "" }); ok && !d.missing {
		return d, true
	}
	if i := slices.IndexFunc(all, meant.isStrayClickID); i >= 0 {
		return all[i], true
	}
	return m, present
}

// isStrayClickID: it has the form of our click IDs, under a name that means
// nothing else.
func (m meant) isStrayClickID() bool {
	if m.user != "" || m.field != fieldNone && m.field != fieldSub {
		return false
	}
	_, ok := subfive.ParseClickID(m.text())
	return ok
}

// hints are what to say about literal macros, for people; a few are enough.
func (all fields) hints() []string {
	const enough = 4
	var hints []string
	for _, m := range all {
		if m.literal && m.hint != "" && !slices.Contains(hints, m.hint) && len(hints) < enough {
			hints = append(hints, m.hint)
		}
	}
	return hints
}

// public returns the parameters as a person may see them: user data and keys
// hidden.
func (r *Receiver) public(all fields) []subfive.Param {
	if len(all) == 0 {
		return nil
	}
	params := make([]subfive.Param, len(all))
	for i, m := range all {
		params[i] = subfive.Param{Name: m.name, Value: m.value}
		if r.words.clicks[fold(m.name)] == "" { // click IDs are bytes
			params[i].Value = r.shown(m.value)
		}
		if !m.missing && (m.user != "" || m.field == fieldKey) {
			params[i].Value = subfive.Hidden
		}
	}
	return params
}

// shown returns a value or a header as a person may see it: addresses in it are
// masked, and a URL loses its query if that holds user data.
func (r *Receiver) shown(value string) string {
	before, query, ok := strings.Cut(value, "?")
	if !ok {
		return subfive.MaskAddresses(value)
	}
	inner, _ := parseQuery(query, r.words.known)
	for _, p := range inner {
		if r.holdsUserData(p.name) && p.value != "" {
			return subfive.MaskAddresses(before) + "?" + subfive.Hidden
		}
	}
	return subfive.MaskAddresses(value)
}

// userData seals each field of user data, the first that is not missing.
// country is the visitor's where the data does not name the person's.
func (r *Receiver) userData(all fields, country string) map[string]subfive.Sealed {
	if m, ok := all.best(func(m meant) bool { return m.user == subfive.UserCountry }); ok && !m.missing {
		country = m.text()
	}
	var sealed map[string]subfive.Sealed
	for _, m := range all {
		if m.user == "" || m.missing {
			continue
		}
		if _, ok := sealed[m.user]; ok {
			continue
		}
		box, err := r.cfg.Sealer.Seal(m.user, m.text(), country)
		if err != nil {
			r.cfg.Log.Error("seal user data", "field", m.user, "err", err)
			continue // it is hidden all the same
		}
		if sealed == nil {
			sealed = map[string]subfive.Sealed{}
		}
		sealed[m.user] = box
	}
	return sealed
}
