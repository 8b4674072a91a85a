package attribution

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
)

// The reasons for which a delivery is skipped. They are part of what users and
// scripts see.
const (
	reasonArchived      = "archived"
	reasonOtherPlatform = "other_platform"
	reasonUnmatched     = "unmatched"
	reasonTest          = "test"
	reasonGoal          = "goal_unmapped"
	reasonRejected      = "rejected"
	reasonWindow        = "outside_window"
	reasonBeforeClick   = "before_click"
	reasonPayoutMax     = "payout_above_max"
	reasonTooOld        = "too_old"
	reasonNoValue       = "no_value"
	reasonDryRun        = "dry_run"
	reasonUnsupported   = "unsupported"
	reasonNotWanted     = "not_wanted"
	reasonNeverSent     = "never_sent"
	reasonGPC           = "gpc"
	reasonImported      = "imported"

	reasonConsentDenied  = "consent_denied"
	reasonConsentUnknown = "consent_unknown"
	reasonConsentGranted = "consent_granted" // by a row of one's own alone
)

// route makes the deliveries that a conversion is owed and has not got yet, and
// says for each destination why or why not.
func (b *book) route(c subfive.Conversion) ([]subfive.Delivery, []subfive.Step) {
	if !forwardable(c) {
		return nil, []subfive.Step{{Step: "route", Result: "nowhere", Detail: "verdict " + string(c.Verdict) + ": nobody is told"}}
	}
	ids, why := b.destinations(c)
	if len(ids) == 0 {
		return nil, []subfive.Step{{Step: "route", Result: "nowhere", Detail: why}}
	}
	var ds []subfive.Delivery
	steps := []subfive.Step{{Step: "route", Result: strings.Join(ids, ", "), Detail: why}}
	for _, id := range ids {
		destination, ok := b.rules.Setup.Destination(id)
		if !ok {
			steps = append(steps, subfive.Step{Step: "deliver " + id, Result: "no", Detail: "there is no such destination"})
			continue
		}
		d, step := b.plan(c, destination)
		steps = append(steps, step)
		if d.ID != "" {
			ds = append(ds, d)
		}
	}
	return ds, steps
}

// forwardable reports whether anybody may be told at all. (VIEWS: "What counts".)
func forwardable(c subfive.Conversion) bool {
	switch c.Verdict {
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictUnmatched,
		subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick, subfive.VerdictTest:
		return true
	case subfive.VerdictNoClickID, subfive.VerdictDuplicate, subfive.VerdictPossibleDuplicate, subfive.VerdictStatusChange,
		subfive.VerdictPayoutChange, subfive.VerdictNotAConversion, subfive.VerdictQuarantined, subfive.VerdictBroken:
		return false
	}
	return false
}

// destinations names who is told: the campaign's destinations, else its
// source's; without a click the endpoint's; where campaign and endpoint both
// name some, those they share.
func (b *book) destinations(c subfive.Conversion) (ids []string, why string) {
	endpoint, _ := b.rules.Setup.Endpoint(c.EndpointID)
	if c.AttributedClickID == "" {
		if len(endpoint.Destinations) == 0 {
			return nil, "no click, and endpoint " + c.EndpointID + " names no destinations"
		}
		return endpoint.Destinations, "no click: the destinations of endpoint " + c.EndpointID
	}
	campaign, _ := b.rules.Setup.Campaign(c.CampaignID)
	ids, why = campaign.Destinations, "campaign "+c.CampaignID
	if len(ids) == 0 {
		source, _ := b.rules.Setup.Source(c.SourceID)
		ids, why = source.Destinations, "source "+c.SourceID
	}
	switch {
	case len(ids) == 0:
		return nil, "neither campaign " + c.CampaignID + " nor source " + c.SourceID + " names destinations"
	case len(endpoint.Destinations) > 0:
		var both []string
		for _, id := range ids {
			if slices.Contains(endpoint.Destinations, id) {
				both = append(both, id)
			}
		}
		return both, "what " + why + " and endpoint " + c.EndpointID + " share"
	}
	return ids, "the destinations of " + why
}

// plan makes the conversion's delivery to one destination: none when it has one
// already or when its time has not come.
func (b *book) plan(c subfive.Conversion, to subfive.Destination) (subfive.Delivery, subfive.Step) {
	step := func(result, detail string) subfive.Step {
		return subfive.Step{Step: "deliver " + to.ID, Result: result, Detail: detail}
	}
	prior, had := b.newest(c.ID, to.ID, subfive.KindConversion)
	if had && !reopened(prior, c) {
		return subfive.Delivery{}, step("unchanged", "it has delivery "+prior.ID+" already")
	}
	if wait, why := b.notYet(c, to); wait {
		return subfive.Delivery{}, step("not yet", why)
	}
	d := b.delivery(c, to, subfive.KindConversion, prior.Generation+1)
	d.EventName = eventName(c, to)
	d.Value = value(c, to)
	code, why := b.skip(c, to, d)
	if code == "" {
		code, why = b.allow(c, to, &d)
	}
	if code == "" && b.untold(c) {
		code, why = reasonImported, whyImported
	}
	if code != "" {
		d.Status, d.ReasonCode, d.Reason = subfive.DeliverySkipped, code, why
		return d, step("skipped", why)
	}
	return d, step(string(d.Status), told(d, to)+"; "+why)
}

// reopened reports whether what a delivery was skipped for is no more.
func reopened(prior subfive.Delivery, c subfive.Conversion) bool {
	return prior.Status == subfive.DeliverySkipped && (prior.ReasonCode == reasonUnmatched || prior.ReasonCode == reasonTest && !c.IsTest)
}

const whyImported = "it was imported, and an import tells nobody: the tracker it comes from may have told them; replay it to send it all the same"

// untold reports whether what is owed now follows from an import that tells
// nobody. A replay does not ask: a person wants it sent.
func (b *book) untold(c subfive.Conversion) bool { return b.quiet || c.Via == subfive.ViaImport }

func told(d subfive.Delivery, to subfive.Destination) string {
	s := d.EventName + " with ID " + d.EventID
	if d.Value != nil {
		s += ", worth " + d.Value.Amount.String() + " " + d.Value.Currency
	}
	if to.Mode == subfive.ModeDryRun {
		s += "; the destination is in dry run: nothing leaves"
	}
	return s
}

// delivery freezes what is told, but for its event and value.
func (b *book) delivery(c subfive.Conversion, to subfive.Destination, kind subfive.Kind, generation int) subfive.Delivery {
	d := subfive.Delivery{
		ID:            subfive.DeriveID(subfive.PrefixDelivery, c.ID, to.ID, string(kind), fmt.Sprint(generation)),
		ConversionID:  c.ID,
		DestinationID: to.ID,
		Platform:      to.Platform,
		Kind:          kind,
		Generation:    generation,
		Mode:          to.Mode,
		EventID:       eventID(c, to, kind, to.Mode),
		EventTime:     c.ConvertedAt,
		Status:        subfive.DeliveryScheduled,
		CreatedAt:     b.now,
		NextAttemptAt: b.now.Add(time.Duration(to.Delay)),
		DeadlineAt:    c.ConvertedAt.Add(ageLimit),
	}
	if age := b.rules.Platforms[to.Platform].MaxAge; age > 0 {
		d.DeadlineAt = c.ConvertedAt.Add(age)
	}
	if click, ok := b.clicks[c.AttributedClickID]; ok {
		d.PageURL = page(click.PageURL, b.rules.Platforms[to.Platform].ClickParams)
	}
	if to.Mode == subfive.ModeDryRun {
		d.Status, d.ReasonCode, d.Reason = subfive.DeliveryDryRun, reasonDryRun, "the destination is in dry run"
	}
	return d
}

// eventID is what the platform deduplicates by. A test has an ID of its own, so
// that the real event is not taken for its repeat; where tests count as real,
// that is just what the platform shall do.
func eventID(c subfive.Conversion, to subfive.Destination, kind subfive.Kind, mode subfive.Mode) string {
	return subfive.EventID(c.ID, kind, mode == subfive.ModeTest && !to.CountsForReal)
}

// notYet reports whether the delivery must wait for the click or for the
// network.
func (b *book) notYet(c subfive.Conversion, to subfive.Destination) (wait bool, why string) {
	if c.Verdict == subfive.VerdictWaiting || c.Verdict == subfive.VerdictUnmatched {
		switch send, hold := to.Unmatched.Hold(); {
		case !send && c.Verdict == subfive.VerdictWaiting:
			return true, "it waits for its click"
		case send && c.ReceivedAt.Add(hold).After(b.now):
			return true, "it waits " + subfive.Duration(hold).String() + " for its click and is sent then"
		}
	}
	if s := b.status(c); s != subfive.StatusRejected && !slices.Contains(to.SendOn, s) {
		return true, "status " + string(s) + "; it is told of " + joined(to.SendOn)
	}
	return false, ""
}

// status is the conversion's, or the endpoint's default where no postback
// carried one.
func (b *book) status(c subfive.Conversion) subfive.Status {
	if c.Status != subfive.StatusUnknown {
		return c.Status
	}
	if e, _ := b.rules.Setup.Endpoint(c.EndpointID); e.DefaultStatus != "" {
		return e.DefaultStatus
	}
	return subfive.StatusPending
}

func joined(ss []subfive.Status) string {
	words := make([]string, len(ss))
	for i, s := range ss {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// skip says why a delivery is owed to nobody, or "".
func (b *book) skip(c subfive.Conversion, to subfive.Destination, d subfive.Delivery) (code, why string) {
	offer, _ := b.rules.Setup.Offer(c.OfferID)
	switch {
	case to.ArchivedAt != nil:
		return reasonArchived, "destination " + to.ID + " is archived"
	case c.IsTest && to.Mode == subfive.ModeLive:
		return reasonTest, "a test is not sent to a live destination"
	case c.Verdict == subfive.VerdictUnmatched && !sent(to.Unmatched):
		return reasonUnmatched, "its click never came, and unmatched is never"
	case c.Verdict == subfive.VerdictOutsideWindow:
		return reasonWindow, "outside the offer's attribution window"
	case c.Verdict == subfive.VerdictBeforeClick:
		return reasonBeforeClick, "it happened before its click"
	case b.status(c) == subfive.StatusRejected:
		return reasonRejected, "the network rejected it before anybody was told"
	case d.EventName == "":
		return reasonGoal, "goal " + c.Goal() + " is mapped to no event of " + to.ID + ": map it under goals, or leave it"
	case d.Value == nil && slices.Contains(b.rules.Platforms[to.Platform].NeedsValue, d.EventName):
		return reasonNoValue, to.Platform + " takes no " + d.EventName + " without a value, and there is no " + to.Value.From
	case offer.PayoutMax != nil && c.Payout != nil && *c.Payout > *offer.PayoutMax:
		return reasonPayoutMax, fmt.Sprintf("payout %s is above the offer's payout_max %s: check it, then replay", c.Payout, offer.PayoutMax)
	case !d.DeadlineAt.After(b.now):
		return reasonTooOld, "it happened " + c.ConvertedAt.UTC().Format(time.RFC3339) + ": " + to.Platform + " takes it no more"
	}
	if sellers := b.soldBy(c); len(sellers) > 0 && !slices.Contains(sellers, to.Platform) && !to.FanOut && len(b.rules.Platforms[to.Platform].ClickParams) > 0 {
		return reasonOtherPlatform, "the click is of " + strings.Join(sellers, " and ") + "; " + to.ID + " is told of those only with fan_out"
	}
	return "", ""
}

func sent(u subfive.Unmatched) bool {
	send, _ := u.Hold()
	return send
}

// soldBy returns the platform that sold the click: its source's, else those
// whose click IDs it carries. A platform's cookies do not say that it sold it.
func (b *book) soldBy(c subfive.Conversion) []string {
	params := map[string]string{c.DirectParam: ""}
	if c.DirectParam == "" {
		click, ok := b.clicks[c.AttributedClickID]
		if ok && click.Platform != "" {
			return []string{click.Platform}
		}
		params = click.Params
	}
	var sellers []string
	for name, p := range b.rules.Platforms {
		for _, param := range p.ClickParams {
			if _, ok := params[param]; ok && !strings.HasPrefix(param, "_") && !slices.Contains(sellers, name) {
				sellers = append(sellers, name)
			}
		}
	}
	slices.Sort(sellers)
	return sellers
}

// newest returns the conversion's delivery of that kind with the highest
// generation.
func (b *book) newest(conversion, destination string, kind subfive.Kind) (subfive.Delivery, bool) {
	var newest subfive.Delivery
	for _, d := range b.deliveries[conversion] {
		if d.DestinationID == destination && d.Kind == kind && d.Generation > newest.Generation {
			newest = d
		}
	}
	return newest, newest.ID != ""
}

// eventName is the platform's event for the conversion's goal: the goal's key
// is the network's event name or ID, ignoring case.
func eventName(c subfive.Conversion, to subfive.Destination) string {
	for _, goal := range []string{c.GoalName, c.GoalID, c.Goal()} {
		for key, event := range to.Goals {
			if goal != "" && strings.EqualFold(key, goal) {
				return event
			}
		}
	}
	return ""
}

// value is what the platform is told the conversion was worth, or nil.
func value(c subfive.Conversion, to subfive.Destination) *subfive.Money {
	from, currency := c.Payout, c.Currency
	switch to.Value.From {
	case subfive.ValueSaleAmount:
		from = c.SaleAmount
	case subfive.ValueFixed:
		from = to.Value.Amount
		if to.Value.Currency != "" {
			currency = to.Value.Currency
		}
	case subfive.ValueNone:
		return nil
	}
	if from == nil {
		return nil
	}
	amount := *from
	if to.Value.Multiply != nil {
		m, err := amount.Mul(*to.Value.Multiply)
		if err != nil {
			return nil // beyond any sum a platform takes; skip says that there is no value
		}
		amount = m
	}
	return &subfive.Money{Amount: amount, Currency: currency}
}

// page is a page the visitor really loaded, with only the platform's own click
// parameters left in its query, and addresses in its path masked.
func page(raw string, keep []string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil || u.Host == "" {
		return ""
	}
	escaped := subfive.MaskAddresses(u.EscapedPath())
	if path, err := url.PathUnescape(escaped); err == nil {
		u.Path, u.RawPath = path, escaped
	}
	var kept []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(keep, name) && !strings.HasPrefix(name, "_") {
			kept = append(kept, pair) // as it was: click IDs are bytes
		}
	}
	u.RawQuery, u.Fragment, u.RawFragment, u.User = strings.Join(kept, "&"), "", "", nil
	return u.String()
}
