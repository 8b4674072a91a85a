package forwarders

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddress says that a host has an address that requests must not go to.
var errAddress = errors.New("the host has a private or local address; name it in base_url or in the allowed hosts if that is meant")

// NewTransport returns a transport for one other server, guarded like those of
// destinations: the hosts in allow may have a private or local address.
func NewTransport(allow []string) *http.Transport { return newTransport(allow, nil) }

// newTransport returns the transport of one destination. It refuses to connect
// to private and local addresses, where a URL from the settings or a redirect
// could reach what only this machine should (a cloud's metadata service, a
// database's port). The hosts in allow may have such an address.
//
// The address is checked when it is connected to, after the name was resolved:
// a name that changes its address in between gains nothing. The environment's
// HTTP proxy is not used: it would be the proxy that is checked. Requests are
// HTTP/1.1, one a connection: in HTTP/2 one connection that hangs holds up all.
func newTransport(allow []string, tune func(*http.Transport)) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	t := &http.Transport{
		Protocols: &protocols,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			if !allowed(allow, address) {
				d.Control = refusePrivate
			}
			return d.DialContext(ctx, network, address)
		},
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if tune != nil {
		tune(t)
	}
	return t
}

// allowed reports whether allow names the host of address, with or without its
// port.
func allowed(allow []string, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(allow, func(name string) bool {
		name = strings.ToLower(name)
		if h, p, err := net.SplitHostPort(name); err == nil {
			return h == strings.ToLower(host) && p == port
		}
		return strings.Trim(name, "[]") == strings.ToLower(host)
	})
}

// refusePrivate is a net.Dialer's Control.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errAddress, err)
	}
	if !public(a.Addr()) {
		return errAddress
	}
	return nil
}

// public reports whether ip is an address of the open Internet.
// https://www.iana.org/assignments/iana-ipv4-special-registry, and -ipv6-.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}
