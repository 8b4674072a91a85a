package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/store"
)

// catalog is a kind of resource as its command shows it.
type catalog struct {
	list  string // the file's name of the list, and the command's
	one   string
	short string
	heads []string
	cells func(value any) []any
}

func newCampaigns(a *app) *cobra.Command {
	return newCatalog(a, catalog{
		list: "campaigns", one: "campaign", short: "List the campaigns; show one as YAML",
		heads: []string{"campaign", "source", "offer", "landing", "destinations", "paths", "rules", "paused"},
		cells: func(value any) []any {
			c, _ := value.(subfive.Campaign)
			return []any{c.ID, c.Source, c.Offer, c.Landing, strings.Join(c.Destinations, ","), len(c.Paths), len(c.Rules), yes(c.Paused)}
		},
	})
}

func newOffers(a *app) *cobra.Command {
	return newCatalog(a, catalog{
		list: "offers", one: "offer", short: "List the offers; show one as YAML",
		heads: []string{"offer", "network", "number", "payout", "currency", "window", "cap", "paused", "link"},
		cells: func(value any) []any {
			o, _ := value.(subfive.Offer)
			payout, window, most := "", "", ""
			if o.Payout != nil {
				payout = o.Payout.String()
			}
			if o.Window > 0 {
				window = o.Window.String()
			}
			if o.Cap > 0 {
				most = fmt.Sprint(o.Cap)
			}
			return []any{o.ID, o.Network, o.NetworkOfferID, payout, o.Currency, window, most, yes(o.Paused), o.Link}
		},
	})
}

func newSources(a *app) *cobra.Command {
	return newCatalog(a, catalog{
		list: "sources", one: "source", short: "List the traffic sources, one an ad account; show one as YAML",
		heads: []string{"source", "platform", "account", "time zone", "currency", "destinations"},
		cells: func(value any) []any {
			s, _ := value.(subfive.Source)
			return []any{s.ID, s.Platform, s.AccountID, s.Timezone, s.Currency, strings.Join(s.Destinations, ",")}
		},
	})
}

func newEndpoints(a *app) *cobra.Command {
	return newCatalog(a, catalog{
		list: "endpoints", one: "endpoint", short: "List where networks post to; show one as YAML",
		heads: []string{"endpoint", "network", "key", "click param", "default status", "offers", "destinations"},
		cells: func(value any) []any {
			e, _ := value.(subfive.Endpoint)
			return []any{e.ID, e.Network, e.Key, e.ClickParam, string(e.DefaultStatus), strings.Join(e.Offers, ","), strings.Join(e.Destinations, ",")}
		},
	})
}

// yes is a cell that stands out only where it is so.
func yes(so bool) string {
	if so {
		return "yes"
	}
	return ""
}

func newCatalog(a *app, k catalog) *cobra.Command {
	var archived, asJSON bool
	c := &cobra.Command{
		Use:   k.list,
		Short: k.short,
		Long: k.short + `.

The last column says where each comes from: a line of a file, which is then the place to change it, or
the API. Others are changed with PUT /api/v1/` + k.list + `/ID, or by a file that names them and subfive apply.`,
		Example: "  subfive " + k.list + "\n  subfive " + k.list + " show ID",
		Args:    exactly(0, "no arguments, but show ID"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.catalog(c.Context(), s, k, archived, asJSON) })
		},
	}
	c.Flags().BoolVar(&archived, "archived", false, "archived ones too")
	c.Flags().BoolVar(&asJSON, "json", false, "all fields, one JSON object a line")
	c.AddCommand(&cobra.Command{
		Use:     "show ID",
		Short:   "Show one " + k.one + " as a file would have it, secrets hidden",
		Example: "  subfive " + k.list + " show ID",
		Args:    exactly(1, "one "+k.one+"'s ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.showResource(c.Context(), s, k, args[0]) })
		},
	})
	return c
}

func (a *app) catalog(ctx context.Context, s session, k catalog, archived, asJSON bool) error {
	all, err := resourcesOf(ctx, s.Store, k.list, archived)
	if err != nil {
		return err
	}
	if !asJSON && len(all) == 0 {
		fmt.Fprintf(a.stdout, "No %s yet. Write it below %s in the file (\"subfive config sample\" shows how), then: subfive apply -f subfive.yaml;\n"+
			"or send it: PUT /api/v1/%s/ID\n", k.one, k.list, k.list)
		return nil
	}
	t := &tableWriter{w: a.stdout}
	if !asJSON {
		if err := t.head(append(k.heads, "from")); err != nil {
			return err
		}
	}
	for _, r := range all {
		if asJSON {
			fields, err := shown(r)
			if err == nil {
				err = writeJSONLine(a.stdout, fields)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := t.row(append(k.cells(config.Shown(r.Value)), from(r))); err != nil {
			return err
		}
	}
	return t.close()
}

// from says where a resource comes from, and that it is archived.
func from(r store.Resource) string {
	origin := r.Origin
	if origin == store.OriginDefault {
		origin = "by itself"
	}
	if !r.ArchivedAt.IsZero() {
		origin += ", archived " + moment(r.ArchivedAt) + " UTC"
	}
	return origin
}

func (a *app) showResource(ctx context.Context, s session, k catalog, id string) error {
	r, err := resourceOf(ctx, s.Store, k.list, id)
	if err != nil {
		return notFound(err, "see: subfive "+k.list+" --archived")
	}
	text, err := valueYAML(r.Value)
	if err != nil {
		return fmt.Errorf("write %s/%s as YAML: %w", k.list, id, err)
	}
	_, err = fmt.Fprintf(a.stdout, "# from: %s\n%s", plain(from(r)), text)
	return err
}
