package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

const (
	// standingSpan is how far back rates look.
	standingSpan = 90 * 24 * time.Hour
	// decidedAtLeast is how many decided conversions a warning rests on.
	decidedAtLeast = 20
	// rejectedShare and chargebackShare are where a warning begins: programmes
	// suspend accounts for more.
	rejectedShare   = 0.25
	chargebackShare = 0.02
)

// levels are the approved conversions at which the programme pays more.
func levels() []int { return []int{20, 100} }

// standing is where one is with a network, by our own tables.
type standing struct {
	NetworkID string `json:"network_id"`
	// Approved counts base conversions that are approved now, ever.
	Approved int `json:"approved"`
	// NextLevel is the next level's number of them, 0: the highest is reached.
	NextLevel int    `json:"next_level"`
	ToGo      int    `json:"to_go"`
	Since     string `json:"rates_since"`
	Whole     rates  `json:"total"`
	// Parts are the sources and ads, the most conversions first.
	Parts    []rates  `json:"parts"`
	Warnings []string `json:"warnings"`
}

// rates are how a part's conversions fared.
type rates struct {
	SourceID string `json:"source_id,omitempty"`
	AdID     string `json:"ad_id,omitempty"`
	Approved int    `json:"approved"`
	Rejected int    `json:"rejected"`
	Pending  int    `json:"pending"`
	// Chargebacks are those of the rejected that had been approved.
	Chargebacks int `json:"chargebacks"`
	// RejectedPercent is of those decided, ChargebackPercent of those that ever
	// were approved; nil: of none.
	RejectedPercent   *float64 `json:"rejected_percent,omitempty"`
	ChargebackPercent *float64 `json:"chargeback_percent,omitempty"`
}

func (r *rates) add(s store.Stood) {
	switch s.Status {
	case subfive.StatusApproved:
		r.Approved += s.N
	case subfive.StatusRejected:
		r.Rejected += s.N
		if s.WasApproved {
			r.Chargebacks += s.N
		}
	case subfive.StatusPending, subfive.StatusUnknown:
		r.Pending += s.N
	}
}

func (r rates) total() int { return r.Approved + r.Rejected + r.Pending }

// settle sets the percentages.
func (r *rates) settle() {
	percentOf := func(n, of int) *float64 {
		if of == 0 {
			return nil
		}
		p := float64(n*10000/of) / 100
		return &p
	}
	r.RejectedPercent = percentOf(r.Rejected, r.Approved+r.Rejected)
	r.ChargebackPercent = percentOf(r.Chargebacks, r.Approved+r.Chargebacks)
}

// warnings say what may cost the account.
func (r rates) warnings(name string) []string {
	var all []string
	if n := r.Approved + r.Rejected; n >= decidedAtLeast && float64(r.Rejected) >= rejectedShare*float64(n) {
		all = append(all, fmt.Sprintf("%s: %d of %d decided conversions were rejected (%.1f %%): see what traffic it brings before the network asks", name, r.Rejected, n, *r.RejectedPercent))
	}
	if n := r.Approved + r.Chargebacks; n >= decidedAtLeast && float64(r.Chargebacks) >= chargebackShare*float64(n) {
		all = append(all, fmt.Sprintf("%s: %d of %d approved conversions were taken back (%.1f %%): chargebacks can suspend an account", name, r.Chargebacks, n, *r.ChargebackPercent))
	}
	return all
}

// standings says where one stands with each network.
func standings(ctx context.Context, st *store.Store, now time.Time) ([]standing, error) {
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	all := []standing{}
	for _, n := range setup.Networks {
		ever, err := st.Standing(ctx, n.ID, time.Time{})
		if err != nil {
			return nil, err
		}
		lately, err := st.Standing(ctx, n.ID, now.Add(-standingSpan))
		if err != nil {
			return nil, err
		}
		all = append(all, standingOf(n.ID, ever, lately, now))
	}
	return all, nil
}

// standingOf adds up.
func standingOf(networkID string, ever, lately []store.Stood, now time.Time) standing {
	s := standing{NetworkID: networkID, Since: now.Add(-standingSpan).UTC().Format(time.DateOnly), Parts: []rates{}, Warnings: []string{}}
	for _, one := range ever {
		if one.Status == subfive.StatusApproved {
			s.Approved += one.N
		}
	}
	if i := slices.IndexFunc(levels(), func(level int) bool { return s.Approved < level }); i >= 0 {
		s.NextLevel = levels()[i]
		s.ToGo = s.NextLevel - s.Approved
	}
	for _, one := range lately {
		s.Whole.add(one)
		i := slices.IndexFunc(s.Parts, func(r rates) bool { return r.SourceID == one.SourceID && r.AdID == one.AdID })
		if i < 0 {
			i = len(s.Parts)
			s.Parts = append(s.Parts, rates{SourceID: one.SourceID, AdID: one.AdID})
		}
		s.Parts[i].add(one)
	}
	slices.SortStableFunc(s.Parts, func(x, y rates) int {
		return cmp.Or(cmp.Compare(y.total(), x.total()), cmp.Compare(x.SourceID, y.SourceID), cmp.Compare(x.AdID, y.AdID))
	})
	s.Whole.settle()
	s.Warnings = append(s.Warnings, s.Whole.warnings("all traffic")...)
	for i := range s.Parts {
		s.Parts[i].settle()
		s.Warnings = append(s.Warnings, s.Parts[i].warnings(s.Parts[i].name())...)
	}
	return s
}

func (r rates) name() string {
	return joined(" ", named("source", cmp.Or(r.SourceID, "(none)")), named("ad", cmp.Or(r.AdID, "(none)")))
}

func newStanding(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "standing",
		Short: "Say where you stand with the network: levels, rejections, chargebacks",
		Long: `Counts approved conversions towards the programme's levels (20 and 100), and of the last 90 days what share was
rejected, and what share was approved first and taken back later, by source and ad. It reads our own tables: have
subfive reconcile keep their statuses right. Events after the conversion are left out.`,
		Example: `  subfive standing
  subfive standing --json`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error {
				all, err := standings(c.Context(), s.Store, a.now())
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(a.stdout, map[string]any{"items": all})
				}
				for _, one := range all {
					if err := a.tellStanding(one); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func (a *app) tellStanding(s standing) error {
	p := &page{}
	p.title("STANDING with " + s.NetworkID)
	next := "the highest level is reached"
	if s.NextLevel > 0 {
		next = fmt.Sprintf("%d more to the level at %d", s.ToGo, s.NextLevel)
	}
	p.line("approved", count(s.Approved, "conversion", "conversions")+", "+next)
	p.line("rates", "of conversions since "+s.Since)
	for _, w := range s.Warnings {
		p.line("warning", w)
	}
	fmt.Fprintln(a.stdout, p)
	t := &tableWriter{w: a.stdout}
	if err := t.head([]string{"source", "ad", "approved", "rejected", "pending", "chargebacks", "rejected %", "chargeback %"}); err != nil {
		return err
	}
	percentText := func(p *float64) string {
		if p == nil {
			return ""
		}
		return fmt.Sprintf("%.1f", *p)
	}
	whole := s.Whole
	whole.SourceID = "(all)"
	for _, r := range append([]rates{whole}, s.Parts...) {
		if err := t.row([]any{r.SourceID, r.AdID, r.Approved, r.Rejected, r.Pending, r.Chargebacks, percentText(r.RejectedPercent), percentText(r.ChargebackPercent)}); err != nil {
			return err
		}
	}
	return t.close()
}

// Standing says where one stands with each network, for the REST API.
func (b *backend) Standing(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := standings(ctx, st, b.t.app.now())
	return map[string]any{"items": all}, err
}
