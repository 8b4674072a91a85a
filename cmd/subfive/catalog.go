package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/sources"
	"subfive/store"
)

// resourceLists are the kinds of resource by their lists' names in the file.
func resourceLists() map[string]store.ResourceKind {
	return map[string]store.ResourceKind{
		"networks": store.KindNetwork, "endpoints": store.KindEndpoint, "sources": store.KindSource, "landing_pages": store.KindLandingPage,
		"offers": store.KindOffer, "campaigns": store.KindCampaign, "destinations": store.KindDestination,
	}
}

// resourcesOf are a list's resources by ID, archived ones if asked for. The
// network and the endpoint that exist by themselves are among them.
func resourcesOf(ctx context.Context, st *store.Store, list string, archived bool) ([]store.Resource, error) {
	stored, err := st.Resources(ctx)
	if err != nil {
		return nil, err
	}
	kind := resourceLists()[list]
	var all []store.Resource
	known := map[string]bool{}
	for _, r := range stored {
		if r.Kind != kind {
			continue
		}
		known[r.ID] = true
		if archived || r.ArchivedAt.IsZero() {
			all = append(all, r)
		}
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	each(setup, func(k store.ResourceKind, _, id string, value any) {
		if k == kind && !known[id] {
			all = append(all, store.Resource{Kind: k, ID: id, Origin: store.OriginDefault, Value: value})
		}
	})
	slices.SortFunc(all, func(a, b store.Resource) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// resourceOf is one of a list's, archived or not.
func resourceOf(ctx context.Context, st *store.Store, list, id string) (store.Resource, error) {
	all, err := resourcesOf(ctx, st, list, true)
	if err != nil {
		return store.Resource{}, err
	}
	i := slices.IndexFunc(all, func(r store.Resource) bool { return r.ID == id })
	if i < 0 {
		return store.Resource{}, fmt.Errorf("%s/%s: %w", list, id, subfive.ErrNotFound)
	}
	return all[i], nil
}

// Resources lists resources, for the REST API.
func (b *backend) Resources(ctx context.Context, list string, archived bool) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := resourcesOf(ctx, st, list, archived)
	if err != nil {
		return nil, err
	}
	items, err := shownAll(ctx, st, all...)
	return map[string]any{"items": items}, err
}

// Resource is one of them.
func (b *backend) Resource(ctx context.Context, list, id string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	r, err := resourceOf(ctx, st, list, id)
	if err != nil {
		return nil, err
	}
	return shownOne(ctx, st, r)
}

// Links is a campaign's link, for the REST API.
func (b *backend) Links(ctx context.Context, campaignID string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	link, err := sources.Build(setup, campaignID, siteURL(session{Store: st, file: b.t.file, vault: b.t.vault}))
	if errors.Is(err, sources.ErrNoLandingPage) {
		err = dashboard.Refusal{What: err.Error(), Do: "PUT /api/v1/landing_pages/ID, then name it in the campaign's landing"}
	}
	return link, err
}

// revision is what a change of a resource came to.
type revision struct {
	DryRun      bool                `json:"dry_run"`
	Differences []config.Difference `json:"differences"`
	YAML        yamlChange          `json:"yaml"`
	Resource    map[string]any      `json:"resource,omitempty"` // as it is stored now
	// AuditID is the line by which it can be undone; "" where nothing changed.
	AuditID string `json:"audit_id,omitempty"`
	Subject string `json:"subject,omitempty"` // of the line that was undone
	Note    string `json:"note,omitempty"`
}

// ChangeResource stores or archives a resource, for the REST API.
func (b *backend) ChangeResource(ctx context.Context, c dashboard.ResourceChange) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	var out revision
	err = uncontested(func() error {
		out, err = b.t.app.changeResource(ctx, st, c)
		return err
	})
	if err != nil {
		return nil, unchangeable(err)
	}
	if !c.DryRun {
		b.t.caughtUp(ctx)
	}
	return out.completed(ctx, st, c.Kind, c.ID)
}

// completed is a revision with the resource as it is stored now.
func (r revision) completed(ctx context.Context, st *store.Store, list, id string) (revision, error) {
	if r.DryRun {
		return r, nil
	}
	now, err := resourceOf(ctx, st, list, id)
	if err != nil {
		return r, err
	}
	r.Resource, err = shownOne(ctx, st, now)
	return r, err
}

// changeResource checks a change, and stores it unless it is a dry run.
func (a *app) changeResource(ctx context.Context, st *store.Store, c dashboard.ResourceChange) (out revision, err error) {
	setup, err := st.Setup(ctx) // first: what is read after it is no older
	if err != nil {
		return out, err
	}
	old, err := resourceOf(ctx, st, c.Kind, c.ID)
	if err != nil && (c.Body == nil || !errors.Is(err, subfive.ErrNotFound)) {
		return out, err
	}
	change := store.ResourceChange{Kind: resourceLists()[c.Kind], ID: c.ID, Origin: store.OriginAPI}
	if old.Value != nil { // that it comes from a file is to be said first
		planned := change
		planned.Value = old.Value
		if _, err := st.Plan(ctx, c.By, []store.ResourceChange{planned}, a.now()); err != nil {
			return out, err
		}
	}
	if c.Body == nil {
		err = archivable(setup, c, change)
	} else {
		change.Value, err = a.revised(setup, c, change, old.Value)
	}
	if err != nil {
		return out, err
	}
	return a.revise(ctx, st, setup, c, change, old)
}

// revise makes a change that was checked, or says what it would be.
func (a *app) revise(ctx context.Context, st *store.Store, setup subfive.Setup, c dashboard.ResourceChange, change store.ResourceChange, old store.Resource) (out revision, err error) {
	changes := []store.ResourceChange{change}
	out = revision{DryRun: c.DryRun, Differences: differences(setup, changes)}
	if out.Differences == nil {
		out.Differences = []config.Difference{}
	}
	if out.YAML, err = yamlOf(c.Kind, old, change.Value); err != nil {
		return out, err
	}
	planned, err := st.Plan(ctx, c.By, changes, a.now())
	if err != nil || c.DryRun || len(planned) == 0 {
		return out, err
	}
	out.AuditID = store.AuditID(setup.Version+1, 0)
	return out, st.ApplyChecked(ctx, setup.Version, c.By, changes, a.now())
}

// revised reads what a caller sent and returns it complete, if the whole setup
// is as sound with it as before. An error about what is written is
// config.Problems.
func (a *app) revised(setup subfive.Setup, c dashboard.ResourceChange, change store.ResourceChange, old any) (any, error) {
	value, err := config.ParseResource(c.Kind, c.ID, c.Body, old)
	if err != nil {
		return nil, err
	}
	change.Value = nil
	before := faults(without(setup, change))
	change.Value = value
	after, problems := config.Review(without(setup, change), configPlatforms())
	if problems = newFaults(before, problems); len(problems) > 0 {
		return nil, problems
	}
	each(after, func(kind store.ResourceKind, _, id string, complete any) {
		if kind == change.Kind && id == c.ID {
			value = complete
		}
	})
	if d, ok := value.(subfive.Destination); ok {
		return a.withAccount(d)
	}
	return value, nil
}

// withAccount tries a destination's settings and names the account that they
// are of.
func (a *app) withAccount(d subfive.Destination) (any, error) {
	configured, err := configureOne(d, a.env, http.DefaultClient, config.DecodeSettingsAnywhere)
	if err == nil {
		d.Account = configured.Forwarder.Account()
		err = testable(d, configured.Forwarder)
	}
	if err != nil {
		return nil, config.Problems{{What: "destinations/" + d.ID + ": " + err.Error(), Do: "see: subfive config sample " + d.Platform}}
	}
	return d, nil
}

// archivable refuses to archive what others need.
func archivable(setup subfive.Setup, c dashboard.ResourceChange, change store.ResourceChange) error {
	if change.Kind == store.KindNetwork && c.ID == subfive.DefaultNetwork || change.Kind == store.KindEndpoint && c.ID == subfive.DefaultEndpoint {
		return dashboard.Refusal{What: c.Kind + "/" + c.ID + " exists by itself", Do: "change it with PUT"}
	}
	problems := newFaults(faults(without(setup, store.ResourceChange{})), faults(without(setup, change)))
	if len(problems) > 0 {
		r := refusedFor(problems)
		return dashboard.Refusal{What: c.Kind + "/" + c.ID + " is in use: " + r.What, Do: "change what names it first"}
	}
	return nil
}

// without returns a setup after a change, without what is archived: its faults
// are nobody's to mend.
func without(setup subfive.Setup, change store.ResourceChange) subfive.Setup {
	changes := []store.ResourceChange{change}
	live := setup
	live.Campaigns = slices.DeleteFunc(slices.Clone(setup.Campaigns), func(c subfive.Campaign) bool { return c.ArchivedAt != nil })
	live.Destinations = slices.DeleteFunc(slices.Clone(setup.Destinations), func(d subfive.Destination) bool { return d.ArchivedAt != nil })
	return changedSetup(live, changes)
}

// faults are what is wrong with a setup.
func faults(setup subfive.Setup) config.Problems {
	_, problems := config.Review(setup, configPlatforms())
	return problems
}

// newFaults are those that were not there before.
func newFaults(before, after config.Problems) config.Problems {
	return slices.DeleteFunc(after, func(p config.Problem) bool {
		return slices.ContainsFunc(before, func(old config.Problem) bool { return old.What == p.What })
	})
}

// refusedFor tells all that is wrong.
func refusedFor(problems config.Problems) dashboard.Refusal {
	var what, do []string
	for _, p := range problems {
		what = append(what, p.What)
		if p.Do != "" && !slices.Contains(do, p.Do) {
			do = append(do, p.Do)
		}
	}
	return dashboard.Refusal{Invalid: true, What: strings.Join(what, "; "), Do: strings.Join(do, "; ")}
}

// unchangeable says why a resource stays as it is, if that is for the caller.
func unchangeable(err error) error {
	var wrong config.Problems
	switch {
	case errors.As(err, &wrong):
		return refusedFor(wrong)
	case errors.Is(err, store.ErrFromFile):
		return dashboard.Refusal{What: err.Error(), Do: "change it in the file and run: subfive apply -f FILE"}
	case errors.Is(err, store.ErrHistory):
		return dashboard.Refusal{What: err.Error(), Do: "PUT a destination of another ID for the other account"}
	case errors.Is(err, subfive.ErrConflict):
		return dashboard.Refusal{What: "others change the setup all the time", Do: "send it again"}
	}
	return err
}

// Audit is a page of who changed what, for the REST API.
func (b *backend) Audit(ctx context.Context, q dashboard.AuditQuery) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	lines, next, err := st.AuditPage(ctx, q.Limit, q.Cursor)
	switch {
	case errors.Is(err, store.ErrBadQuery):
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "take next of the page before as the cursor"}
	case err != nil:
		return nil, err
	}
	for i, l := range lines {
		lines[i].Old, lines[i].New = auditText(l.Subject, l.Old), auditText(l.Subject, l.New)
	}
	if lines == nil {
		lines = []store.Audit{}
	}
	return map[string]any{"items": lines, "next": next}, nil
}

// auditText hides what an endpoint's address in the audit may hold.
func auditText(subject, spec string) string {
	var e subfive.Endpoint
	plain, _ := store.Unmarked(spec)
	if !strings.HasPrefix(subject, string(store.KindEndpoint)+" ") || json.Unmarshal([]byte(plain), &e) != nil {
		return spec
	}
	hidden, err := json.Marshal(config.Shown(e))
	if err != nil {
		return subfive.Hidden
	}
	mark, marked := strings.CutPrefix(spec, strings.TrimSuffix(plain, "}"))
	if !marked {
		return string(hidden)
	}
	return strings.TrimSuffix(string(hidden), "}") + mark
}
