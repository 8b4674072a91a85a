package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/dashboard"
	"subfive/forwarders/all"
	"subfive/identity"
	"subfive/store"
)

// backend is what the REST API asks of the tracker.
type backend struct{ t *tracker }

// errNoDatabase is the answer while the database was never reached.
var errNoDatabase = dashboard.Refusal{
	Unavailable: true,
	What:        "the database does not answer; what comes in is kept in the journal",
	Do:          "try again once it is back",
}

func (b *backend) open() (*store.Store, error) {
	if st := b.t.store.Load(); st != nil {
		return st, nil
	}
	return nil, errNoDatabase
}

func (b *backend) List(ctx context.Context, q dashboard.ListQuery) (dashboard.Page, error) {
	st, err := b.open()
	if err != nil {
		return dashboard.Page{}, err
	}
	if q.Kind == "destinations" {
		return destinationPage(ctx, st, q, b.t.app.now())
	}
	items, next, err := st.List(ctx, listQuery(q))
	return dashboard.Page{Items: items, Next: next}, unanswerable(err)
}

// unanswerable says of a list's query that it makes no sense.
func unanswerable(err error) error {
	if errors.Is(err, store.ErrBadQuery) {
		return dashboard.Refusal{Invalid: true, What: err.Error(), Do: "see /api/v1/openapi.json for the filters"}
	}
	return err
}

// destinationPage is a page of the destinations, in the setup's order: the
// cursor is the last one's ID.
func destinationPage(ctx context.Context, st *store.Store, q dashboard.ListQuery, now time.Time) (dashboard.Page, error) {
	rows, err := destinationRows(ctx, st, now)
	page := dashboard.Page{Items: []map[string]any{}}
	past := q.Cursor == ""
	for _, row := range rows {
		id, _ := row["destination_id"].(string)
		wanted := past
		past = past || id == q.Cursor
		for name, values := range q.Filters {
			text, _ := row[name].(string)
			wanted = wanted && slices.Contains(values, text)
		}
		switch {
		case !wanted:
		case q.Limit > 0 && len(page.Items) == q.Limit:
			page.Next, _ = page.Items[q.Limit-1]["destination_id"].(string)
			return page, err
		default:
			page.Items = append(page.Items, row)
		}
	}
	return page, err
}

// destinationRows are the destinations with their state, as lists show them.
func destinationRows(ctx context.Context, st *store.Store, now time.Time) ([]map[string]any, error) {
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := st.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := st.Counts(ctx, now)
	if err != nil {
		return nil, err
	}
	paused := map[string]subfive.Pause{}
	for _, p := range pauses {
		paused[p.DestinationID] = p
	}
	rows := []map[string]any{}
	for _, d := range setup.Destinations {
		row := map[string]any{
			"destination_id": d.ID, "platform": d.Platform, "account": d.Account, "mode": string(d.Mode),
			"archived": d.ArchivedAt != nil, "ready": counts.Ready[d.ID], "paused": false,
		}
		if at, ok := counts.OldestAt[d.ID]; ok {
			row["oldest_at"] = at
		}
		// A pause that ran out holds until a probe succeeds.
		if p := paused[d.ID]; p.Manual || !p.Until.IsZero() {
			row["paused"], row["pause_reason"], row["pause_code"], row["pause_manual"] = true, p.Reason, p.Code, p.Manual
			if !p.Manual {
				row["paused_until"] = p.Until
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (b *backend) Story(ctx context.Context, kind, id string) (any, error) {
	switch kind {
	case "alerts":
		return b.alert(ctx, id)
	case "reconciliations":
		return b.reconciliation(ctx, id)
	case "reports":
		return b.keptReport(ctx, id)
	}
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	if kind == "destinations" {
		rows, err := destinationRows(ctx, st, b.t.app.now())
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row["destination_id"] == id {
				r, err := resourceOf(ctx, st, "destinations", id)
				if err != nil {
					return nil, err
				}
				row["resource"], err = shownOne(ctx, st, r)
				return row, err
			}
		}
		return nil, fmt.Errorf("destination %s: %w", id, subfive.ErrNotFound)
	}
	return b.story(ctx, st, id)
}

// story tells the story of an ID.
func (b *backend) story(ctx context.Context, st *store.Store, id string) (any, error) {
	t, err := tellingOf(ctx, st, id, b.t.app.now())
	if err != nil {
		return nil, err
	}
	return t.explained(), nil
}

func (b *backend) Errors(platform, code string) (any, error) {
	entries, problem := dictionary(platform, code)
	if problem != "" {
		return nil, dashboard.Refusal{Invalid: true, What: problem, Do: "GET /api/v1/errors lists all there are"}
	}
	return map[string]any{"items": entries}, nil
}

func (b *backend) Replay(ctx context.Context, r dashboard.Replay) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	return st.Replay(ctx, store.Replay{
		Filter: store.DeliveryFilter{
			IDs: r.DeliveryIDs, ConversionID: r.ConversionID, DestinationID: r.DestinationID, Status: r.Status, ReasonCode: r.ReasonCode,
			Since: r.Since, Until: r.Until,
		},
		Force: r.Force, DryRun: r.DryRun, At: b.t.app.now(), After: r.After, By: r.By, DedupWindow: dedupWindow,
		Decide: b.t.app.decideAgain(setup, b.t.vault),
	})
}

// dedupWindow is how long a platform deduplicates by our event ID.
func dedupWindow(platform string) time.Duration {
	p, _ := all.Find(platform)
	return p.DedupWindow
}

// decideAgain decides a delivery with today's settings, as a replay does.
func (a *app) decideAgain(setup subfive.Setup, v *identity.Vault) func(subfive.Delivery) subfive.Delivery {
	r := a.rules(config.Server{}, setup, v) // no conversion waits for its click here
	return func(d subfive.Delivery) subfive.Delivery { return attribution.DecideAgain(d, r, a.now()) }
}

func (b *backend) attributor(ctx context.Context) (*attribution.Attributor, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	return attribution.New(st, b.t.app.rules(b.t.file.Server, setup, b.t.vault), b.t.app.now, b.t.log), nil
}

// refused turns an answer of attribution into one for the caller.
func refused(err error) error {
	if errors.Is(err, attribution.ErrNotSettleable) {
		return dashboard.Refusal{What: err.Error(), Do: "look at its story: it was decided already"}
	}
	return err
}

func (b *backend) Settle(ctx context.Context, postbackID, as, by string) (any, error) {
	a, err := b.attributor(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := a.Settle(ctx, postbackID, attribution.Settlement(as), by); err != nil {
		return nil, refused(err)
	}
	return b.story(ctx, b.t.store.Load(), postbackID)
}

func (b *backend) Accept(ctx context.Context, postbackID, by string) (any, error) {
	a, err := b.attributor(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := a.Accept(ctx, postbackID, by); err != nil {
		return nil, refused(err)
	}
	return b.story(ctx, b.t.store.Load(), postbackID)
}

func (b *backend) Attach(ctx context.Context, postbackID, clickID, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	j, err := st.Judged(ctx, postbackID)
	if err != nil {
		return nil, err
	}
	if j.ConversionID == "" {
		return nil, dashboard.Refusal{What: "postback " + postbackID + " made no conversion", Do: "only a conversion can be given a click"}
	}
	a, err := b.attributor(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Attach(ctx, j.ConversionID, clickID, by); err != nil {
		return nil, refused(err)
	}
	return b.story(ctx, st, j.ConversionID)
}

func (b *backend) SetMode(ctx context.Context, destinationID string, to subfive.Switch, by string) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	err = setMode(ctx, st, by, destinationID, to, b.t.app.now())
	var wrong config.Problems
	switch {
	case errors.Is(err, store.ErrFromFile):
		return dashboard.Refusal{What: err.Error(), Do: "change mode in the file and run: subfive apply -f FILE"}
	case errors.As(err, &wrong):
		return dashboard.Refusal{Invalid: true, What: wrong[0].What, Do: wrong[0].Do}
	case err == nil:
		b.t.caughtUp(ctx)
	}
	return err
}

// setMode switches a destination, if the rules for files allow it so. Deliveries
// that were decided already keep the mode they were decided in. An error about
// the rules is config.Problems.
func setMode(ctx context.Context, st *store.Store, by, id string, to subfive.Switch, now time.Time) error {
	return uncontested(func() error {
		setup, err := st.Setup(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(setup.Destinations, func(d subfive.Destination) bool { return d.ID == id && d.ArchivedAt == nil })
		if i < 0 {
			return fmt.Errorf("set mode: destination %s: %w", id, subfive.ErrNotFound)
		}
		setup.Destinations[i] = to.Apply(setup.Destinations[i])
		changes := []store.ResourceChange{{Kind: store.KindDestination, ID: id, Value: setup.Destinations[i], Origin: store.OriginAPI}}
		if _, err := st.Plan(ctx, by, changes, now); err != nil {
			return err // it comes from a file: that is to be said first
		}
		if err := config.Check(config.Complete(setup, configPlatforms()), configPlatforms()); err != nil {
			return err
		}
		return st.ApplyChecked(ctx, setup.Version, by, changes, now)
	})
}

func (b *backend) Pause(ctx context.Context, destinationID, reason, by string) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	return pausing{destinationID, by, reason, true}.apply(ctx, st, b.t.app.now())
}

func (b *backend) Resume(ctx context.Context, destinationID, by string) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	return pausing{destinationID: destinationID, by: by}.apply(ctx, st, b.t.app.now())
}

// pausing is a destination's pause, or the end of it, as a person says.
type pausing struct {
	destinationID, by, reason string
	on                        bool
}

// apply pauses or resumes, and leaves a line in the audit. The dispatcher may
// write at the same moment; then it is said again.
func (p pausing) apply(ctx context.Context, st *store.Store, at time.Time) error {
	setup, err := st.Setup(ctx)
	if err != nil {
		return err
	}
	if _, ok := setup.Destination(p.destinationID); !ok {
		return fmt.Errorf("destination %s: %w", p.destinationID, subfive.ErrNotFound)
	}
	line := store.Audit{Action: "resume", Subject: "destination " + p.destinationID, Actor: p.by, At: at}
	next := subfive.Pause{DestinationID: p.destinationID}
	if p.on {
		line.Action, line.New = "pause", p.reason
		next.Manual, next.Reason = true, joined(": ", "by "+p.by, p.reason)
	}
	for won := false; !won; {
		now, err := st.Pause(ctx, p.destinationID)
		if err != nil {
			return err
		}
		next.Version = now.Version
		if won, err = st.SetPause(ctx, next); err != nil {
			return err
		}
	}
	return st.AddAudit(ctx, line)
}

func (b *backend) Check(ctx context.Context, destinationID string, how dashboard.Check) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	c, err := checker{b.t.app, st, b.t.vault, b.t.file.Server}.check(ctx, destinationID, how)
	if err == nil && c.OK && c.Sent {
		err = st.PutNote(ctx, checkNote+destinationID, b.t.app.now().UTC().Format(time.RFC3339Nano))
	}
	return c, err
}
