package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/everflow"
	"subfive/forwarders"
)

// linkFlags are the flags of the link tester.
type linkFlags struct {
	followNetwork, allowPrivate bool
	// allowOurs calls this tracker's own hosts wherever they are.
	allowOurs bool
}

func newDoctorLink(a *app, parent *doctorFlags) *cobra.Command {
	var f linkFlags
	c := &cobra.Command{
		Use:   "link URL",
		Short: "Follow a link hop by hop: does the click ID arrive, and what is lost on the way",
		Long: `Follows a campaign's link as a visitor's browser would and shows each hop: its status, where it leads, how long
the first byte took, which parameters it passed on. It recognizes pages that redirect by themselves. It stops
before the network's host, which the offers' links name: a click there is a click that you are paid for or judged
by. With --follow-network it goes on, ` + fmt.Sprint(networkTestsADay) + ` times a day at most. On this tracker's own hosts the click is marked as
a test (test=1).`,
		Example: `  subfive doctor link https://trk.example.com/c/spring
  subfive doctor link 'https://trk.example.com/c/spring?fbclid=abc' --json`,
		Args: exactly(1, "one URL, in quotes"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.testLink(c.Context(), args[0], f, parent.json)
		},
	}
	c.Flags().BoolVar(&f.followNetwork, "follow-network", false, "go on to the network's host and beyond")
	c.Flags().BoolVar(&f.allowPrivate, "allow-private", false, "call private and local addresses too")
	return c
}

func (a *app) testLink(ctx context.Context, link string, flags linkFlags, asJSON bool) error {
	start, err := startOf(link)
	if err != nil {
		return err
	}
	f, err := a.file()
	if err != nil {
		return err
	}
	r, err := a.followLink(ctx, start, siteOf(f, a.knownSetup(ctx, f), nil), f.Server.DataDir, flags)
	if err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(a.stdout, r); err != nil {
			return err
		}
		return toFix(r.Findings)
	}
	p := &page{}
	p.hops(r)
	fmt.Fprint(a.stdout, p)
	return toFix(r.Findings)
}

// startOf reads the link that a person pasted.
func startOf(link string) (*url.URL, error) {
	start, err := url.Parse(strings.TrimSpace(link))
	if err != nil || start.Scheme != "http" && start.Scheme != "https" || start.Host == "" {
		return nil, usagef("%q is no URL that begins with https:// or http://", link)
	}
	return start, nil
}

// followLink follows a link, and marks the click here as a test.
func (a *app) followLink(ctx context.Context, start *url.URL, site everflow.Site, dataDir string, flags linkFlags) (linkReport, error) {
	if flags.followNetwork {
		if err := spendNetworkTest(dataDir, a.now()); err != nil {
			return linkReport{}, err
		}
	}
	sender := forwarders.NewSender(forwarders.SenderConfig{Now: a.now, Log: a.log()})
	defer sender.Close()
	w := &walker{now: a.now, offers: site.Offers, flags: flags, client: sender.AuthClient, ours: func(host string) bool { return ours(host, site) }}
	if w.ours(start.Host) {
		q := start.RawQuery
		start.RawQuery = strings.TrimPrefix(q+"&test=1", "&")
	}
	return w.walk(ctx, start), nil
}

// ours reports whether a host is one of this tracker's.
func ours(host string, site everflow.Site) bool {
	if u, err := url.Parse(site.PublicURL); err == nil && strings.EqualFold(u.Host, host) {
		return true
	}
	for _, h := range site.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

const (
	// networkTestsADay is how often a link may be followed into the network:
	// more would look like click fraud.
	networkTestsADay = 3
	// networkTestsName is the file in the data folder that counts them.
	networkTestsName = "network-tests.json"
)

// errFollowed says that links were followed into the network often enough.
var errFollowed = errors.New("following links into the network more often would look like click fraud")

// networkTests counts the links that were followed into the network on a day.
type networkTests struct {
	Day string `json:"day"` // in UTC
	N   int    `json:"n"`
}

// spendNetworkTest takes one of the day's tests, or says that none is left.
func spendNetworkTest(dir string, now time.Time) error {
	path := filepath.Join(dir, networkTestsName)
	var spent networkTests
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read how often links were followed: %w", err)
	default:
		if err := json.Unmarshal(data, &spent); err != nil {
			return fmt.Errorf("read how often links were followed: %s: %w; delete it", path, err)
		}
	}
	day := now.UTC().Format(time.DateOnly)
	if spent.Day != day {
		spent = networkTests{Day: day}
	}
	if spent.N >= networkTestsADay {
		return fmt.Errorf("%w: it was done %d times today; try again tomorrow, or without --follow-network", errFollowed, spent.N)
	}
	spent.N++
	if data, err = json.Marshal(spent); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("count the links that were followed: %w", err)
	}
	return nil
}

func (p *page) hops(r linkReport) {
	for i, h := range r.Hops {
		p.title(fmt.Sprintf("HOP %d  %s", i+1, h.URL))
		p.line("answer", joined("  ", h.answer(), h.How, fmt.Sprintf("first byte after %d ms", h.FirstByteMS)))
		p.line("failed", h.Failed)
		p.line("leads to", h.Location)
		p.line("passed on", strings.Join(h.Kept, ", "))
		if h.Ours {
			p.line("kept here", strings.Join(h.Lost, ", "))
		} else {
			p.line("lost", strings.Join(h.Lost, ", "))
		}
	}
	p.title("ENDS AT " + r.EndsAt)
	switch {
	case r.Network && r.Stopped:
		p.line("stopped", "before the network: its host is an offer's; --follow-network goes on")
	case r.Network:
		p.line("reached", "the network")
	}
	if r.Slot != "" {
		p.line(r.Slot, joined("", r.SlotValue, ""))
	}
	if len(r.Findings) == 0 {
		p.line("found", "nothing wrong")
	}
	p.findings(r.Findings)
}

// offerAt is the offer whose link has that host.
func offerAt(offers []subfive.Offer, host string) (subfive.Offer, bool) {
	for _, o := range offers {
		if u, err := url.Parse(o.Link); err == nil && u.Host != "" && strings.EqualFold(u.Hostname(), host) {
			return o, true
		}
	}
	return subfive.Offer{}, false
}
