package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"subfive/sandbox"
)

func newSandbox(a *app) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the strict stand-ins for the platforms alone",
		Long: `Runs stand-ins for the platforms' conversion APIs, as strict as the real ones, and a webhook sink.
Point a destination's base_url at it. GET /_sandbox/ lists what is there and how to make it fail.`,
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
			fmt.Fprintf(a.stdout, "  meta: dataset_id %s, access_token %s\n", sandbox.MetaDataset, sandbox.MetaToken)
			return serveSandbox(c.Context(), s, l)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9100", "where to listen")
	return c
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
