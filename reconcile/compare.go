package reconcile

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"subfive"
)

// Compare compares the books and plans what mends ours. now is when: what is
// told to attribution arrives then.
func Compare(b Books, now time.Time) Comparison {
	c := &comparing{pairing: pair(b), now: now, promised: map[int]bool{}}
	c.result.Totals.Outcomes = map[Outcome]int{}
	c.questions()
	for r := range b.Theirs {
		c.row(r)
	}
	for i := range b.Ours {
		c.conversion(i)
	}
	c.claims()
	return c.close()
}

// comparing is a comparison under way.
type comparing struct {
	pairing
	now    time.Time
	result Comparison
	// promised are rows that an open question becomes when it is settled.
	promised          map[int]bool
	days, ads, offers breakdown
}

// breakdown adds up by a key.
type breakdown map[string]*Row

func (b *breakdown) at(key string) *Row {
	if *b == nil {
		*b = breakdown{}
	}
	if (*b)[key] == nil {
		(*b)[key] = &Row{Key: key}
	}
	return (*b)[key]
}

func (b breakdown) rows() []Row {
	rows := []Row{}
	for _, r := range b {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(x, y Row) int { return cmp.Compare(x.Key, y.Key) })
	return rows
}

func (c *comparing) day(at time.Time) string { return at.In(c.books.Zone).Format(time.DateOnly) }

// questions answers the open ones, as far as the list tells.
func (c *comparing) questions() {
	for _, j := range c.books.Open {
		as, row := c.answer(j.Postback)
		if as == "" {
			continue
		}
		if as == AsNew {
			c.promised[row] = true
		}
		theirs := c.books.Theirs[row]
		c.result.Plan.Settle = append(c.result.Plan.Settle, Settlement{PostbackID: j.Postback.ID, As: as})
		c.note(Difference{
			Outcome: PossibleDuplicate, Day: c.day(theirs.NetworkAt), ConversionID: j.PossibleDuplicateOf, PostbackID: j.Postback.ID,
			NetworkConversionID: j.Postback.NetworkConversionID, TransactionID: j.Postback.TransactionID, Goal: j.Postback.Goal(),
			OrderID: j.Postback.OrderID, NetworkOfferID: theirs.NetworkOfferID, At: theirs.NetworkAt, TheirStatus: theirs.Status,
			TheirPayout: theirs.Payout, OurPayout: j.Postback.Payout, Currency: theirs.Currency, Settled: as,
		})
	}
}

// answer says what an open question is by their list, and the row that says so.
// "": their list does not tell.
func (c *comparing) answer(p subfive.Postback) (as string, row int) {
	listed := -1 // a row of its session: the span covers it
	for r, theirs := range c.books.Theirs {
		if theirs.TransactionID == "" || theirs.TransactionID != p.TransactionID || c.promised[r] {
			continue
		}
		if p.NetworkConversionID != "" && theirs.NetworkConversionID == p.NetworkConversionID {
			switch {
			case c.ours[r] < 0:
				return AsNew, r
			case c.byID[r]:
				return AsDuplicate, r
			}
			return AsCorrection, r
		}
		if sameGoal(theirs, p.GoalID, p.GoalName) < 0 || same(theirs.OrderID, p.OrderID) < 0 {
			continue
		}
		if p.NetworkConversionID == "" && c.ours[r] < 0 {
			return AsNew, r
		}
		if listed < 0 {
			listed = r
		}
	}
	if listed < 0 {
		return "", -1
	}
	return AsDuplicate, listed
}

// row judges one of their rows.
func (c *comparing) row(r int) {
	theirs, i := c.books.Theirs[r], c.ours[r]
	if c.extra[r] {
		return // its conversion has another row that counts
	}
	if i >= 0 && !c.books.Ours[i].Counts() {
		c.result.Totals.Tests++
		return
	}
	ad := c.books.Ads[theirs.ClickID]
	if i >= 0 {
		ad = c.books.Ours[i].AdID
	}
	each := []*Row{c.days.at(c.day(theirs.NetworkAt)), c.ads.at(ad), c.offers.at(theirs.NetworkOfferID)}
	c.result.Totals.Theirs.add(theirs.Status, theirs.Payout, theirs.Currency)
	for _, line := range each {
		line.Theirs.add(theirs.Status, theirs.Payout, theirs.Currency)
	}
	d := Difference{
		Day: c.day(theirs.NetworkAt), AdID: ad, NetworkConversionID: theirs.NetworkConversionID, TransactionID: theirs.TransactionID,
		Goal: theirs.Goal(), OrderID: theirs.OrderID, NetworkOfferID: theirs.NetworkOfferID, At: theirs.NetworkAt,
		TheirStatus: theirs.Status, TheirPayout: theirs.Payout, Currency: theirs.Currency,
	}
	if i < 0 {
		d.Outcome = MissingHere
		c.unheard(theirs, true, each)
		if c.promised[r] {
			d.Note = "a possible duplicate is this one"
		} else {
			c.tell(theirs, AsNew, "")
		}
		c.note(d)
		return
	}
	c.both(d, theirs, c.books.Ours[i], each)
}

// both compares a row with its conversion.
func (c *comparing) both(d Difference, theirs subfive.Postback, ours Ours, lines []*Row) {
	c.received(ours, lines)
	if ours.Via == subfive.ViaAPI {
		c.unheard(theirs, false, lines)
	}
	d.ConversionID, d.OurStatus, d.OurPayout = ours.ID, ours.Status, ours.Payout
	flip, forward := status(theirs.Status, ours.Status)
	drift := drifts(theirs, ours)
	switch {
	case flip:
		d.Outcome = StatusFlip
	case drift:
		d.Outcome = PayoutDrift
	default:
		c.result.Totals.Matched++
		return
	}
	if flip && !forward {
		d.Note = "they moved it back to " + string(theirs.Status) + "; a status moves forward only, so it is left to you"
	}
	if flip && forward || drift {
		theirs.EndpointID = ours.EndpointID
		c.tell(theirs, AsCorrection, ours.ID+" "+strconv.FormatInt(ours.Version, 10))
	}
	c.note(d)
}

// status compares: that we know none is a difference once they say one.
func status(theirs, ours subfive.Status) (flip, forward bool) {
	return theirs != ours, theirs.Rank() > ours.Rank()
}

// drifts reports whether they say another amount.
func drifts(theirs subfive.Postback, ours Ours) bool {
	payout := theirs.Payout != nil && (ours.Payout == nil || *theirs.Payout != *ours.Payout)
	sale := theirs.SaleAmount != nil && ours.SaleAmount != nil && *theirs.SaleAmount != *ours.SaleAmount
	return payout || sale
}

// conversion judges one of ours that they do not list.
func (c *comparing) conversion(i int) {
	ours := c.books.Ours[i]
	if c.theirs[i] >= 0 || !ours.Counts() || !c.inSpan(ours) {
		return
	}
	c.received(ours, []*Row{c.days.at(c.day(ours.ConvertedAt)), c.ads.at(ours.AdID), c.offers.at(ours.NetworkOfferID)})
	id := ""
	if len(ours.NetworkConversionIDs) > 0 {
		id = ours.NetworkConversionIDs[0]
	}
	c.note(Difference{
		Outcome: MissingThere, Day: c.day(ours.ConvertedAt), AdID: ours.AdID, ConversionID: ours.ID, NetworkConversionID: id,
		TransactionID: ours.TransactionID, Goal: ours.Goal(), OrderID: ours.OrderID, NetworkOfferID: ours.NetworkOfferID,
		At: ours.ConvertedAt, OurStatus: ours.Status, OurPayout: ours.Payout, Currency: ours.Currency,
	})
}

// inSpan reports whether their list of the span should have it. One whose time
// is that of its arrival may have happened before.
func (c *comparing) inSpan(ours Ours) bool {
	since := c.books.Since
	if ours.ConvertedAtFrom == subfive.FromArrival {
		since = since.Add(arrivalLag)
	}
	return !ours.ConvertedAt.Before(since) && ours.ConvertedAt.Before(c.books.Until)
}

// received counts a conversion of ours, and that it was delivered.
func (c *comparing) received(ours Ours, lines []*Row) {
	add := func(received, delivered *Side) {
		received.add(ours.Status, ours.Payout, ours.Currency)
		if ours.Delivered > 0 {
			delivered.add(ours.Status, ours.Payout, ours.Currency)
		}
	}
	add(&c.result.Totals.Received, &c.result.Totals.Delivered)
	for _, line := range lines {
		add(&line.Received, &line.Delivered)
	}
}

// unheard counts a row of which no postback ever came. Of a rejected one they
// may have told nobody.
func (c *comparing) unheard(theirs subfive.Postback, missing bool, lines []*Row) {
	if theirs.Status == subfive.StatusRejected {
		return
	}
	c.result.Totals.Unheard++
	for _, line := range lines {
		line.Unheard++
	}
	if missing {
		c.result.Totals.Missing++
		for _, line := range lines {
			line.Missing++
		}
	}
}

// claims sets what platforms say beside it.
func (c *comparing) claims() {
	first, last := c.day(c.books.Since), c.day(c.books.Until.Add(-1)) // Until is not included
	for _, claim := range c.books.Claims {
		if claim.Day < first || claim.Day > last || claim.Conversions == 0 {
			continue
		}
		c.result.Totals.Claimed += claim.Conversions
		c.days.at(claim.Day).Claimed += claim.Conversions
		c.ads.at(claim.AdID).Claimed += claim.Conversions
	}
}

// tell plans to tell attribution what a row says. was is the state of ours that
// it changes: the same row told twice of one state is one postback.
func (c *comparing) tell(p subfive.Postback, as, was string) {
	p.ReceivedAt = c.now
	p.ID = subfive.DeriveID(subfive.PrefixPostback, "reconcile", p.NetworkID, p.NetworkConversionID, p.StatusWord, p.PayoutRaw, was)
	c.result.Plan.Tell = append(c.result.Plan.Tell, Told{Postback: p, As: as})
}

func (c *comparing) note(d Difference) {
	c.result.Totals.Outcomes[d.Outcome]++
	c.result.Differences = append(c.result.Differences, d)
}

// close puts the result in order.
func (c *comparing) close() Comparison {
	t := &c.result.Totals
	if t.Unheard > 0 {
		t.GapPercent = float64(t.Unheard*10000/(t.Theirs.Conversions-t.Theirs.Rejected)) / 100
	}
	c.result.Days, c.result.Ads, c.result.Offers = c.days.rows(), c.ads.rows(), c.offers.rows()
	if c.result.Differences == nil {
		c.result.Differences = []Difference{}
	}
	slices.SortStableFunc(c.result.Differences, func(x, y Difference) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.key(), y.key()))
	})
	return c.result
}

// Mended marks the differences of a comparison that a later one of the same
// books no longer has.
func Mended(before []Difference, after Comparison) []Difference {
	left := map[string]bool{}
	for _, d := range after.Differences {
		left[d.key()] = true
	}
	marked := slices.Clone(before)
	for i := range marked {
		marked[i].Mended = !left[marked[i].key()]
	}
	return marked
}
