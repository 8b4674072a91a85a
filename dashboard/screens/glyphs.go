package screens

import (
	"html/template"
	"strings"
)

// look is how a state is shown: its glyph, and whether its word is colored.
type look struct {
	glyph string
	tone  string // ok, warn, bad; "": gray
}

// looks are all states that a row can have: verdicts, readings, delivery states,
// outcomes and the set-up's. Status is shape and word, as well as color.
var looks = map[string]look{
	"matched": {"ok", "ok"}, "direct": {"ok", "ok"}, "delivered": {"ok", "ok"}, "accepted": {"ok", "ok"}, "working": {"ok", "ok"}, "ok": {"ok", "ok"},
	"live": {"ok", "ok"}, "approved": {"ok", "ok"}, "done": {"ok", "ok"}, "active": {"ok", "ok"},
	"held": {"held", "warn"}, "paused": {"held", "warn"}, "throttled": {"held", "warn"},
	"dead": {"dead", "bad"}, "rejected": {"dead", "bad"}, "broken": {"dead", "bad"}, "failed": {"dead", "bad"}, "unauthorized": {"dead", "bad"},
	"misconfigured": {"dead", "bad"}, "down": {"dead", "bad"},
	"scheduled": {"wait", ""}, "waiting": {"wait", ""}, "deferred": {"wait", ""}, "pending": {"wait", ""}, "transient": {"wait", ""}, "running": {"wait", ""},
	"submitted": {"sent", ""}, "skipped": {"skip", ""}, "not_a_conversion": {"skip", ""}, "outside_window": {"skip", ""}, "before_click": {"skip", ""},
	"archived": {"skip", ""}, "muted": {"skip", ""},
	"dry_run": {"dry", ""}, "tested": {"test", ""}, "test": {"test", ""},
	"duplicate": {"dup", ""}, "status_change": {"dup", ""}, "payout_change": {"dup", ""},
	"possible_duplicate": {"ask", "warn"},
	"no_click_id":        {"no", "warn"}, "empty_click_id": {"no", "warn"}, "literal_macro": {"no", "warn"}, "malformed": {"no", "warn"}, "quarantined": {"no", "warn"},
	"unmatched": {"no", "warn"}, "foreign": {"in", ""}, "warn": {"no", "warn"}, "bad": {"dead", "bad"},
	"todo": {"todo", ""}, "here": {"here", ""},
}

// glyph is a glyph of the sheet in the layout.
func glyph(name string, tones ...string) template.HTML {
	return template.HTML(`<svg class="` + template.HTMLEscapeString(strings.TrimSpace("g "+strings.Join(tones, " "))) +
		`" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}

// status is a state in a row: its glyph and its word.
func status(state any) template.HTML { return shown(state, "st") }

// tag is a state in a head or a drawer, as a pill.
func tag(state any) template.HTML { return shown(state, "st tag") }

func shown(state any, class string) template.HTML {
	name := words(state)
	l, ok := looks[strings.ReplaceAll(name, " ", "_")]
	if !ok {
		l = look{glyph: "in"}
	}
	if l.tone != "" {
		class += " " + l.tone
	}
	return template.HTML(`<span class="`+class+`">`) + glyph(l.glyph) + template.HTML(template.HTMLEscapeString(name)+`</span>`)
}
