// Package crawlers recognizes a crawler by its user agent, so that reports can
// leave its clicks out.
//
// It is for reports alone: a click is recorded, redirected and credited the same
// whoever made it. Nor is it a defense against fraud: who wants to look like a
// person does. It knows those that say who they are.
//
// The patterns are those of the npm package crawler-user-agents, corrected where
// they take people for crawlers; package gen writes them.
package crawlers

//go:generate npm pack --silent crawler-user-agents@1.60.0
//go:generate go run ./gen crawler-user-agents-1.60.0.tgz
//go:generate rm crawler-user-agents-1.60.0.tgz

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed patterns.tsv
var patternsFile string

// known is built once, when the first user agent is asked about.
var known = sync.OnceValue(func() *index {
	patterns, err := parse(patternsFile)
	if err != nil {
		panic("crawlers: patterns.tsv: " + err.Error()) // embedded: a test holds that it parses
	}
	return newIndex(patterns)
})

// metaApps are what Meta's in-app browsers write into their user agent: on iOS
// "[FBAN/FBIOS;FBAV/…]", on Android "[FB_IAB/FB4A;FBAV/…;IABMV/1;]" or, since
// 2025, "MetaIAB Facebook"; and on both "Instagram 406.0.0.58.159 …" and, for
// Threads, "Barcelona 377.0.0.41.112 …". Who has one
// of them saw an ad in the app; no crawler of Meta's says so
// (https://developers.facebook.com/docs/sharing/webmasters/web-crawlers).
var metaApps = [...]string{"FBAN/", "FBAV/", "FB_IAB/", "IABMV/", "MetaIAB", "Instagram ", "Barcelona "}

// Match reports whether userAgent is a crawler's, and as reason the name of the
// first pattern that says so, "Googlebot". Meta's in-app browsers never are: they
// are what paid clicks come from. An empty user agent is a fact we don't know, so
// no bot. Case counts.
func Match(userAgent string) (reason string, bot bool) {
	reason, bot = known().find(userAgent)
	if !bot {
		return "", false
	}
	for _, app := range metaApps {
		if strings.Contains(userAgent, app) {
			return "", false
		}
	}
	return reason, true
}
