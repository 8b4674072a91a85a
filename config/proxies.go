package config

import (
	_ "embed"
	"net/netip"
	"strconv"
	"strings"
)

//go:embed cloudflare.txt
var cloudflare string

// cloudflareWord stands for Cloudflare's published networks.
const cloudflareWord = "cloudflare"

// proxies reads addresses, networks and the word cloudflare.
func (r *reader) proxies(words []string, path string) []netip.Prefix {
	var all []netip.Prefix
	for i, word := range words {
		at := path + "[" + strconv.Itoa(i) + "]"
		if strings.EqualFold(word, cloudflareWord) {
			all = append(all, cloudflareNetworks()...)
			continue
		}
		network, ok := parseNetwork(word)
		switch {
		case !ok:
			r.report(at, at+" "+strconv.Quote(clip(word))+" is no address and no network", "write 10.0.0.1, 10.0.0.0/8 or cloudflare")
		case network.Bits() == 0:
			r.report(at, at+" trusts everybody, who could then claim any address", "name the networks of your proxies")
		default:
			all = append(all, network)
		}
	}
	return all
}

func parseNetwork(word string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(word); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	network, err := netip.ParsePrefix(word)
	return network.Masked(), err == nil
}

func cloudflareNetworks() []netip.Prefix {
	var all []netip.Prefix
	for line := range strings.Lines(cloudflare) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, netip.MustParsePrefix(line)) // part of the program, and tested
		}
	}
	return all
}
