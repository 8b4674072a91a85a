package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/dashboard/screens"
	"subfive/everflow"
	"subfive/store"
)

func newServe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the tracker",
		Long: `Runs the tracker. With no file it keeps everything in ./data on embedded SQLite, listens on
127.0.0.1:8080, and prints what to do next. Stop it with Ctrl-C or SIGTERM: what was admitted is
answered and what is being sent is written down first.`,
		Example: `  subfive serve
  subfive serve --config subfive.yaml
  SUBFIVE_DATABASE_URL=postgres://user:password@db/subfive subfive serve`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.file()
			if err != nil {
				return err
			}
			public, admin, err := listen(c.Context(), f.Server)
			if err != nil {
				return fmt.Errorf("listen: %w; set listen to a free address", err)
			}
			t, err := newTracker(a, f)
			if err != nil {
				return err
			}
			welcome(a.stdout, f, public.Addr())
			t.connected = func(ctx context.Context, st *store.Store, setup subfive.Setup) error {
				postbackLine(a.stdout, setup, baseURL(f.Server, public.Addr()))
				return welcomeLine(ctx, a.stdout, st, t.operator(), a.now())
			}
			return t.run(c.Context(), public, admin)
		},
	}
}

// welcome says where everything is, and what to do next.
func welcome(w io.Writer, f config.File, at net.Addr) {
	base := baseURL(f.Server, at)
	fmt.Fprintf(w, "subfive %s listens on %s\n", subfive.Version, at)
	fmt.Fprintf(w, "  data          %s (%s)\n", f.Server.DataDir, databaseName(f.Server))
	for _, c := range f.Setup.Campaigns {
		fmt.Fprintf(w, "  campaign link %s\n", campaignLink(f.Setup, c, base))
	}
	if len(f.Setup.Campaigns) == 0 {
		fmt.Fprint(w, `
No campaign yet. Next:
  1. subfive config sample > subfive.yaml     and fill in your Everflow link and your Meta dataset
  2. subfive apply -f subfive.yaml            the campaign's link goes into your ad
  3. paste the postback URL below, braces and all, into Everflow: Postbacks, + Postback
  4. subfive conversions                      what came in; "show ID" tells a whole story
Nothing leaves for a platform until a destination's mode says live.
`)
	}
	if f.Server.PublicURL == "" {
		fmt.Fprintf(w, "\npublic_url is not set: the addresses above only work on this machine.\n")
	}
}

// postbackLine prints the default endpoint's URL with its key, which the database
// keeps.
func postbackLine(w io.Writer, setup subfive.Setup, base string) {
	endpoint, _ := setup.Endpoint(subfive.DefaultEndpoint)
	fmt.Fprintf(w, "  postback URL  %s\n", everflow.PostbackURL(base, endpoint, everflow.Options{}))
}

// baseURL is the public URL, or where we listen.
func baseURL(s config.Server, at net.Addr) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	host := at.String()
	if strings.HasPrefix(host, "[::]") {
		host = "localhost" + strings.TrimPrefix(host, "[::]")
	}
	return "http://" + host
}

// welcomeLine says where the screens are, and prints the link by which the first
// owner comes in, as long as there is none.
func welcomeLine(ctx context.Context, w io.Writer, st *store.Store, operator string, now time.Time) error {
	fmt.Fprintf(w, "  screens       %s\n", operator+screens.Root+"/")
	first, err := firstLink(ctx, st, "serve", operator, now)
	if err == nil && first.URL != "" {
		fmt.Fprintf(w, "\nSet your password here; the link works once, for 30 minutes. Another one: subfive users link\n  %s\n", first.URL)
	}
	return err
}

func databaseName(s config.Server) string {
	if s.DatabaseURL != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}
