package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"subfive"
)

// checker reports what breaks a rule. A path says where it is written; the name
// before it says whose it is, for people.
type checker struct {
	report    func(path, what, do string)
	platforms map[string]Platform // nil: not known
}

// resource is one resource under check.
type resource struct {
	checker
	path string // "offers[0]"
	name string // "offers/ourdream"
}

func (c checker) resource(kind string, i int, id string) resource {
	return resource{c, fmt.Sprintf("%s[%d]", kind, i), kind + "/" + id}
}

// wrong reports a problem with one field of the resource.
func (r resource) wrong(field, what, do string) {
	path := r.path
	if field != "" {
		path += "." + field
	}
	r.report(path, r.name+": "+what, do)
}

func (r resource) oneOf(field, value string, allowed ...string) {
	r.checker.oneOf(r.path+"."+field, r.name+": "+field, value, allowed...)
}

// oneOf checks a word against those that are allowed.
func (c checker) oneOf(path, name, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	do := "write one of: " + strings.Join(allowed, ", ")
	if word := nearest(value, allowed); word != "" {
		do = fmt.Sprintf("did you mean %s? (%s)", word, strings.Join(allowed, ", "))
	}
	c.report(path, fmt.Sprintf("%s %q is not a word we know", name, clip(value)), do)
}

// url checks an address that may be left out.
func (c checker) url(path, name, value string) {
	switch {
	case value == "" || isReference(value) || webURL(value):
	case strings.HasPrefix(value, "www.") || !strings.Contains(value, "://"):
		c.report(path, fmt.Sprintf("%s %q does not begin with https://", name, clip(value)), "write https://"+clip(strings.TrimLeft(value, "/")))
	default:
		c.report(path, fmt.Sprintf("%s %q is not a web address", name, clip(value)), "write it as the browser shows it, https:// first, without spaces")
	}
}

// webURL reports whether s is http or https with a host and nothing that a URL
// can't hold. Braces are fine: links carry macros. It is not parsed further: a
// pasted link is used byte for byte.
func webURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	strange := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '<' || r == '>' || r == '\\' }
	return ok && hostPattern.MatchString(host) && !strings.ContainsFunc(s, strange) && !strings.HasPrefix(host, "http:") && !strings.HasPrefix(host, "https:")
}

var hostPattern = regexp.MustCompile(`^(?:[^@/\s]*@)?(?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?\.?)(?::[0-9]{1,5})?$`)

func (c checker) timezone(path, name, value string) {
	if value == "" {
		return
	}
	if _, err := time.LoadLocation(value); err != nil || value == "Local" {
		c.report(path, fmt.Sprintf("%s %q is not a time zone", name, clip(value)), "write its IANA name, such as America/New_York or UTC")
	}
}

// currency checks a currency and writes it in capitals.
func (c checker) currency(path, name string, value *string) {
	if *value == "" {
		return
	}
	code, ok := subfive.Currency(*value)
	if !ok || !strings.Contains(currencies, " "+code+" ") {
		c.report(path, fmt.Sprintf("%s %q is not a currency", name, clip(*value)), "write its ISO code, such as USD or EUR")
		return
	}
	*value = code
}

// amount checks an amount that may be left out.
func (r resource) amount(field string, value *subfive.Micros) {
	if value != nil && *value < 0 {
		r.wrong(field, fmt.Sprintf("%s %s is below zero", field, value), "write it without the minus")
	}
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// ids checks the form of the IDs of one kind of resource, and that none comes
// twice. It returns the set of them.
func (c checker) ids(kind string, ids []string) map[string]int {
	first := map[string]int{}
	for i, id := range ids {
		r := c.resource(kind, i, id)
		earlier, twice := first[id]
		switch {
		case id == "":
			r.report(r.path, fmt.Sprintf("%s[%d] has no id", kind, i), "give it one, such as id: "+example(kind))
			continue
		case !idPattern.MatchString(id):
			r.report(r.path+".id", fmt.Sprintf("%s: the id %q has another form than ours", kind, clip(id)),
				"use a to z, 0 to 9, - and _, at most 64, a letter or digit first"+suggestion(id))
		case twice:
			r.report(r.path+".id", fmt.Sprintf("%s: the id %q is taken by %s[%d]", kind, id, kind, earlier), "give each its own")
		}
		if !twice {
			first[id] = i
		}
	}
	return first
}

func example(kind string) string {
	switch kind {
	case "sources":
		return "meta-us"
	case "destinations":
		return "meta-main"
	}
	return "my-" + strings.TrimSuffix(strings.ReplaceAll(kind, "_", "-"), "s")
}

// suggestion offers an ID of our form that looks like the one that was given.
func suggestion(id string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', b.Len() > 0 && (c == '-' || c == '_'):
			b.WriteRune(c)
		case b.Len() == 0:
		case c == ' ' || c == '.' || c == '/':
			b.WriteByte('-')
		default:
			return ""
		}
	}
	if s := b.String(); idPattern.MatchString(s) {
		return ": " + s
	}
	return ""
}

// known checks a reference to another resource.
func (r resource) known(field, id, kind string, all map[string]int) {
	if _, ok := all[id]; ok {
		return
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	do := "add it below " + kind + ":"
	if name := nearest(id, names); name != "" {
		do = fmt.Sprintf("did you mean %s?", name)
	} else if len(names) > 0 {
		do += ", or name one of: " + clip(strings.Join(names, ", "))
	}
	r.wrong(field, fmt.Sprintf("there is no %s %q", strings.ReplaceAll(strings.TrimSuffix(kind, "s"), "_", " "), clip(id)), do)
}

func (r resource) allKnown(field string, ids []string, kind string, all map[string]int) {
	for i, id := range ids {
		r.known(fmt.Sprintf("%s[%d]", field, i), id, kind, all)
	}
}

// platform checks a platform's name, if we know which there are.
func (r resource) platform(field, name string, others ...string) {
	if name == "" {
		r.wrong(field, "no platform is named", "write platform: meta, or another")
		return
	}
	if r.platforms == nil {
		return
	}
	words := append([]string(nil), others...)
	for platform := range r.platforms {
		words = append(words, platform)
	}
	slices.Sort(words)
	if formerly, ok := platformAliases[strings.ToLower(name)]; ok && slices.Contains(words, formerly) {
		r.wrong(field, fmt.Sprintf("there is no platform %q", clip(name)), "did you mean "+formerly+"?")
		return
	}
	r.oneOf(field, name, words...)
}

// platformAliases are other names that people have for platforms.
var platformAliases = map[string]string{
	"facebook": "meta", "fb": "meta", "instagram": "meta", "google-ads": "google", "google_ads": "google", "adwords": "google",
	"gads": "google", "tt": "tiktok", "tik-tok": "tiktok", "webhook": "relay", "s2s": "relay", "google-sheets": "sheets",
}
