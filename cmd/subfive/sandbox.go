package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive/sandbox"
)

func newSandbox(a *app) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the strict stand-ins for the platforms alone",
		Long: `Runs stand-ins for the platforms' conversion APIs, as strict as the real ones, a Google Sheet's and a
webhook's. Point a destination's base_url at the address that it prints.

GET /_sandbox/ explains all of it; POST /_sandbox/reset forgets what arrived. Below each one's switches:
POST fail makes it fail, {"mode":"server_error","requests":3}; DELETE fail ends that; GET requests, and but
for the webhook GET events, are what it got.

` + standIns(""),
		Example: `  subfive sandbox
  curl http://127.0.0.1:9100/_sandbox/`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var lc net.ListenConfig
			l, err := lc.Listen(c.Context(), "tcp", listen)
			if err != nil {
				return fmt.Errorf("listen: %w; name a free address with --listen", err)
			}
			s := sandbox.New(a.now, sandbox.MetaConfig{})
			fmt.Fprintf(a.stdout, "the sandbox listens on http://%s; see http://%s/_sandbox/\n", l.Addr(), l.Addr())
			fmt.Fprint(a.stdout, standIns("http://"+l.Addr().String()))
			return serveSandbox(c.Context(), s, l)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9100", "where to listen")
	return c
}

// standIns lists the stand-ins, with their addresses below base.
func standIns(base string) string {
	var b strings.Builder
	for _, s := range sandbox.StandIns() {
		fmt.Fprintf(&b, "  %-8s %s%s\n           %s\n           switches below %s%s\n", s.Name, base, s.Path, s.Settings, base, s.Switches)
	}
	return b.String()
}

// serveSandbox serves until ctx ends.
func serveSandbox(ctx context.Context, s *sandbox.Server, l net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
