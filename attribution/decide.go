package attribution

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"subfive"
)

// lookup names what must be known before the records can be decided.
func lookup(records []subfive.Record) subfive.Lookup {
	var l subfive.Lookup
	for _, r := range records {
		switch r.Kind {
		case subfive.RecordClick:
			l.ClickIDs = append(l.ClickIDs, r.Click.ID)
			l.WithWaiting = true // for the visits
		case subfive.RecordVisit:
			if r.Visit.ClickID == "" {
				continue
			}
			l.VisitIDs = append(l.VisitIDs, r.Visit.ID)
			l.ClickIDs = append(l.ClickIDs, r.Visit.ClickID)
			if len(r.Visit.Consent) > 0 {
				l.CreditedTo = append(l.CreditedTo, r.Visit.ClickID)
			}
		case subfive.RecordPostback:
			p := r.Postback
			l.PostbackIDs = append(l.PostbackIDs, p.ID)
			if p.ClickID != "" {
				l.ClickIDs = append(l.ClickIDs, p.ClickID)
			}
			if grouped(*p) {
				l.Sessions = append(l.Sessions, session(*p))
			}
		}
	}
	return l
}

// grouped reports whether a postback can be the same conversion as another one.
// Quarantined and test records never join a group.
func grouped(p subfive.Postback) bool {
	return p.Reading != subfive.ReadingQuarantined && !p.IsTest && !p.NotAConversion &&
		(p.TransactionID != "" || p.ClickID != "")
}

// decide judges the records in their order.
func decide(records []subfive.Record, k subfive.Known, r Rules, now time.Time) subfive.Batch {
	b := newBook(r, k, now)
	for _, rec := range records {
		switch rec.Kind {
		case subfive.RecordClick:
			b.click(*rec.Click)
		case subfive.RecordPostback:
			b.postback(*rec.Postback, k)
		case subfive.RecordVisit:
			b.visit(*rec.Visit)
		}
	}
	return b.close()
}

// click takes a click in, with what its landing page told before; the first
// record of a click ID wins.
func (b *book) click(c subfive.Click) {
	if _, ok := b.clicks[c.ID]; ok {
		return
	}
	b.clicks[c.ID] = c
	b.fresh[c.ID] = len(b.batch.Clicks)
	b.batch.Clicks = append(b.batch.Clicks, c)
	if !c.LandingViewedAt.IsZero() { // recorded by the page itself
		b.ownGoal(c, subfive.GoalLandingView, c.LandingViewedAt)
	}
	for _, v := range b.visits[c.ID] {
		b.tell(v)
	}
}

// postback judges one postback, unless it is stored already.
func (b *book) postback(p subfive.Postback, k subfive.Known) {
	if b.stored[p.ID] {
		return
	}
	b.stored[p.ID] = true
	j := &judgement{Judged: subfive.Judged{Postback: p}}
	j.note("identify", string(p.Reading), identified(p))
	if grouped(p) {
		b.guard(k, session(p))
	}
	b.scope(j)
	b.quiet = p.Via == subfive.ViaImport
	b.judge(j)
	b.quiet = false
	b.tee(p)
	b.batch.Postbacks = append(b.batch.Postbacks, j.Judged)
}

func identified(p subfive.Postback) string {
	switch {
	case p.DirectParam != "":
		return p.DirectParam + " of " + fmt.Sprint(len(p.ClickIDRaw)) + " characters in the click ID's place"
	case p.ClickID != "":
		return "click ID " + p.ClickID
	}
	return "no click ID"
}

// judgement is a postback while it is being judged.
type judgement struct{ subfive.Judged }

func (j *judgement) note(step, result, detail string) {
	j.Trace = append(j.Trace, subfive.Step{Step: step, Result: result, Detail: detail})
}

// judge decides what the postback is, and acts on it.
func (b *book) judge(j *judgement) {
	p := j.Postback
	switch {
	case p.Reading == subfive.ReadingQuarantined:
		j.Verdict = subfive.VerdictQuarantined
		j.note("accept", "no", "kept, and credited only if a person accepts it: "+p.Hint)
	case p.NotAConversion:
		j.Verdict = subfive.VerdictNotAConversion
		j.note("accept", "no", "a click (CPC) postback reports no conversion")
	case p.IsTest:
		c := b.newConversion(p, nil)
		b.match(&c, j)
		c.IsTest, c.Verdict, c.ReviewAt = true, subfive.VerdictTest, time.Time{}
		b.credit(&c, j)
		b.loose = append(b.loose, c)
		j.ConversionID, j.Verdict = c.ID, subfive.VerdictTest
	case p.TransactionID == "" && p.ClickID == "":
		b.unidentified(j)
	default:
		at := networkTime(p)
		g := b.join(p, at)
		j.GroupID = g.ID
		b.place(j, g, at)
	}
}

// unidentified judges a postback with neither transaction ID nor click ID:
// nothing can be deduplicated and nothing is forwarded.
func (b *book) unidentified(j *judgement) {
	p := j.Postback
	j.Verdict = subfive.VerdictNoClickID
	if p.NetworkConversionID == "" && p.Payout == nil {
		j.note("count", "no", "no click ID, transaction ID, conversion ID or payout: nothing to count")
		return
	}
	c := b.newConversion(p, nil)
	c.Verdict = subfive.VerdictNoClickID
	b.loose = append(b.loose, c)
	j.ConversionID = c.ID
	j.note("group", "none", "neither transaction ID nor click ID: a repeat of it can't be told from a new one")
	j.note("forward", "no", "without a click ID there is nobody to tell")
}

// place finds what the postback is to its group, and acts on it.
func (b *book) place(j *judgement, g *subfive.Group, at time.Time) {
	p := j.Postback
	rel, i := place(p, g.Conversions, at)
	endpoint, _ := b.rules.Setup.Endpoint(p.EndpointID)
	if rel == maybe && endpoint.Repeats == subfive.RepeatsCount && p.Via != subfive.ViaAPI { // the network's books settle it
		j.note("group", "new", "a repeat of "+g.Conversions[i].ID+"; this endpoint counts repeats")
		rel = another
	}
	switch rel {
	case another:
		c := b.newConversion(p, g)
		if len(g.Conversions) > 0 {
			j.note("group", "new", fmt.Sprintf("conversion %d of its click session: it has an ID, goal or order of its own", c.Seq))
		} else {
			j.note("group", "new", "the first of its click session")
		}
		b.match(&c, j)
		b.credit(&c, j)
		g.Conversions = append(g.Conversions, c)
		b.touch(c.ID)
		j.ConversionID, j.Verdict = c.ID, c.Verdict
	case maybe:
		c := g.Conversions[i]
		j.PossibleDuplicateOf, j.Verdict = c.ID, subfive.VerdictPossibleDuplicate
		j.note("group", "unsettled", "it may repeat "+c.ID+" or be a new one ("+doubt(p, c, at)+"): not counted until it is settled")
	case same, moved, repriced:
		b.update(j, &g.Conversions[i], rel, at)
	}
}

func doubt(p subfive.Postback, c subfive.Conversion, at time.Time) string {
	switch {
	case conversionIDs(p, c) == differs:
		return "only its conversion ID differs, or its status would move back"
	case rejects(p) && amountsDiffer(p, c) == differs && !farApart(at, c.ConvertedAt):
		return "it takes one of several back, and its amount is none of theirs"
	case amountsDiffer(p, c) == differs:
		return "only its amount differs"
	case farApart(at, c.ConvertedAt):
		return "the same again, more than a day later"
	}
	return "nothing tells them apart"
}

// newConversion makes a conversion of a postback: of g, or of no group. Its ID
// is a hash of the group and of what made it new, so that it is the same
// whenever the postback is decided again.
func (b *book) newConversion(p subfive.Postback, g *subfive.Group) subfive.Conversion {
	at, from := conversionTime(p)
	c := subfive.Conversion{
		NetworkID: p.NetworkID, EndpointID: p.EndpointID, PostbackID: p.ID, Via: p.Via,
		Backfilled:           p.Via == subfive.ViaAPI || p.Imported(),
		ReceivedClickID:      p.ClickID,
		TransactionID:        p.TransactionID,
		OrderID:              p.OrderID,
		GoalID:               p.GoalID,
		GoalName:             p.GoalName,
		Seq:                  1,
		FirstStatus:          p.Status,
		Status:               p.Status,
		StatusWord:           p.StatusWord,
		ConvertedAt:          at,
		ConvertedAtFrom:      from,
		ReceivedAt:           p.ReceivedAt,
		NetworkOfferID:       p.NetworkOfferID,
		Subs:                 subs(p.Request),
		UserData:             p.UserData,
		Consent:              p.Consent,
		SaleAmount:           p.SaleAmount,
		PayoutFirst:          p.Payout,
		Payout:               p.Payout,
		PayoutChangedAt:      at,
		Currency:             p.Currency,
		DirectParam:          p.DirectParam,
		NetworkConversionIDs: one(p.NetworkConversionID),
	}
	if p.Payout != nil {
		c.ValueFrom = subfive.FromPostback
	}
	if p.DirectParam != "" {
		c.DirectValue = p.ClickIDRaw
	}
	stamp(&c, at)
	discriminator := []string{"postback", p.ID}
	if g != nil {
		c.GroupID, c.Seq = g.ID, len(g.Conversions)+1
		discriminator = []string{g.ID, "id", p.NetworkConversionID}
		if p.NetworkConversionID == "" {
			discriminator = []string{g.ID, "goal", c.Goal(), p.OrderID, fmt.Sprint(c.Seq)}
		}
	}
	c.ID = subfive.DeriveID(subfive.PrefixConversion, discriminator...)
	return c
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// stamp keeps when a status was reached.
func stamp(c *subfive.Conversion, at time.Time) {
	switch c.Status {
	case subfive.StatusApproved:
		c.StatusChangedAt, c.ApprovedAt = at, at
	case subfive.StatusRejected:
		c.StatusChangedAt, c.RejectedAt = at, at
	case subfive.StatusPending, subfive.StatusUnknown:
		c.StatusChangedAt = at
	}
}

// subs keeps sub1…sub10 and adv1…adv10 as they arrived, whatever the case and
// spelling of their names.
func subs(r subfive.Request) map[string]string {
	kept, plain := map[string]string{}, strings.NewReplacer("_", "", "-", "")
	for _, p := range r.Params {
		name := plain.Replace(strings.ToLower(p.Name))
		if slices.Contains(subNames, name) && p.Value != "" && kept[name] == "" {
			kept[name] = p.Value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

var subNames = []string{
	"sub1", "sub2", "sub3", "sub4", "sub5", "sub6", "sub7", "sub8", "sub9", "sub10",
	"adv1", "adv2", "adv3", "adv4", "adv5", "adv6", "adv7", "adv8", "adv9", "adv10",
}
