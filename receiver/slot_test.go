package receiver_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"subfive/receiver"
)

func TestSetSlot(t *testing.T) {
	const host = "https://t.example.com/A/B/"
	tests := map[string]struct{ link, want string }{
		"no query":                   {host, host + "?sub5=ID"},
		"no path":                    {"https://t.example.com", "https://t.example.com?sub5=ID"},
		"a bare ?":                   {host + "?", host + "?sub5=ID"},
		"other parameters":           {host + "?sub1=sfw&sub2=f", host + "?sub1=sfw&sub2=f&sub5=ID"},
		"trailing &":                 {host + "?sub1=a&", host + "?sub1=a&sub5=ID"},
		"slot empty":                 {host + "?sub5=", host + "?sub5=ID"},
		"slot without =":             {host + "?sub5&a=1", host + "?sub5=ID&a=1"},
		"slot first":                 {host + "?sub5=old&sub1=a", host + "?sub5=ID&sub1=a"},
		"slot between":               {host + "?a=1&sub5=old&b=2", host + "?a=1&sub5=ID&b=2"},
		"slot as a token":            {host + "?sub5={click_id}&sub1={x}", host + "?sub5=ID&sub1={x}"},
		"slot twice":                 {host + "?sub5=1&a=2&sub5=3&b=4&sub5=5", host + "?sub5=ID&a=2&b=4"},
		"slot name escaped":          {host + "?sub%35=1&a=2", host + "?sub%35=ID&a=2"},
		"slot in other letters":      {host + "?Sub5=1", host + "?Sub5=1&sub5=ID"},
		"longer names":               {host + "?sub50=1&xsub5=2", host + "?sub50=1&xsub5=2&sub5=ID"},
		"slot inside a value":        {host + "?u=https%3A%2F%2Fx%3Fsub5%3D1", host + "?u=https%3A%2F%2Fx%3Fsub5%3D1&sub5=ID"},
		"encoded characters":         {host + "?a=%7Bx%7D+%2b%20&b=ü", host + "?a=%7Bx%7D+%2b%20&b=ü&sub5=ID"},
		"repeated keys, empty parts": {host + "?a=1&&a=2&=", host + "?a=1&&a=2&=&sub5=ID"},
		"fragment":                   {host + "?a=1#top", host + "?a=1&sub5=ID#top"},
		"fragment without query":     {host + "#top?sub5=1", host + "?sub5=ID#top?sub5=1"},
		"empty fragment":             {host + "#", host + "?sub5=ID#"},
		"second ?":                   {host + "?a=1?b=2", host + "?a=1?b=2&sub5=ID"},
		"bad escape":                 {host + "?a=%zz&sub5=%", host + "?a=%zz&sub5=ID"},
		"semicolons":                 {host + "?a=1;sub5=2", host + "?a=1;sub5=2&sub5=ID"},
		"tokens in the path":         {"https://t.example.com/{aff}/?sub5=x", "https://t.example.com/{aff}/?sub5=ID"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := receiver.SetSlot(tt.link, "sub5", "ID"); got != tt.want {
				t.Errorf("SetSlot(%q) = %q, want %q", tt.link, got, tt.want)
			}
		})
	}
}

func FuzzSetSlot(f *testing.F) {
	f.Add("https://x.example.com/?a=1&sub5=2&sub5=3#f", "sub5")
	f.Add("https://x.example.com?", "s 5")
	f.Add("?&&sub%35&", "sub5")
	f.Fuzz(func(t *testing.T, link, slot string) {
		if slot == "" || !utf8.ValidString(slot) || strings.Contains(slot, "\x00") {
			slot = "sub5" // a slot is text: it is read from a file
		}
		got := receiver.SetSlot(link, slot, clickID)
		if again := receiver.SetSlot(got, slot, clickID); again != got {
			t.Errorf("not idempotent: %q, then %q", got, again)
		}
		wantRest, slots := others(link, slot)
		gotRest, set := others(got, slot)
		if set != 1 {
			t.Errorf("%q has the slot %d times (it had %d)", got, set, slots)
		}
		if !slices.Equal(wantRest, gotRest) {
			t.Errorf("the rest of %q is %q, was %q", got, gotRest, wantRest)
		}
	})
}

// others returns all of a link but its slot, and how often it had that.
func others(link, slot string) (rest []string, slots int) {
	link, fragment, _ := strings.Cut(link, "#")
	base, query, _ := strings.Cut(link, "?")
	rest = []string{base, fragment}
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == slot || name == slot {
			slots++
		} else if part != "" {
			rest = append(rest, part)
		}
	}
	return rest, slots
}
