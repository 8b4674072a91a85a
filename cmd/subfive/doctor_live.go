package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"subfive"
	"subfive/config"
	"subfive/everflow"
	"subfive/store"
)

// checkup is what the doctor says about the set-up and its traffic.
type checkup struct {
	CheckedAt     time.Time           `json:"checked_at"`
	Since         time.Time           `json:"since"`
	Healthy       bool                `json:"healthy"`
	Findings      []everflow.Finding  `json:"findings"`
	FailureBudget []everflow.Failures `json:"failure_budget"`
	// Looked says how much was looked at, the newest of each.
	Looked looked `json:"looked_at"`
}

type looked struct {
	Postbacks  int `json:"postbacks"`
	Clicks     int `json:"clicks"`
	Deliveries int `json:"deliveries"`
}

const (
	// checkupWindow is how far back a check-up looks.
	checkupWindow = 24 * time.Hour
	// checkupLimit bounds how much of each it looks at: shares need no more.
	checkupLimit = 5000
)

// checkUp checks the set-up and its traffic.
func (a *app) checkUp(ctx context.Context, flags doctorFlags) error {
	f, err := a.file()
	var problems config.Problems
	if errors.As(err, &problems) {
		return a.tellCheckup(checkup{CheckedAt: a.now(), Findings: configFindings(problems), FailureBudget: []everflow.Failures{}}, flags.json)
	}
	if err != nil {
		return err
	}
	if _, err := catalogue(flags.macros, f.Server.DataDir); err != nil {
		return err
	}
	var c checkup
	err = a.with(ctx, func(s session) error {
		failures, err := storedFailures(f.Server.DataDir, a.now())
		if err != nil {
			return fmt.Errorf("read the failure budget: %w", err)
		}
		c, err = checkTraffic(ctx, s.Store, f.Server, failures, a.now())
		return err
	})
	if err != nil {
		return err
	}
	if !flags.offline {
		c.add(selfTest(ctx, a, f.Server.PublicURL)...)
	}
	return a.tellCheckup(c, flags.json)
}

func configFindings(problems config.Problems) []everflow.Finding {
	var all []everflow.Finding
	for _, p := range problems {
		where := p.File
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		all = append(all, everflow.NewFinding("config_problem", where, p.What, p.Do))
	}
	return all
}

// add puts what was found elsewhere first.
func (c *checkup) add(more ...everflow.Finding) {
	c.Findings = append(append([]everflow.Finding{}, more...), c.Findings...)
	c.Healthy = toFix(c.Findings) == nil
}

func (a *app) tellCheckup(c checkup, json bool) error {
	if json {
		if err := writeJSON(a.stdout, c); err != nil {
			return err
		}
		return toFix(c.Findings)
	}
	p := &page{}
	p.title("CHECK-UP " + utc(c.CheckedAt))
	if !c.Since.IsZero() {
		p.line("looked at", fmt.Sprintf("%s, %s and %s since %s",
			count(c.Looked.Postbacks, "postback", "postbacks"), count(c.Looked.Clicks, "click", "clicks"),
			count(c.Looked.Deliveries, "delivery that stopped short", "deliveries that stopped short"), utc(c.Since)))
	}
	for _, f := range c.FailureBudget {
		p.line("failures", fmt.Sprintf("endpoint %s: %d of %d failures in a row within 72 h", f.EndpointID, f.InARow, f.Limit))
	}
	if len(c.Findings) == 0 {
		p.line("found", "nothing wrong")
	}
	p.findings(c.Findings)
	fmt.Fprint(a.stdout, p)
	return toFix(c.Findings)
}

// checkTraffic reads what a check-up needs, and judges it.
func checkTraffic(ctx context.Context, st *store.Store, server config.Server, failures []everflow.Failures, now time.Time) (checkup, error) {
	t := everflow.Traffic{
		PublicURL: server.PublicURL, Since: now.Add(-checkupWindow), Failures: failures,
		KeyBesideDatabase: server.SecretKey == "" && server.DatabaseURL == "",
	}
	for _, read := range []func(context.Context, *store.Store, *everflow.Traffic) error{readSetup, readTraffic, readStopped, readEver} {
		if err := read(ctx, st, &t); err != nil {
			return checkup{}, err
		}
	}
	at, ok, err := st.Clock(ctx)
	if err != nil {
		return checkup{}, err
	}
	if ok {
		t.Skew = now.Sub(at)
	}
	c := checkup{
		CheckedAt: now, Since: t.Since, FailureBudget: budgetOf(t.Setup, failures),
		Looked: looked{len(t.Postbacks), len(t.Clicks), len(t.Deliveries)},
	}
	days, err := dayFindings(ctx, st, t.Setup, server.Reporting, now)
	if err != nil {
		return checkup{}, err
	}
	c.add(append(everflow.CheckUp(t), days...)...)
	return c, nil
}

// budgetOf has a line for each endpoint, those without a failure too.
func budgetOf(setup subfive.Setup, failures []everflow.Failures) []everflow.Failures {
	all := append([]everflow.Failures{}, failures...)
	for _, e := range setup.Endpoints {
		if !slices.ContainsFunc(all, func(f everflow.Failures) bool { return f.EndpointID == e.ID }) {
			all = append(all, everflow.Failures{EndpointID: e.ID, Limit: everflow.FailureLimit})
		}
	}
	return all
}

func readSetup(ctx context.Context, st *store.Store, t *everflow.Traffic) (err error) {
	if t.Setup, err = st.Setup(ctx); err != nil {
		return err
	}
	t.Pauses, err = st.Pauses(ctx)
	return err
}

func readTraffic(ctx context.Context, st *store.Store, t *everflow.Traffic) (err error) {
	if t.Postbacks, err = st.RecentPostbacks(ctx, t.Since, checkupLimit); err != nil {
		return err
	}
	t.Clicks, err = st.RecentClicks(ctx, t.Since, checkupLimit)
	return err
}

// readStopped reads the deliveries that did not reach a platform.
func readStopped(ctx context.Context, st *store.Store, t *everflow.Traffic) error {
	for _, f := range []store.DeliveryFilter{
		{Status: subfive.DeliveryDead},
		{Status: subfive.DeliveryDryRun},
		{Status: subfive.DeliverySkipped, ReasonCode: "goal_unmapped"},
		{Status: subfive.DeliverySkipped, ReasonCode: "payout_above_max"},
	} {
		f.Since, f.NewestOnly, f.Limit = t.Since, true, store.MaxPage
		ds, err := st.Deliveries(ctx, f)
		if err != nil {
			return err
		}
		t.Deliveries = append(t.Deliveries, ds...)
	}
	return nil
}

// readEver asks whether anything ever came in, at each place where it may.
func readEver(ctx context.Context, st *store.Store, t *everflow.Traffic) error {
	ever := func(view string, filters map[string][]string) (bool, error) {
		rows, _, err := st.List(ctx, store.ListQuery{View: view, Filters: filters, Limit: 1})
		return len(rows) > 0, err
	}
	var err error
	if t.AnyClick, err = ever("clicks", nil); err != nil {
		return err
	}
	t.Heard, t.Clicked = map[string]bool{}, map[string]bool{}
	for _, e := range t.Setup.Endpoints {
		found, err := ever("postbacks", map[string][]string{"endpoint_id": {e.ID}})
		if err != nil {
			return err
		}
		if found {
			t.Heard[e.ID] = true
		}
	}
	for _, c := range t.Setup.Campaigns {
		found, err := ever("clicks", map[string][]string{"campaign_id": {c.ID}})
		if err != nil {
			return err
		}
		if found {
			t.Clicked[c.ID] = true
		}
	}
	return nil
}

// CheckUp checks the set-up and its traffic, for the REST API.
func (b *backend) CheckUp(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	c, err := checkTraffic(ctx, st, b.t.file.Server, b.t.budget.Failures(), b.t.app.now())
	if err != nil {
		return nil, err
	}
	c.add(selfTest(ctx, b.t.app, b.t.file.Server.PublicURL)...)
	return c, nil
}
