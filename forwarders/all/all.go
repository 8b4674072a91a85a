// Package all lists the platforms that conversions can be sent to.
//
// A new platform is a folder of its own and one line here. It holds no other
// knowledge of any of them.
package all

import (
	"subfive/forwarders"
	"subfive/forwarders/google"
	"subfive/forwarders/meta"
	"subfive/forwarders/reddit"
	"subfive/forwarders/relay"
	"subfive/forwarders/sheets"
	"subfive/forwarders/tiktok"
)

// Platforms returns all platforms in the order in which people see them.
func Platforms() []forwarders.Platform {
	return []forwarders.Platform{
		meta.Platform(),
		tiktok.Platform(),
		reddit.Platform(),
		google.Platform(),
		relay.Platform(),
		sheets.Platform(),
	}
}

// Find returns the platform of that name.
func Find(name string) (forwarders.Platform, bool) {
	for _, p := range Platforms() {
		if p.Name == name {
			return p, true
		}
	}
	return forwarders.Platform{}, false
}
