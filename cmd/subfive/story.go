package main

import (
	"context"
	"strconv"
	"time"

	"subfive"
	"subfive/store"
	"subfive/story"
)

// telling is a story with what is needed to tell it.
type telling struct {
	store.Story
	id     string
	setup  subfive.Setup
	paused map[string]subfive.Pause
	now    time.Time
	// full shows the request and answer of every attempt, not of the last alone.
	full bool
}

// tellingOf reads the story of an ID, and what is needed to tell it.
func tellingOf(ctx context.Context, st *store.Store, id string, now time.Time) (t telling, err error) {
	t.id, t.now = id, now
	if t.Story, err = st.Story(ctx, id); err != nil {
		return t, err
	}
	if t.setup, err = st.Setup(ctx); err != nil {
		return t, err
	}
	t.paused, err = pausedDestinations(ctx, st)
	return t, err
}

// known is what package story tells it from.
func (t telling) known() story.Known {
	k := story.Known{
		ID: t.id, Clicks: t.Clicks, Conversions: t.Conversions, Changes: t.Changes, Deliveries: t.Deliveries, Attempts: t.Attempts,
		Setup: t.setup, Paused: t.paused, Now: t.now,
		Delivery: func(d subfive.Delivery) story.Meaning { return explainDelivery(d, t.Attempts) },
		Answer: func(platform string, o subfive.Outcome) story.Meaning {
			return explained(platform, o.Class, o.Code, o.Subcode)
		},
	}
	for _, b := range t.Postbacks {
		k.Postbacks = append(k.Postbacks, story.Postback{
			Judged: subfive.Judged{
				Postback: b.Postback, Verdict: b.Verdict, GroupID: b.GroupID, ConversionID: b.ConversionID, DuplicateOf: b.DuplicateOf,
				PossibleDuplicateOf: b.PossibleDuplicateOf, Trace: b.Trace, SettledAs: b.SettledAs, SettledBy: b.SettledBy,
			},
			SettledAt: b.SettledAt, Tee: b.Tee,
		})
	}
	return k
}

// String tells the story on one page: what was clicked, what the network said,
// what was decided and why, who was told what, and who was not.
func (t telling) String() string {
	p, k := &page{}, t.known()
	for _, part := range k.Parts() {
		p.title(part.Title)
		for _, l := range part.Lines {
			p.rows(l.Label, l.Rows)
		}
		t.exchanges(p, part.Exchanges)
	}
	if rows := k.WhyNotRows(); len(rows) > 0 {
		p.title("WHY NOT")
		p.rows("", rows)
	}
	return p.String()
}

// bodyLines is how much of a body is shown without --full: a request may carry
// many conversions.
const bodyLines = 80

// exchanges shows what was said in the last exchange about a delivery, or in all.
func (t telling) exchanges(p *page, all []subfive.Attempt) {
	if len(all) == 0 {
		return
	}
	limit := bodyLines
	if t.full {
		limit = 0
	} else {
		all = all[len(all)-1:]
	}
	for _, a := range all {
		p.line("request", "in "+a.ID)
		p.block(a.Method+" "+a.URL+"\n"+a.RequestHeader, 0)
		p.block("\n"+indented(a.RequestBody), limit)
		if a.AnswerHeader+a.AnswerBody == "" {
			p.line("answer", "none")
			continue
		}
		p.line("answer", joined(" ", "HTTP", strconv.Itoa(a.Outcome.HTTP)))
		p.block(a.AnswerHeader+"\n"+indented(a.AnswerBody), limit)
	}
}
