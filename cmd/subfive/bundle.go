package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/everflow"
)

// bundleDays is how far back a bundle looks.
const bundleDays = 14

func newSupportBundle(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "support-bundle FILE",
		Short: "Write what a supporter needs to know, without secrets or personal data",
		Long: `Writes one text file to attach to an e-mail: version, settings and set-up without secrets, counts, each endpoint's
postback URL with the codes that it was answered with, and each destination with the platform's answers of the last
` + fmt.Sprint(bundleDays) + ` days by code. It names no person: no address, no click ID, nothing that a visitor or a platform wrote in words.
Read it before you send it.`,
		Example: "  subfive support-bundle bundle.txt",
		Args:    exactly(1, "the file to write"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.supportBundle(c.Context(), s, args[0]) })
		},
	}
}

func (a *app) supportBundle(ctx context.Context, s session, path string) error {
	var text strings.Builder
	b := &bundle{session: s, now: a.now(), w: &text, since: a.now().Add(-bundleDays * 24 * time.Hour)}
	if err := b.write(ctx); err != nil {
		return fmt.Errorf("support-bundle: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return usagef("support-bundle: %w; name a new file", err)
	}
	_, err = io.WriteString(f, text.String())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("support-bundle: %w", err)
	}
	fmt.Fprintf(a.stdout, "%s: read it, then send it with what you saw and when\n", path)
	return nil
}

// bundle writes one. What goes in is named here field by field: a new setting is
// out until somebody puts it in.
type bundle struct {
	session
	now   time.Time
	w     io.Writer
	since time.Time
}

func (b *bundle) write(ctx context.Context) error {
	setup, err := b.Setup(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.w, "subfive %s, %s %s/%s, %s\n", subfive.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, b.now.Format(time.RFC3339))
	b.settings(b.file.Server)
	b.setup(setup)
	counts := []struct{ title, query string }{
		{"Postbacks by endpoint, reading, verdict and the status we answered", `SELECT endpoint_id, reading, verdict, answered_status, count(*) AS postbacks, max(received_at) AS last_at
FROM postbacks WHERE received_at >= %d GROUP BY endpoint_id, reading, verdict, answered_status ORDER BY endpoint_id, reading, verdict, answered_status`},
		{"Clicks by campaign and kind", `SELECT campaign_id, record_kind, count(*) AS clicks, max(clicked_at) AS last_at
FROM clicks WHERE clicked_at >= %d GROUP BY campaign_id, record_kind ORDER BY campaign_id, record_kind`},
		{"Conversions by campaign and verdict", `SELECT campaign_id, verdict, count(*) AS conversions, max(received_at) AS last_at
FROM conversions WHERE received_at >= %d GROUP BY campaign_id, verdict ORDER BY campaign_id, verdict`},
		{"Deliveries by destination, mode, status and reason", `SELECT destination_id, platform, mode, kind, status, reason_code, count(*) AS deliveries, max(created_at) AS last_at
FROM deliveries WHERE created_at >= %d GROUP BY destination_id, platform, mode, kind, status, reason_code
ORDER BY destination_id, platform, mode, kind, status, reason_code`},
		{"Answers of platforms by class and code", `SELECT destination_id, class, http_status, platform_code, subcode, count(*) AS requests, sum(batch_size) AS events, max(started_at) AS last_at
FROM attempts WHERE started_at >= %d GROUP BY destination_id, class, http_status, platform_code, subcode
ORDER BY destination_id, class, http_status, platform_code, subcode`},
		{"The latest requests that were not accepted", `SELECT started_at AS tried_at, destination_id, class, http_status, platform_code, subcode, batch_size, latency_ms, trace_id
FROM attempts WHERE started_at >= %d AND class <> 'accepted' ORDER BY started_at DESC LIMIT 30`},
		{"Pauses", "SELECT destination_id, paused_until, code, manual, failures, streak FROM pauses WHERE %d >= 0 ORDER BY destination_id"},
	}
	for _, c := range counts {
		b.title(c.title)
		if err := b.table(ctx, fmt.Sprintf(c.query, subfive.Millis(b.since))); err != nil {
			return err
		}
	}
	if err := b.findings(ctx); err != nil {
		return err
	}
	return b.state(ctx)
}

// findings are the doctor's, by their codes: what they say in words holds values.
func (b *bundle) findings(ctx context.Context) error {
	b.title("Doctor")
	failures, err := storedFailures(b.file.Server.DataDir, b.now)
	if err != nil {
		return err
	}
	found, err := checkTraffic(ctx, b.Store, b.file.Server, failures, b.now)
	if err != nil {
		return err
	}
	for _, f := range found.Findings {
		fmt.Fprintf(b.w, "%s %s, to be fixed at: %s\n", f.Severity, f.Code, f.Level)
	}
	return nil
}

func (b *bundle) title(t string) { fmt.Fprintf(b.w, "\n== %s\n", t) }

// present says of a secret only whether there is one.
func present(secret string) string {
	if secret == "" {
		return "not set"
	}
	return "set"
}

func (b *bundle) settings(s config.Server) {
	b.title("Settings")
	alerts := []string{}
	for _, alert := range s.Alerts {
		alerts = append(alerts, alert.Kind)
	}
	for _, line := range [][2]any{
		{"listen", "port " + portOf(s.Listen)},
		{"admin.listen", "port " + portOf(s.Admin.Listen)},
		{"admin.token", present(s.Admin.Token)},
		{"public_url", plainURL(s.PublicURL)},
		{"fallback_url", plainURL(s.FallbackURL)},
		{"database", b.Dialect()},
		{"secret_key", present(s.SecretKey)},
		{"ack", s.Ack},
		{"ack_timeout", s.AckTimeout},
		{"tls.mode", s.TLS.Mode},
		{"late_clicks", s.LateClicks},
		{"trusted_proxies", count(len(s.TrustedProxies), "network", "networks")},
		{"reporting", s.Reporting.Timezone + " " + s.Reporting.Currency},
		{"retention", fmt.Sprintf("clicks %s, personal %s, raw %s, attempts %s", s.Retention.Clicks, s.Retention.Personal, s.Retention.Raw, s.Retention.Attempts)},
		{"alerts", strings.Join(alerts, " ")},
	} {
		fmt.Fprintf(b.w, "%-16s %v\n", line[0], line[1])
	}
}

// portOf is an address's port: the rest is a machine's.
func portOf(address string) string {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		return "none"
	}
	return p
}

// plainForm is a URL's scheme, host and path.
var plainForm = regexp.MustCompile(`^https?://[^/?#@]+[^?#]*`)

// plainURL cuts a URL down to what holds no secret. One with a user is not shown.
func plainURL(u string) string {
	if u == "" {
		return "not set"
	}
	if s := plainForm.FindString(u); s != "" {
		return s
	}
	return "set"
}

func (b *bundle) setup(s subfive.Setup) {
	b.title(fmt.Sprintf("Set-up, version %d", s.Version))
	for _, e := range s.Endpoints {
		shown := e
		if shown.Key != "" {
			shown.Key = "KEY"
		}
		fmt.Fprintf(b.w, "endpoint %s: network %s, key %s, direct %q, repeats %s, destinations %v\n  postback URL %s\n",
			e.ID, e.Network, present(e.Key), e.Direct, e.Repeats, e.Destinations, everflow.PostbackURL(plainURL(b.file.Server.PublicURL), shown, everflow.Options{}))
	}
	for _, o := range s.Offers {
		fmt.Fprintf(b.w, "offer %s: network %s, number %s, click slot %s, window %s, link %s\n", o.ID, o.Network, o.NetworkOfferID, o.ClickSlot, o.Window, hostOf(o.Link))
	}
	for _, x := range s.Sources {
		fmt.Fprintf(b.w, "source %s: platform %s, currency %s, destinations %v\n", x.ID, x.Platform, x.Currency, x.Destinations)
	}
	for _, c := range s.Campaigns {
		fmt.Fprintf(b.w, "campaign %s: source %s, offer %s, destinations %v, archived %v\n", c.ID, c.Source, c.Offer, c.Destinations, c.ArchivedAt != nil)
	}
	for _, d := range s.Destinations {
		fmt.Fprintf(b.w, "destination %s: platform %s, account %s, mode %s, send_on %v, goals %v, value from %s, unmatched %s, on_reversal %s, fan_out %v, base_url %s, archived %v\n",
			d.ID, d.Platform, accountOf(d), d.Mode, d.SendOn, goalsOf(d), d.Value.From, d.Unmatched, d.OnReversal, d.FanOut, hostOf(d.BaseURL), d.ArchivedAt != nil)
	}
}

// hostOf is where a URL points to: its path may be a secret, as a webhook's is.
func hostOf(u string) string {
	s := plainURL(u)
	if i := strings.Index(s, "://"); i >= 0 {
		head, _, _ := strings.Cut(s[i+3:], "/")
		return s[:i+3] + head
	}
	return s
}

// accountOf is what a destination writes to. A relay's is a URL.
func accountOf(d subfive.Destination) string {
	platform, id, _ := strings.Cut(d.Account, ":")
	for _, scheme := range []string{"https://", "http://"} {
		id = strings.TrimPrefix(id, scheme)
	}
	id, _, _ = strings.Cut(id, "/")
	return codeOnly(platform + ":" + id)
}

func goalsOf(d subfive.Destination) []string {
	var all []string
	for goal, event := range d.Goals {
		all = append(all, goal+"="+event)
	}
	slices.Sort(all)
	return all
}

// table writes a query's answer.
func (b *bundle) table(ctx context.Context, query string) error {
	w := &tableWriter{w: b.w}
	var names []string
	if err := b.Query(ctx, query, func(columns []string) error {
		names = columns
		return w.head(columns)
	}, func(values []any) error {
		for i, v := range values {
			if text, ok := v.(string); ok {
				values[i] = codeOnly(text)
			}
			if ms, ok := v.(int64); ok && (strings.HasSuffix(names[i], "_at") || names[i] == "paused_until") {
				values[i] = subfive.FromMillis(ms).Format(time.RFC3339)
			}
		}
		return w.row(values)
	}); err != nil {
		return err
	}
	return w.close()
}

// A code is short, and no address.
var (
	codeForm    = regexp.MustCompile(`^[A-Za-z0-9_.:, +/-]{0,64}$`)
	addressForm = regexp.MustCompile(`^\+?[0-9][0-9 ()/.-]{8,}$|^[0-9a-fA-F]*:[0-9a-fA-F:.]+$|\d+\.\d+\.\d+\.\d+`)
)

// codeOnly hides what looks like more than a code or a name.
func codeOnly(text string) string {
	if !codeForm.MatchString(text) || addressForm.MatchString(text) {
		return subfive.Hidden
	}
	return text
}

func (b *bundle) state(ctx context.Context) error {
	c, err := b.Counts(ctx, b.now)
	if err != nil {
		return err
	}
	b.title("State")
	fmt.Fprintf(b.w, "unmatched %d, possible duplicates to settle %d, broken records %d\n", c.Unmatched, c.Unsettled, c.Broken)
	for id, n := range c.Ready {
		fmt.Fprintf(b.w, "due at %s: %d, the oldest since %s\n", id, n, c.OldestAt[id].Format(time.RFC3339))
	}
	positions, err := b.JournalPositions(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.w, "journal segments the database knows: %d\n", len(positions))
	return nil
}
