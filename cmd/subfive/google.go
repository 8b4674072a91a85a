package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"subfive/config"
)

// Where Google asks for consent and gives out tokens.
// (https://developers.google.com/identity/protocols/oauth2/native-app)
const (
	googleAuthURL  = "https://accounts.google.com/o/oauth2/v2/auth"
	googleTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an endpoint, no credential
)

// The APIs that a login can be for, and their scopes: a token of one is refused
// by the other.
const (
	apiDataManager = "data_manager"
	apiGoogleAds   = "google_ads"
	apiBoth        = "both"
)

func googleScopes(api string) ([]string, bool) {
	const data, ads = "https://www.googleapis.com/auth/datamanager", "https://www.googleapis.com/auth/adwords"
	scopes, ok := map[string][]string{apiDataManager: {data}, apiGoogleAds: {ads}, apiBoth: {data, ads}}[api]
	return scopes, ok
}

func newGoogle(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "google",
		Short:   "Get the credentials that Google's APIs need",
		Example: "  subfive google login --client-id ID --client-secret SECRET",
		Args:    exactly(0, "no arguments, but login"),
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to do: subfive google login")
		},
	}
	c.AddCommand(newGoogleLogin(a))
	return c
}

// googleLogin is what "google login" was asked for.
type googleLogin struct {
	clientID, clientSecret, destination, api string
	listen, authURL, tokenURL                string
	noBrowser                                bool
	timeout                                  time.Duration
	browse                                   func(url string) error
	stderr                                   io.Writer
}

func newGoogleLogin(a *app) *cobra.Command {
	l := googleLogin{browse: browse, stderr: a.stderr}
	c := &cobra.Command{
		Use:   "login",
		Short: "Consent in a browser, and get a refresh token",
		Long: `Has you consent in a browser and prints the refresh token that a Google destination needs, once, on standard
output; it is kept nowhere. The client is an OAuth client of the type "Desktop app" in a Google Cloud project
that has the API enabled. Consent as a user who may manage the Google Ads account.

The browser comes back to an address of this machine. On a server without one, run this on your own machine.`,
		Example: `  subfive google login --client-id ID.apps.googleusercontent.com --client-secret SECRET
  GOOGLE_CLIENT_ID=… GOOGLE_CLIENT_SECRET=… subfive google login --api both
  subfive google login --destination google-main --no-browser`,
		Args: exactly(0, "flags only"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := l.complete(c.Context(), a); err != nil {
				return err
			}
			token, err := l.run(c.Context())
			if err != nil {
				return fmt.Errorf("google login: %w", err)
			}
			if _, err := fmt.Fprintf(a.stdout, "GOOGLE_REFRESH_TOKEN=%s\n", token); err != nil {
				return err
			}
			fmt.Fprint(a.stderr, afterLogin)
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&l.clientID, "client-id", "", "the OAuth client (also GOOGLE_CLIENT_ID)")
	flags.StringVar(&l.clientSecret, "client-secret", "", "its secret (also GOOGLE_CLIENT_SECRET, which others on this machine can't see)")
	flags.StringVar(&l.destination, "destination", "", "take client and API from this destination's settings")
	flags.StringVar(&l.api, "api", "", "data_manager, google_ads or both (default: the destination's, else data_manager)")
	flags.StringVar(&l.listen, "listen", "127.0.0.1:0", "the loopback address that the browser comes back to")
	flags.BoolVar(&l.noBrowser, "no-browser", false, "open no browser, only print the address")
	flags.DurationVar(&l.timeout, "timeout", 5*time.Minute, "how long to wait for you")
	flags.StringVar(&l.authURL, "auth-url", googleAuthURL, "where to consent, for a stand-in")
	flags.StringVar(&l.tokenURL, "token-url", googleTokenURL, "where the token is got, for a stand-in")
	for _, hidden := range []string{"auth-url", "token-url"} {
		flags.Lookup(hidden).Hidden = true
	}
	return c
}

const afterLogin = `That line is all of it: it is not kept here, so set it where the server runs, in its environment, and name it in
the destination's settings:
  credentials:
    client_id: ${GOOGLE_CLIENT_ID}
    client_secret: ${GOOGLE_CLIENT_SECRET}
    refresh_token: ${GOOGLE_REFRESH_TOKEN}
Whoever has it can send conversions in your name. If the consent screen's publishing status is "Testing", it dies
after 7 days: publish the app (Google Cloud console, Google Auth platform, Audience) and log in again.
`

// complete takes what is missing from the destination and the environment, and
// checks all of it.
func (l *googleLogin) complete(ctx context.Context, a *app) error {
	if l.destination != "" {
		if err := l.settings(ctx, a); err != nil {
			return err
		}
	}
	for into, name := range map[*string]string{&l.clientID: "GOOGLE_CLIENT_ID", &l.clientSecret: "GOOGLE_CLIENT_SECRET"} {
		if value, ok := a.env(name); ok && *into == "" {
			*into = value
		}
		*into = strings.TrimSpace(*into)
	}
	if l.api == "" {
		l.api = apiDataManager
	}
	if l.clientID == "" || l.clientSecret == "" {
		return usagef("google login needs --client-id and --client-secret, of an OAuth client of the type Desktop app, or a --destination that has them")
	}
	if _, ok := googleScopes(l.api); !ok {
		return usagef("--api %q: it is one of %s, %s, %s", l.api, apiDataManager, apiGoogleAds, apiBoth)
	}
	host, _, err := net.SplitHostPort(l.listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return usagef("--listen %q: it is a loopback address with its port, such as 127.0.0.1:8400, or 127.0.0.1:0 for any", l.listen)
	}
	if l.timeout <= 0 {
		return usagef("--timeout %s: it must be more than nothing", l.timeout)
	}
	return nil
}

// settings takes client and API from the destination, where no flag gave them.
func (l *googleLogin) settings(ctx context.Context, a *app) error {
	return a.with(ctx, func(s session) error {
		setup, err := s.Setup(ctx)
		if err != nil {
			return err
		}
		d, ok := setup.Destination(l.destination)
		switch {
		case !ok:
			return usagef("there is no destination %q; see: subfive destinations", l.destination)
		case d.Platform != "google":
			return usagef("destination %s is on %s, not on google", d.ID, d.Platform)
		}
		var all map[string]any
		if err := config.DecodeSettingsAnywhere(d.Settings, a.env, &all); err != nil {
			return fmt.Errorf("settings of %s: %w", d.ID, err)
		}
		credentials, _ := all["credentials"].(map[string]any)
		for _, f := range []struct {
			into *string
			from any
			name string
		}{
			{&l.clientID, credentials["client_id"], "client_id"},
			{&l.clientSecret, credentials["client_secret"], "client_secret"},
			{&l.api, all["api"], "api"},
		} {
			value, _ := f.from.(string)
			if *f.into != "" || value == "" {
				continue
			}
			if strings.Contains(value, "${") {
				return fmt.Errorf("settings of %s: %s is %s, and that is not set in this shell: set it, or give a flag", d.ID, f.name, value)
			}
			*f.into = value
		}
		return nil
	})
}

// run waits for the person's consent and returns the refresh token.
func (l *googleLogin) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.timeout, fmt.Errorf("nobody consented within %s: run it again and open the address", l.timeout))
	defer cancel()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", l.listen)
	if err != nil {
		return "", fmt.Errorf("listen for the browser: %w; give a free port with --listen, or leave it away", err)
	}
	scopes, _ := googleScopes(l.api)
	back := newCallback(&oauth2.Config{
		ClientID: l.clientID, ClientSecret: l.clientSecret, Scopes: scopes, RedirectURL: "http://" + listener.Addr().String(),
		Endpoint: oauth2.Endpoint{AuthURL: l.authURL, TokenURL: l.tokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}, l.stderr)
	server := &http.Server{Handler: back, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() { failed <- server.Serve(listener) })
	l.invite(back.url())
	var got result
	select {
	case got = <-back.done:
	case err := <-failed:
		return "", fmt.Errorf("wait for the browser: %w", err)
	case <-ctx.Done():
		got.err = context.Cause(ctx)
	}
	// The page must still reach the browser.
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // a connection that lingers is the browser's concern
	}
	serving.Wait()
	return got.token, got.err
}

// invite shows the address, and opens it where somebody is there to see.
func (l *googleLogin) invite(url string) {
	fmt.Fprintf(l.stderr, "Open this address in a browser on this machine, and consent:\n\n  %s\n\n", url)
	if l.noBrowser || !isTerminal(l.stderr) {
		return
	}
	if err := l.browse(url); err != nil {
		fmt.Fprintf(l.stderr, "no browser could be opened: %v\n", err)
	}
}

// browse opens a page in the person's browser, and waits for nothing.
func browse(url string) error {
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	c := exec.Command(opener, url) //nolint:noctx // the browser outlives us
	if err := c.Start(); err != nil {
		return err
	}
	return c.Process.Release()
}
