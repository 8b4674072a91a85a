package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"subfive"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/sources"
	"subfive/store"
)

// checklist is the first run, step by step.
type checklist struct {
	Done     int         `json:"done"`
	Total    int         `json:"total"`
	Complete bool        `json:"complete"`
	Here     string      `json:"here"`
	Steps    []setupStep `json:"steps"`
}

// setupStep is one step of the first run.
type setupStep struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	State       string    `json:"state"` // done, here, todo, skipped
	Evidence    string    `json:"evidence,omitempty"`
	At          time.Time `json:"at,omitzero"`
	SubjectID   string    `json:"subject_id,omitempty"`
	Do          string    `json:"do,omitempty"`
	Href        string    `json:"href,omitempty"`
	Confirmed   bool      `json:"confirmed,omitempty"`
	Confirmable bool      `json:"confirmable,omitempty"`

	done bool
}

const (
	stepDone    = "done"
	stepHere    = "here"
	stepTodo    = "todo"
	stepSkipped = "skipped"
)

// marksNote is where the marks of the first run are noted, and checkNote where a
// destination's last check that went well is.
const (
	marksNote = "setup"
	checkNote = "check/"
)

// Checklist is the first run, for the REST API.
func (b *backend) Checklist(ctx context.Context, by, address string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	marks, err := setupMarks(ctx, st)
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	k := stepper{b: b, st: st, setup: live(setup), by: by, address: address}
	steps, err := k.steps(ctx)
	if err != nil {
		return nil, err
	}
	return withMarks(steps, marks), nil
}

// live is a setup without what is archived.
func live(setup subfive.Setup) subfive.Setup {
	return without(setup, store.ResourceChange{})
}

// withMarks gives each step its state: what was passed over counts as done.
func withMarks(steps []setupStep, marks map[string]string) checklist {
	c := checklist{Total: len(steps), Steps: steps}
	for i := range steps {
		s := &steps[i]
		s.Confirmed = s.Confirmable && marks[s.ID] == dashboard.MarkConfirmed
		switch {
		case s.done || s.Confirmed:
			s.State = stepDone
		case marks[s.ID] == dashboard.MarkSkipped:
			s.State = stepSkipped
		case c.Here == "":
			s.State, c.Here = stepHere, s.ID
		default:
			s.State = stepTodo
		}
		if s.State == stepDone || s.State == stepSkipped {
			c.Done++
		}
		if s.State == stepDone {
			s.Do = ""
		}
	}
	c.Complete = c.Done == c.Total
	return c
}

// setupMarks are what people said of the steps.
func setupMarks(ctx context.Context, st *store.Store) (map[string]string, error) {
	text, err := st.Note(ctx, marksNote)
	if err != nil {
		return nil, err
	}
	marks := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &marks); err != nil {
			return nil, fmt.Errorf("read the marks of the first run: %w", err)
		}
	}
	return marks, nil
}

// MarkStep notes what a person says of a step, for the REST API.
func (b *backend) MarkStep(ctx context.Context, said dashboard.Step) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	steps, err := stepper{b: b, st: st, by: said.By}.steps(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(steps, func(s setupStep) bool { return s.ID == said.ID })
	switch {
	case i < 0:
		return fmt.Errorf("step %s: %w", said.ID, subfive.ErrNotFound)
	case said.Mark == dashboard.MarkConfirmed && !steps[i].Confirmable:
		return dashboard.Refusal{Invalid: true, What: said.ID + " is seen to be done, not said", Do: "do it, or mark it skipped"}
	}
	marks, err := setupMarks(ctx, st)
	if err != nil {
		return err
	}
	marks[said.ID] = said.Mark
	maps.DeleteFunc(marks, func(_, mark string) bool { return mark == dashboard.MarkNone })
	text, err := json.Marshal(marks)
	if err != nil {
		return err
	}
	return st.PutNote(ctx, marksNote, string(text))
}

// stepper finds out how far the set-up is.
type stepper struct {
	b           *backend
	st          *store.Store
	setup       subfive.Setup
	by, address string
}

// steps are in the order in which they are best taken: the link comes before the
// postback.
func (k stepper) steps(ctx context.Context) ([]setupStep, error) {
	all := []setupStep{k.admin(), k.domain(ctx), k.addressCheck(), k.source(), k.offer(), k.campaign()}
	for _, step := range []func(context.Context) (setupStep, error){k.click, k.postback, k.conversion, k.destination, k.check, k.goLive} {
		s, err := step(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (k stepper) admin() setupStep {
	r := k.b.t.file.Server.Reporting
	return setupStep{
		ID: "admin", Title: "Password and time zone", done: true, Href: "/admin/account",
		Evidence: joined(", ", "signed in as "+k.by, r.Timezone, r.Currency),
	}
}

func (k stepper) domain(ctx context.Context) setupStep {
	server := k.b.t.file.Server
	s := setupStep{ID: "domain", Title: "Domain", Href: "/admin/doctor"}
	u, err := url.Parse(server.PublicURL)
	if server.PublicURL == "" || err != nil || u.Host == "" {
		s.Do = "Point a domain at this machine, then set public_url in the file or SUBFIVE_PUBLIC_URL, and restart: links and postback URLs are built from it."
		return s
	}
	if findings := k.b.t.self.test(ctx, k.b.t.app, server.PublicURL); len(findings) > 0 {
		s.Evidence, s.Do = findings[0].What, findings[0].Fix
		return s
	}
	s.done, s.Evidence = true, u.Host+" answers"
	if u.Scheme == "https" {
		s.Evidence += ", TLS is fine"
	} else {
		s.Evidence += ", without TLS: Everflow takes it, browsers warn"
	}
	return s
}

// selfTests remembers the last call of our own address: the checklist is asked
// for again and again.
type selfTests struct {
	mu       sync.Mutex
	url      string
	at       time.Time
	findings []everflow.Finding
}

const (
	// selfTestKeep is how long the answer of our own address is taken for news.
	selfTestKeep = 30 * time.Second
	// selfTestPatience is shorter than the doctor's: a page waits for it.
	selfTestPatience = 3 * time.Second
)

func (s *selfTests) test(ctx context.Context, a *app, address string) []everflow.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url == address && a.now().Sub(s.at) < selfTestKeep {
		return s.findings
	}
	ctx, cancel := context.WithTimeout(ctx, selfTestPatience)
	defer cancel()
	s.url, s.findings, s.at = address, selfTest(ctx, a, address), a.now()
	return s.findings
}

// addressCheck shows the address that we see: behind a proxy that is not named,
// every visitor has the proxy's.
func (k stepper) addressCheck() setupStep {
	s := setupStep{ID: "address", Title: "Address check", Confirmable: true, Href: "/admin/doctor"}
	ip, err := netip.ParseAddr(k.address)
	switch {
	case k.address == "" || err != nil:
		s.Do = "Open this page in a browser: it shows the address that we see you as."
	case ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast():
		s.Evidence = "we see you as " + k.address + ", an address of this machine or its network"
		s.Do = "If a proxy stands before the tracker, name it in trusted_proxies, or every visitor has its address. If you are on this network, that is right: say so."
	default:
		s.Evidence = "we see you as " + k.address
		s.Do = "Is that your address? If not, name the proxy before the tracker in trusted_proxies."
	}
	return s
}

func (k stepper) source() setupStep {
	s := setupStep{ID: "source", Title: "Source", Href: "/admin/sources/new", Do: "Say where you buy traffic: its template knows the link's tokens."}
	if n := len(k.setup.Sources); n > 0 {
		first := k.setup.Sources[0]
		s.done, s.Href, s.SubjectID, s.Evidence = true, "/admin/sources", first.ID, first.ID+", of "+first.Platform+andMore(n)
	}
	return s
}

func andMore(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n-1)
}

func (k stepper) offer() setupStep {
	s := setupStep{ID: "offer", Title: "Everflow link", Href: "/admin/offers/new", Do: "Paste the link from the network's offer page: only sub5 changes."}
	if n := len(k.setup.Offers); n > 0 {
		first := k.setup.Offers[0]
		slot := first.ClickSlot
		if slot == "" {
			slot = "sub5"
		}
		s.done, s.Href, s.SubjectID, s.Evidence = true, "/admin/offers", first.ID, first.ID+", our click ID in "+slot+andMore(n)
	}
	return s
}

func (k stepper) campaign() setupStep {
	s := setupStep{ID: "campaign", Title: "Campaign link", Href: "/admin/campaigns/new", Do: "Join the source and the offer: that makes the link for your ads."}
	if n := len(k.setup.Campaigns); n > 0 {
		first := k.setup.Campaigns[0]
		s.done, s.Href, s.SubjectID = true, "/admin/campaigns/"+url.PathEscape(first.ID), first.ID
		s.Evidence = first.ID + andMore(n)
		if link, err := sources.Build(k.setup, first.ID, siteURL(session{Store: k.st, file: k.b.t.file, vault: k.b.t.vault})); err == nil {
			before, _, _ := strings.Cut(link.URL, "?")
			s.Evidence = before + andMore(n)
		}
	}
	return s
}
