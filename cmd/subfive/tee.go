package main

import (
	"net/netip"
	"net/url"

	"subfive"
	"subfive/forwarders"
	"subfive/tee"
)

// openRequest opens the query and the body that the receiver sealed.
func (t *tracker) openRequest(sealed string) ([]byte, error) {
	return t.vault.OpenBytes(sealed, rawRequest)
}

// teeTargets are the other trackers that endpoints copy their postbacks to.
func teeTargets(setup subfive.Setup) map[string]tee.Target {
	targets := map[string]tee.Target{}
	for _, e := range setup.Endpoints {
		if e.Tee != "" {
			targets[e.ID] = tee.Target{URL: e.Tee, Transport: forwarders.NewTransport(meantPrivate(e.Tee))}
		}
	}
	return targets
}

// meantPrivate returns the host of an address that is itself an IP address or
// localhost: who writes it that way means that machine. A name that turns out to
// be a private address is refused.
func meantPrivate(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
		return nil
	}
	return []string{host}
}
