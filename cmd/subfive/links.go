package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/sources"
)

func newLinks(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "links [CAMPAIGN]",
		Short: "Show the links to paste into the ads, and where they go",
		Long: `For each campaign the link that its source's ads lead to, with the platform's own tokens in it, and
where in the platform's screens it is pasted. Google's ads get their landing page, a suffix and a line of
script instead: Google opens the page itself, so that nobody passes through a link of ours.`,
		Example: `  subfive links
  subfive links spring --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes at most one campaign's ID", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				setup, err := s.Setup(c.Context())
				if err != nil {
					return err
				}
				return a.links(setup, siteURL(s), args, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// siteURL is the address that clicks come to: a domain of that role, else the
// public URL, else where we listen.
func siteURL(s session) string {
	for _, d := range s.file.Server.Domains {
		if d.Role == config.RoleClick {
			return "https://" + d.Host
		}
	}
	return hereURL(s)
}

// links prints the link of the campaign of that ID, or of all that are not
// archived.
func (a *app) links(setup subfive.Setup, site string, ids []string, asJSON bool) error {
	if len(ids) == 0 {
		for _, c := range setup.Campaigns {
			if c.ArchivedAt == nil {
				ids = append(ids, c.ID)
			}
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("links: there is no campaign yet: %s", `"subfive config sample" prints a file to begin with, "subfive apply -f subfive.yaml" takes it in`)
	}
	p := &page{}
	var wrong error
	for _, id := range ids {
		link, err := sources.Build(setup, id, site)
		if err != nil {
			wrong = fmt.Errorf("links: %w", err)
			p.title("CAMPAIGN " + id)
			p.line("wrong", err.Error())
			continue
		}
		if asJSON {
			if err := writeJSONLine(a.stdout, link); err != nil {
				return err
			}
			continue
		}
		p.link(link)
	}
	if !asJSON {
		if _, err := fmt.Fprint(a.stdout, p); err != nil {
			return err
		}
	}
	return wrong
}

func (p *page) link(l sources.Link) {
	p.title(strings.TrimSpace("CAMPAIGN " + l.CampaignID + "  " + joined("  ", l.Platform, l.SourceID)))
	if l.Suffix == "" {
		p.line("link", l.URL)
	} else {
		p.line("final URL", l.URL)
		p.line("suffix", l.Suffix)
		p.line("on the page", l.Script)
	}
	p.line("goes into", l.Where)
	for _, param := range l.Params {
		if param.Unsure {
			p.line("compare", param.Token+" with the platform's editor: its spelling is from memory")
		}
	}
	for _, alias := range l.Aliases {
		p.line("also", alias)
	}
}

// campaignLink is a campaign's link in one line, or why it has none.
func campaignLink(setup subfive.Setup, c subfive.Campaign, site string) string {
	l, err := sources.Build(setup, c.ID, site)
	switch {
	case err != nil:
		return err.Error()
	case l.Suffix != "":
		return l.URL + "   with a suffix and a script: subfive links " + c.ID
	}
	return l.URL
}
