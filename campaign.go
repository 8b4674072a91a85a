package subfive

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Campaign is a link we give to a source. Its aliases keep old links working.
//
// A visitor takes the first rule that fits him, and one of its paths by their
// weights; without a rule one of the campaign's paths; without any the offer.
type Campaign struct {
	ID           string     `json:"id" yaml:"id"`
	Source       string     `json:"source,omitempty" yaml:"source"`
	Offer        string     `json:"offer,omitempty" yaml:"offer"`
	Landing      string     `json:"landing,omitempty" yaml:"landing"` // shown before the offer, where no path says otherwise
	Destinations []string   `json:"destinations,omitempty" yaml:"destinations"`
	Aliases      []string   `json:"aliases,omitempty" yaml:"aliases"`
	Paths        []Path     `json:"paths,omitempty" yaml:"paths"`
	Rules        []Rule     `json:"rules,omitempty" yaml:"rules"`
	Paused       bool       `json:"paused,omitempty" yaml:"paused"`
	ArchivedAt   *time.Time `json:"archived_at,omitempty" yaml:"-"` // keeps redirecting
}

// Path is one way through a campaign: to a landing page, or straight to an
// offer.
type Path struct {
	ID      string `json:"id" yaml:"id"`
	Weight  *int   `json:"weight,omitempty" yaml:"weight"`   // against the others; nil: 100
	Landing string `json:"landing,omitempty" yaml:"landing"` // "": straight to the offer
	Offer   string `json:"offer,omitempty" yaml:"offer"`     // "": the campaign's
}

// AllPaths returns every path a visitor may take: the campaign's own, then those
// of its rules.
func (c Campaign) AllPaths() []Path {
	all := slices.Clone(c.Paths)
	for _, r := range c.Rules {
		all = append(all, r.Paths...)
	}
	return all
}

// DefaultWeight is a path's weight unless it says another.
const DefaultWeight = 100

// Rule sends the visitors that fit its conditions by paths of their own.
type Rule struct {
	ID    string     `json:"id" yaml:"id"`
	When  Conditions `json:"when" yaml:"when"`
	Paths []Path     `json:"paths" yaml:"paths"`
}

// Systems are the words of Conditions.OS: those of people's machines alone, so
// that nobody can be sent elsewhere for being a crawler.
func Systems() []string { return []string{"ios", "android", "windows", "macos", "linux", "chromeos"} }

// Browsers are the words of Conditions.Browser, as Systems are of OS.
func Browsers() []string {
	return []string{
		"safari", "chrome", "firefox", "edge", "opera", "samsung_browser", "vivaldi",
		"facebook", "instagram", "threads", "tiktok", "reddit", "snapchat", "pinterest", "google_app",
	}
}

// Conditions fit a visitor who fits each that is given; of a list one value is
// enough. Letters' case does not matter. None of them looks at who seems to
// review ads: crawlers, address lists, proxies and referrers are no conditions,
// and who tells nothing of himself is taken for the commonest: a desktop with
// Windows, Chrome and English.
type Conditions struct {
	Country  []string `json:"country,omitempty" yaml:"country"`   // ISO 3166 codes
	Device   []string `json:"device,omitempty" yaml:"device"`     // DevicePhone, DeviceTablet, DeviceDesktop
	OS       []string `json:"os,omitempty" yaml:"os"`             // Systems
	Browser  []string `json:"browser,omitempty" yaml:"browser"`   // Browsers
	Language []string `json:"language,omitempty" yaml:"language"` // the browser's first: en, or en-US
	Days     []string `json:"days,omitempty" yaml:"days"`         // mon … sun
	Hours    string   `json:"hours,omitempty" yaml:"hours"`       // 08:00-20:00; over midnight too
	Timezone string   `json:"timezone,omitempty" yaml:"timezone"` // of days and hours; "": the source's, else the reporting one
	// Params are the link's parameters by name, and the values that fit; none: it
	// is enough that the parameter is there.
	Params map[string][]string `json:"params,omitempty" yaml:"params"`
}

// Dimensions are the names under which a click's ad and cost are known, in
// links, in a source's params and names, and in reports.
func Dimensions() []string {
	return []string{
		"platform_campaign_id", "platform_campaign_name", "adset_id", "adset_name", "ad_id", "ad_name",
		"placement", "keyword", "match_type", "cost",
		"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10",
		"p11", "p12", "p13", "p14", "p15", "p16", "p17", "p18", "p19", "p20",
	}
}

// Clock returns Hours as minutes after midnight; from is after to over midnight,
// and both are 0 without Hours.
func (c Conditions) Clock() (from, to int, err error) {
	if c.Hours == "" {
		return 0, 0, nil
	}
	first, second, ok := strings.Cut(c.Hours, "-")
	begin, err1 := time.Parse("15:04", strings.TrimSpace(first))
	end, err2 := time.Parse("15:04", strings.TrimSpace(second))
	if !ok || err1 != nil || err2 != nil || begin.Equal(end) {
		return 0, 0, fmt.Errorf("hours %q: not a span such as 08:00-20:00", c.Hours)
	}
	minutes := func(t time.Time) int { return t.Hour()*60 + t.Minute() }
	return minutes(begin), minutes(end), nil
}
