package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/forwarders"
	"subfive/store"
)

// checked is what a destination's check found.
type checked struct {
	DestinationID string       `json:"destination_id"`
	Platform      string       `json:"platform"`
	Account       string       `json:"account,omitempty"`
	Mode          subfive.Mode `json:"mode"`
	OK            bool         `json:"ok"`
	// Problem says why it could not be sent to.
	Problem string `json:"problem,omitempty"`
	// Request is what a made-up conversion would look like, without credentials.
	Request string `json:"request,omitempty"`
	// Sent is false: a check sends nothing.
	Sent bool `json:"sent"`
}

func newCheck(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "check [ID]",
		Short: "Check the settings of destinations, and show what would go where",
		Long: `Reads a destination's settings with this environment's variables, and renders a made-up conversion as the
exact request its platform would get. It sends nothing: whether the platform takes the credentials, the
first delivery in mode test will show.`,
		Example: `  subfive destinations check
  subfive destinations check --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes at most one destination's ID", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.check(c.Context(), s, args, json) })
		},
	}
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	return c
}

// check checks the destination of that ID, or all that are not archived.
func (a *app) check(ctx context.Context, s session, ids []string, json bool) error {
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
	sender, err := s.sender(ctx, a)
	if err != nil {
		return err
	}
	defer sender.Close()
	wrong := 0
	p := &page{}
	for _, id := range ids {
		c, err := checkOne(ctx, a, s.Store, sender, id)
		if err != nil {
			return noDestination(err)
		}
		if !c.OK {
			wrong++
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
		p.title(count(len(ids), "destination", "destinations") + " checked. Nothing was sent.")
		fmt.Fprint(a.stdout, p)
	}
	if wrong > 0 {
		return fmt.Errorf("check: %d of %d can't be sent to: mend their settings, then check again", wrong, len(ids))
	}
	return nil
}

func (p *page) checked(c checked) {
	p.title("DESTINATION " + c.DestinationID)
	p.line("platform", joined("  ", c.Platform, named("account", c.Account), "mode "+string(c.Mode)))
	if !c.OK {
		p.line("wrong", c.Problem)
		return
	}
	p.line("settings", "fine")
	p.line("would send", "a made-up conversion as this, and its credentials:")
	p.block(c.Request, bodyLines)
}

// checkDestination checks one destination for the REST API.
func checkDestination(ctx context.Context, a *app, st *store.Store, sender *forwarders.Sender, id string) (any, error) {
	return checkOne(ctx, a, st, sender, id)
}

func checkOne(ctx context.Context, a *app, st *store.Store, sender *forwarders.Sender, id string) (checked, error) {
	setup, err := st.Setup(ctx)
	if err != nil {
		return checked{}, err
	}
	d, ok := setup.Destination(id)
	if !ok || d.ArchivedAt != nil {
		return checked{}, fmt.Errorf("destination %s: %w", id, subfive.ErrNotFound)
	}
	c := checked{DestinationID: d.ID, Platform: d.Platform, Account: d.Account, Mode: d.Mode}
	made, request, err := wouldSend(ctx, a, sender, d)
	if made.Forwarder != nil {
		c.Account = made.Forwarder.Account()
	}
	c.OK, c.Request = err == nil, request
	if err != nil {
		c.Problem = err.Error()
	}
	return c, nil
}

// wouldSend reads a destination's settings and renders a made-up conversion.
func wouldSend(ctx context.Context, a *app, sender *forwarders.Sender, d subfive.Destination) (made forwarders.Configured, request string, err error) {
	made, err = configureOne(d, a.env, sender.AuthClient(hosts(d)...), config.DecodeSettings)
	if err != nil {
		return made, "", fmt.Errorf("settings: %w", err)
	}
	captured, err := sender.Preview(ctx, d.ID, madeUp(d, made.Platform, a))
	if err != nil {
		return made, "", err
	}
	return made, captured.String(), nil
}

// madeUp is a conversion of one unit of money, an hour after its click, that
// never was: its address is one of those kept for documentation.
func madeUp(d subfive.Destination, p forwarders.Platform, a *app) subfive.Delivery {
	now, one := a.now(), subfive.Micros(1_000_000)
	click := subfive.Click{
		ID: "00000000000000000000000000", RecordKind: subfive.ClickRedirect, ClickedAt: now.Add(-time.Hour), Platform: d.Platform,
		Request: subfive.Request{ClientAddr: "192.0.2.1", UserAgent: "Mozilla/5.0 (a check by subfive)"},
		Params:  map[string]string{},
	}
	if len(p.ClickParams) > 0 {
		click.Params[p.ClickParams[0]] = "a-click-id-of-" + p.Name
	}
	c := subfive.Conversion{
		ID: subfive.DeriveID(subfive.PrefixConversion, "check", d.ID), Verdict: subfive.VerdictMatched, MatchMethod: subfive.MatchClick,
		ReceivedClickID: click.ID, AttributedClickID: click.ID, TransactionID: "check", Status: subfive.StatusPending,
		ConvertedAt: now, ReceivedAt: now, ClickedAt: click.ClickedAt, Payout: &one, Currency: "USD", ValueFrom: subfive.FromPostback,
	}
	event := d.Goals[subfive.GoalBase]
	if event == "" {
		event = "Purchase"
	}
	return subfive.Delivery{
		ID: subfive.DeriveID(subfive.PrefixDelivery, "check", d.ID), ConversionID: c.ID, DestinationID: d.ID, Platform: d.Platform,
		Kind: subfive.KindConversion, Generation: 1, Mode: d.Mode, EventName: event, EventID: c.ID, EventTime: now,
		Value: &subfive.Money{Amount: one, Currency: "USD"}, Status: subfive.DeliveryScheduled, CreatedAt: now, Conversion: c, Click: &click,
	}
}
