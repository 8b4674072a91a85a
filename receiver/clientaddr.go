package receiver

import (
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about a client's address we take.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddr is the address a request came from: the connection's, unless that
// is a trusted proxy. Then it is the rightmost address of X-Forwarded-For that
// is no trusted proxy itself, because all to the left of it anyone may have
// written; without that header, X-Real-IP or CF-Connecting-IP. The zero Addr
// means unknown.
func (p proxies) clientAddr(r *http.Request) netip.Addr {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok || !p.trust(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) == 1 && strings.TrimSpace(hops[0]) == "" {
		for _, name := range []string{"X-Real-Ip", "Cf-Connecting-Ip"} {
			if a, ok := parseAddr(r.Header.Get(name)); ok {
				return a
			}
		}
		return peer
	}
	last := peer
	for i := len(hops) - 1; i >= 0; i-- {
		a, ok := parseAddr(hops[i])
		if !ok {
			break // whoever wrote this is not to be believed further
		}
		last = a
		if !p.trust(a) {
			break
		}
	}
	return last
}

// scheme is http or https as the client used it.
func (p proxies) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if peer, ok := parseAddr(r.RemoteAddr); ok && p.trust(peer) {
		// A chain of proxies appends; the first is the client's.
		proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
		if strings.EqualFold(strings.TrimSpace(proto), "https") {
			return "https"
		}
	}
	return "http"
}

// Client returns what says of a request where it comes from, "" if that is not
// known, and whether the client speaks TLS: with us, or with one of the trusted
// proxies that says so.
func Client(trusted []netip.Prefix) func(*http.Request) (address string, tls bool) {
	p := unmapped(trusted)
	return func(r *http.Request) (string, bool) { return addrText(p.clientAddr(r)), p.scheme(r) == "https" }
}

// parseAddr reads an address with or without a port, brackets, quotes or a
// zone.
func parseAddr(s string) (netip.Addr, bool) {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// unmapped returns the prefixes with IPv4 written as such, as parseAddr does.
func unmapped(all []netip.Prefix) proxies {
	out := make(proxies, 0, len(all))
	for _, p := range all {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p)
	}
	return out
}

// addrText returns the address, or "" for an unknown one.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
