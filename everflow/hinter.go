package everflow

import (
	"fmt"
	"net/url"
	"strings"
)

// Hinter tells a placeholder that arrived unfilled from a real value. It is
// safe for concurrent use.
type Hinter struct {
	macros map[string]Macro  // by name
	folded map[string]string // folded name → name
	absent map[string]Macro  // those that partners' postbacks never get, by folded name
}

// NewHinter returns a Hinter that suggests these macros, but for absent ones.
func NewHinter(macros []Macro) Hinter {
	h := Hinter{macros: map[string]Macro{}, folded: map[string]string{}, absent: map[string]Macro{}}
	for _, m := range macros {
		if m.Confidence == Absent {
			h.absent[fold(m.Name)] = m
			continue
		}
		h.macros[m.Name] = m
		h.folded[fold(m.Name)] = m.Name
	}
	return h
}

// platformMacros are ad platforms' macros by their folded name. Everflow never
// fills them: the ad platform does, on the campaign's link.
var platformMacros = map[string]string{
	"gclid": "Google's click ID", "gbraid": "Google's click ID", "wbraid": "Google's click ID",
	"fbclid": "Meta's click ID", "fbc": "Meta's cookie", "fbp": "Meta's cookie",
	"ttclid": "TikTok's click ID", "ttp": "TikTok's cookie",
	"rdtcid": "Reddit's click ID", "rdtuuid": "Reddit's cookie", "msclkid": "Microsoft's click ID",
	"campaign.id": "Meta's campaign", "adset.id": "Meta's ad set", "ad.id": "Meta's ad",
	"campaign.name": "Meta's campaign", "adset.name": "Meta's ad set", "ad.name": "Meta's ad",
	"campaignid": "the ad platform's campaign", "adgroupid": "the ad platform's ad group", "adid": "the ad platform's ad",
	"lpurl": "Google's landing page",
}

func platformMacro(name string) (what string, ok bool) {
	if what, ok = platformMacros[strings.ToLower(name)]; ok {
		return what, true
	}
	what, ok = platformMacros[fold(name)]
	return what, ok
}

// known reports whether a name is a macro of Everflow's, of a rival's or of an
// ad platform's, however it is spelled.
func (h Hinter) known(name string) bool {
	if _, ok := platformMacro(name); ok {
		return true
	}
	return h.folded[fold(name)] != "" || meaning(name) != ""
}

// LiteralMacro reports whether value is a placeholder that nobody filled, and
// if so says in one sentence which macro belongs there. param is the
// parameter's name as it arrived, value what it held, decoded once.
//
// It would rather miss a placeholder than take a real value for one: a value
// that it calls literal counts as missing.
func (h Hinter) LiteralMacro(param, value string) (hint string, literal bool) {
	trimmed := strings.TrimSpace(value)
	p := h.placeholder(param, trimmed)
	switch {
	case p.form == formNone:
		return "", false
	case p.encoded > 0:
		return fmt.Sprintf("%s=%s arrived encoded: %s, with plain braces.", show(param), show(trimmed), h.write(param, p.inner)), true
	}
	return h.hint(param, trimmed, p.inner, p.form), true
}

// placeholder is one that a value holds.
type placeholder struct {
	inner string // the name in it
	text  string // the value that held it, decoded
	form  form
	// encoded is how often it had to be decoded first.
	encoded int
}

// placeholder finds the placeholder in a value without white space around it.
func (h Hinter) placeholder(param, value string) placeholder {
	if value == "" || len(value) > 256 {
		return placeholder{}
	}
	for round := 0; ; round++ {
		if inner, f := h.find(param, value); f != formNone {
			return placeholder{inner, value, f, round}
		}
		if round == 2 || !strings.Contains(value, "%") {
			return placeholder{}
		}
		once, err := url.PathUnescape(value)
		if err != nil || once == value {
			return placeholder{}
		}
		value = strings.TrimSpace(once)
	}
}

// find looks for a placeholder in one reading of a value.
func (h Hinter) find(param, value string) (inner string, f form) {
	if inner, f := h.unwrap(param, value); f != formNone {
		return inner, f
	}
	if insertWord.MatchString(value) && !strings.EqualFold(param, "coupon_code") {
		return "", formWord
	}
	if ownName(param, value) {
		return "", formOwnName
	}
	if bare := strings.Trim(value, "{}"); strings.Count(value, "{")+strings.Count(value, "}") <= 1 {
		_, exact := h.macros[bare]
		halved := bare != value && h.folded[fold(bare)] != ""
		if halved || exact && strict[meaning(param)] {
			return bare, formBare
		}
	}
	for _, match := range embedded.FindAllStringSubmatch(value, -1) {
		if h.known(match[1]) {
			return strings.TrimSpace(match[1]), formEmbedded
		}
	}
	return "", formNone
}

// ownName reports whether a parameter holds its own name, as a template does
// whose values nobody wrote. "test=test" is how people switch a test on.
func ownName(param, value string) bool {
	if len(value) < 2 || strings.EqualFold(param, "test") {
		return false
	}
	return value == param || meaning(param) != "" && fold(value) == fold(param)
}

// hint words what is wrong with the placeholder and what to do.
func (h Hinter) hint(param, value, inner string, f form) string {
	shown, do := show(value), h.write(param, inner)
	if what, ok := platformMacro(inner); ok && f != formBare {
		return fmt.Sprintf("%s is %s, not an Everflow macro: capture it on the campaign link, and here %s.", shown, what, do)
	}
	switch f {
	case formCurly:
		if m, ok := h.absent[fold(inner)]; ok {
			return fmt.Sprintf("%s is %s, which partners' postbacks do not get: %s.", shown, m.Gives, do)
		}
		if m, ok := h.macros[inner]; ok && value == "{"+inner+"}" {
			return unfilled(shown, m)
		}
		return fmt.Sprintf("%s is not an Everflow macro (their names are case-sensitive): %s.", shown, do)
	case formEmbedded:
		if m, ok := h.macros[inner]; ok {
			return unfilled("{"+inner+"}", m)
		}
		return fmt.Sprintf("{%s} is not an Everflow macro (their names are case-sensitive): %s.", show(inner), do)
	case formDoubled:
		return fmt.Sprintf("%s is not Everflow's form, which has single braces: %s.", shown, do)
	case formForeign:
		return fmt.Sprintf("%s is another tracker's placeholder: %s.", shown, do)
	case formWord:
		return fmt.Sprintf("%s is a template's word that nobody replaced: %s.", shown, do)
	case formBare:
		return fmt.Sprintf("%s has lost its braces: %s.", shown, do)
	case formOwnName:
		return fmt.Sprintf("%s holds its own name and no macro: %s.", show(param), do)
	case formNone:
	}
	return ""
}

func unfilled(shown string, m Macro) string {
	if m.Confidence == Unclear {
		return shown + " arrived unfilled: your network may not offer it, so pick it from the macro list of Everflow's postback form or remove it."
	}
	return shown + " arrived unfilled: Everflow fills it only when it fires the postback itself, so check with a test conversion."
}

// write says what to write instead, as far as we can tell.
func (h Hinter) write(param, inner string) string {
	name := h.rightMacro(param, inner)
	if name == "" {
		return "pick the right macro from the list in Everflow's postback form"
	}
	return fmt.Sprintf("write %s={%s}", show(param), name)
}

// rightMacro is the macro that was meant: the one that is only spelled
// differently; else what the parameter asks for; else what the name means
// elsewhere; else the nearest spelling.
func (h Hinter) rightMacro(param, inner string) string {
	spelled := h.folded[fold(inner)]
	if spelled != "" && h.macros[spelled].Confidence != Unclear {
		return spelled
	}
	for _, name := range []string{meaning(param), h.folded[fold(param)], spelled, meaning(inner)} {
		if _, ok := h.macros[name]; ok {
			return name
		}
	}
	return h.nearest(fold(inner))
}

// nearest returns the macro at most two letters away from a folded name.
func (h Hinter) nearest(folded string) string {
	best, name := 3, ""
	for candidate, macro := range h.folded {
		if h.macros[macro].Confidence == Unclear {
			continue
		}
		d := distance(folded, candidate)
		if d < len(candidate)/2 && (d < best || d == best && macro < name) {
			best, name = d, macro
		}
	}
	return name
}

// distance is how many letters to add, drop or change between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// show shortens what a stranger sent, for a hint of one line.
func show(s string) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '?'
		}
		return r
	}, s))
	if len(clean) > 40 {
		return string(clean[:39]) + "…"
	}
	return string(clean)
}
