package moving

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// Fragment is what campaigns of another tracker come to, for a person to look
// at: sources, offers and campaigns that this tracker does not have yet, with
// notes on what to check.
type Fragment struct {
	Setup subfive.Setup
	// Notes are what a person should look at, by "campaigns/spring".
	Notes map[string][]string
	// Also is what was read and becomes nothing, such as a postback URL.
	Also []string

	has     subfive.Setup     // what is there already
	aliases map[string]string // what a campaign is found by, IDs included, here and there
}

// NewFragment returns an empty Fragment beside what is there already: its IDs and
// aliases are left alone.
func NewFragment(has subfive.Setup) *Fragment {
	f := &Fragment{has: has, Notes: map[string][]string{}, aliases: map[string]string{}}
	for _, c := range has.Campaigns {
		f.aliases[strings.ToLower(c.ID)] = c.ID
		for _, alias := range c.Aliases {
			f.aliases[normalAlias(alias)] = c.ID
		}
	}
	return f
}

func normalAlias(alias string) string { return strings.ToLower(strings.Trim(alias, "/ ")) }

// Slug returns a name in the form of an ID, "" where nothing of it is left.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.TrimLeft(b.String(), "_-")
	if len(s) > maxSlug {
		s = s[:maxSlug]
	}
	return strings.TrimRight(s, "-")
}

// maxSlug leaves room for a number behind it: an ID has at most 64 characters.
const maxSlug = 56

// unique returns id, with a number behind it if it is taken.
func unique(id string, taken func(string) bool) string {
	for n := 2; ; n++ {
		if !taken(id) {
			return id
		}
		id = strings.TrimSuffix(id, "-"+strconv.Itoa(n-1)) + "-" + strconv.Itoa(n)
	}
}

func (f *Fragment) note(key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(f.Notes[key], text) {
		f.Notes[key] = append(f.Notes[key], text)
	}
}

// YAML returns the fragment as a part of subfive.yaml, with its notes as
// comments.
func (f *Fragment) YAML() string {
	var b strings.Builder
	for _, line := range f.Also {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	section := func(name string, n int, each func(i int)) {
		if n == 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s:\n", name)
		for i := range n {
			each(i)
		}
	}
	notes := func(key string) {
		for _, n := range f.Notes[key] {
			fmt.Fprintf(&b, "  # %s\n", strings.ReplaceAll(n, "\n", " "))
		}
	}
	section("sources", len(f.Setup.Sources), func(i int) {
		s := f.Setup.Sources[i]
		notes("sources/" + s.ID)
		fmt.Fprintf(&b, "  - id: %s\n    platform: %s\n", scalar(s.ID), scalar(s.Platform))
		writeMap(&b, "params", s.Params)
		writeMap(&b, "names", s.Names)
	})
	section("offers", len(f.Setup.Offers), func(i int) {
		o := f.Setup.Offers[i]
		notes("offers/" + o.ID)
		fmt.Fprintf(&b, "  - id: %s\n    link: %s\n", scalar(o.ID), scalar(o.Link))
		if o.ClickSlot != "" {
			fmt.Fprintf(&b, "    click_slot: %s\n", scalar(o.ClickSlot))
		}
	})
	section("campaigns", len(f.Setup.Campaigns), func(i int) {
		c := f.Setup.Campaigns[i]
		notes("campaigns/" + c.ID)
		fmt.Fprintf(&b, "  - id: %s\n    source: %s\n    offer: %s\n", scalar(c.ID), scalar(c.Source), scalar(c.Offer))
		if len(c.Aliases) > 0 {
			quoted := make([]string, len(c.Aliases))
			for j, a := range c.Aliases {
				quoted[j] = scalar(a)
			}
			fmt.Fprintf(&b, "    aliases: [%s]\n", strings.Join(quoted, ", "))
		}
	})
	return b.String()
}

func writeMap(b *strings.Builder, name string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(b, "      %s: %s\n", scalar(key), scalar(m[key]))
	}
}

var bare = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// scalar returns a value as YAML reads it back. ${ would be a reference.
func scalar(s string) string {
	switch {
	case slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, s), !bare.MatchString(s):
		return strconv.Quote(strings.ReplaceAll(s, "${", "$${"))
	}
	return s
}
