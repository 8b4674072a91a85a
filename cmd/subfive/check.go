package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/forwarders"
	"subfive/identity"
	"subfive/store"
	"subfive/story"
)

// checked is what a destination's check found.
type checked struct {
	DestinationID string       `json:"destination_id"`
	Platform      string       `json:"platform"`
	Account       string       `json:"account,omitempty"`
	Mode          subfive.Mode `json:"mode"`
	// OK: nothing is to be mended.
	OK bool `json:"ok"`
	// Problem says why nothing could be sent.
	Problem  string `json:"problem,omitempty"`
	Note     string `json:"note,omitempty"`
	Event    string `json:"event,omitempty"`
	EventID  string `json:"event_id,omitempty"`
	Harmless string `json:"harmless,omitempty"`
	// Request is the check's, without credentials.
	Request string           `json:"request,omitempty"`
	Sent    bool             `json:"sent"`
	Outcome *subfive.Outcome `json:"outcome,omitempty"`
	Answer  string           `json:"answer,omitempty"`
	story.Meaning
	// Domains are those that events name to the platform, and Allow says where
	// to allow them.
	Domains []string `json:"domains,omitempty"`
	Allow   string   `json:"allow,omitempty"`
}

func newCheck(a *app) *cobra.Command {
	var json bool
	var how dashboard.Check
	c := &cobra.Command{
		Use:   "check [ID]",
		Short: "Send a harmless test event to destinations, and explain the answers",
		Long: `Sends each destination the harmless event of its platform, as a test, and shows the request without
credentials, the answer, what it means and what to mend. A destination in dry run is checked, too. The check
is no delivery: nothing of it is kept here. A receiver of a relay can't tell a check from a conversion, so
that its check is only shown unless --send asks for it. Besides it lists the domains that events name to the
platform, and where to allow them. Variables in the settings must be set in this shell.`,
		Example: `  subfive destinations check
  subfive destinations check --dry-run
  subfive destinations check --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes at most one destination's ID", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := atMostOne(c.Flags(), "dry-run", "send"); err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error { return a.check(c.Context(), s, args, how, json) })
		},
	}
	c.Flags().BoolVar(&how.DryRun, "dry-run", false, "show the requests and send nothing")
	c.Flags().BoolVar(&how.Send, "send", false, "send even what the receiver takes for a conversion (relay)")
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	return c
}

// check checks the destination of that ID, or all that are not archived.
func (a *app) check(ctx context.Context, s session, ids []string, how dashboard.Check, json bool) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		for _, d := range setup.Destinations {
			if d.ArchivedAt == nil {
				ids = append(ids, d.ID)
			}
		}
	}
	k := checker{a, s.Store, s.vault, s.file.Server}
	wrong, sent := 0, 0
	p := &page{}
	for _, id := range ids {
		c, err := k.check(ctx, id, how)
		if err != nil {
			return noDestination(err)
		}
		if !c.OK {
			wrong++
		}
		if c.Sent {
			sent++
		}
		if json {
			if err := writeJSONLine(a.stdout, c); err != nil {
				return err
			}
			continue
		}
		p.checked(c)
	}
	if !json {
		p.title(count(len(ids), "destination", "destinations") + " checked, " + count(sent, "event", "events") + " sent.")
		fmt.Fprint(a.stdout, p)
	}
	if wrong > 0 {
		return fmt.Errorf("check: something is to be mended at %d of %d", wrong, len(ids))
	}
	return nil
}

func (p *page) checked(c checked) {
	p.title("DESTINATION " + c.DestinationID)
	p.line("platform", joined("  ", c.Platform, named("account", c.Account), "mode "+string(c.Mode)))
	p.line("wrong", c.Problem)
	p.line("note", c.Note)
	if c.Request != "" {
		p.line("event", joined("  ", c.Event, named("ID", c.EventID)))
		p.line("harmless", c.Harmless)
		p.line("request", "without credentials")
		p.block(c.Request, bodyLines)
	}
	if c.Sent {
		answer := "none"
		if c.Outcome.HTTP != 0 {
			answer = "HTTP " + strconv.Itoa(c.Outcome.HTTP)
		}
		p.line("answer", answer)
		if c.Answer != "" {
			p.block(indented(c.Answer), bodyLines)
		}
		p.line("counts as", joined(": ", joined(" ", string(c.Outcome.Class), joined("/", c.Outcome.Code, c.Outcome.Subcode)), c.Outcome.Message))
	}
	p.line("means", c.Means)
	p.line("do", c.Do)
	p.line("more", c.More)
	var rows [][]string
	for _, d := range c.Domains {
		rows = append(rows, []string{d})
	}
	p.rows("domains", rows)
	p.line("allow them", c.Allow)
}

// checker sends destinations their platform's check event.
type checker struct {
	app    *app
	store  *store.Store
	vault  *identity.Vault
	server config.Server
}

// check checks one destination. An error that wraps subfive.ErrNotFound says
// that there is none of that ID; what is wrong with it is in the answer.
func (k checker) check(ctx context.Context, id string, how dashboard.Check) (checked, error) {
	setup, err := k.store.Setup(ctx)
	if err != nil {
		return checked{}, err
	}
	d, ok := setup.Destination(id)
	if !ok || d.ArchivedAt != nil {
		return checked{}, fmt.Errorf("destination %s: %w", id, subfive.ErrNotFound)
	}
	c := checked{DestinationID: d.ID, Platform: d.Platform, Account: d.Account, Mode: d.Mode}
	sender := newSender(k.vault, k.server, k.app)
	defer sender.Close()
	made, err := k.configure(sender, d)
	if err != nil {
		c.Problem = "settings: " + err.Error()
		c.Do = "Mend it, apply, then check again."
		return c, nil
	}
	c.Account, c.Harmless, c.Event = made.Forwarder.Account(), made.Platform.Check.Harmless, made.Platform.Check.Event
	if c.Allow = made.Platform.Check.Domains; c.Allow != "" {
		c.Domains = k.domains(setup, d)
	}
	if d.Mode == subfive.ModeDryRun {
		c.Note = "The destination is in dry run: conversions are rendered and nothing of them leaves. Only a check does."
	}
	probe, ok := k.probe(ctx, sender, d, made.Platform, &c)
	if !ok {
		return c, nil
	}
	c.OK, c.EventID = true, probe.EventID
	switch {
	case how.DryRun:
		c.Note = joined(" ", c.Note, "Nothing was sent: it was only rendered.")
	case made.Platform.Check.OnlyAsked && !how.Send:
		c.Note = joined(" ", c.Note, "Nothing was sent: this is sent only with --send, or \"send\": true over the API.")
	default:
		k.send(ctx, sender, probe, &c)
	}
	return c, nil
}

// configure makes the destination's forwarder, and lets the sender know it.
func (k checker) configure(sender *forwarders.Sender, d subfive.Destination) (forwarders.Configured, error) {
	resolved, err := config.Resolve(subfive.Setup{Destinations: []subfive.Destination{d}}, k.app.env)
	if err != nil {
		return forwarders.Configured{}, err
	}
	d = resolved.Destinations[0]
	made, err := configureOne(d, k.app.env, sender.AuthClient(hosts(d)...), config.DecodeSettings)
	if err != nil {
		return forwarders.Configured{}, err
	}
	return made, sender.SetDestinations([]forwarders.Configured{made})
}

// probe is the check's event, in a test where the settings allow one.
func (k checker) probe(ctx context.Context, sender *forwarders.Sender, d subfive.Destination, p forwarders.Platform, c *checked) (subfive.Delivery, bool) {
	probe := madeUp(d, p, k.app.now())
	request, err := sender.Preview(ctx, d.ID, probe)
	if err != nil && p.Check.Real {
		probe.Mode = subfive.ModeLive
		if request, err = sender.Preview(ctx, d.ID, probe); err == nil {
			c.Note = joined(" ", c.Note, "It is sent as a real event, for the settings have no test code. "+p.Check.Code)
		}
	}
	if err != nil {
		c.Problem, c.Do = err.Error(), p.Check.Code
		return probe, false
	}
	c.Request = request.String()
	return probe, true
}

// send sends the check's event, and explains the answer.
func (k checker) send(ctx context.Context, sender *forwarders.Sender, probe subfive.Delivery, c *checked) {
	x := sender.Send(ctx, probe.DestinationID, []subfive.Delivery{probe})
	o := x.Outcomes[0]
	c.Sent, c.Outcome, c.OK = x.Attempt != nil, &o, success(o.Class)
	if x.Attempt != nil {
		c.Answer = x.Attempt.AnswerBody
	}
	c.Meaning = explained(c.Platform, o.Class, o.Code, o.Subcode)
	if c.OK {
		c.Meaning = story.Meaning{Means: c.Means}
	}
}

// domains are the hosts of the pages that events name.
func (k checker) domains(setup subfive.Setup, d subfive.Destination) []string {
	pages := []string{k.server.PublicURL}
	for _, l := range setup.LandingPages {
		pages = append(pages, l.URL)
	}
	var settings map[string]any
	if d.Settings != "" && config.DecodeSettings(d.Settings, k.app.env, &settings) == nil {
		if page, ok := settings["default_event_source_url"].(string); ok {
			pages = append(pages, page)
		}
	}
	var found []string
	for _, page := range pages {
		u, err := url.Parse(page)
		if err == nil && u.Hostname() != "" && !slices.Contains(found, u.Hostname()) {
			found = append(found, u.Hostname())
		}
	}
	return found
}

// madeUp is the check's event as a delivery: of a click an hour ago that never
// was. Its address is one of those kept for documentation.
func madeUp(d subfive.Destination, p forwarders.Platform, now time.Time) subfive.Delivery {
	click := subfive.Click{
		ID: "00000000000000000000000000", RecordKind: subfive.ClickRedirect, ClickedAt: now.Add(-time.Hour), Platform: d.Platform,
		Request: subfive.Request{ClientAddr: "192.0.2.1", UserAgent: "Mozilla/5.0 (a check by subfive)"},
		Params:  map[string]string{},
	}
	if len(p.ClickParams) > 0 {
		click.Params[p.ClickParams[0]] = "a-click-id-of-" + p.Name
	}
	c := subfive.Conversion{
		ID: subfive.PrefixTest + subfive.DeriveID(subfive.PrefixConversion, "check", d.ID), IsTest: true,
		Verdict: subfive.VerdictMatched, MatchMethod: subfive.MatchClick, ReceivedClickID: click.ID, AttributedClickID: click.ID,
		TransactionID: subfive.PrefixTest + "check", Status: subfive.StatusPending, ConvertedAt: now, ReceivedAt: now, ClickedAt: click.ClickedAt,
	}
	probe := subfive.Delivery{
		ID: subfive.DeriveID(subfive.PrefixDelivery, "check", d.ID), ConversionID: c.ID, DestinationID: d.ID, Platform: d.Platform,
		Kind: subfive.KindConversion, Generation: 1, Mode: subfive.ModeTest, EventName: p.Check.Event, EventID: c.ID, EventTime: now,
		Status: subfive.DeliveryScheduled, CreatedAt: now, Click: &click,
	}
	if p.Check.OnlyAsked { // it is to look like a conversion
		one := subfive.Micros(1_000_000)
		c.Payout, c.Currency, c.ValueFrom = &one, "USD", subfive.FromPostback
		probe.Value = &subfive.Money{Amount: one, Currency: "USD"}
	}
	probe.Conversion = c
	return probe
}
