package receiver

import (
	"context"
	"net/http"
	"strings"

	"subfive"
)

const defaultSlot = "sub5"

// click records a click on a campaign and sends the visitor on: to a landing page
// or straight to the offer. A campaign that is unknown, paused or has no offer to
// give sends him to the fallback; an archived one still works, because its ads
// may still run.
func (r *Receiver) click(t *table, campaign plan, in *intake) {
	if campaign.ID == "" || campaign.Paused {
		r.fallback(in)
		return
	}
	id := newID(in.at)
	in.rescue = func() string {
		offer, ok := r.taking(t, campaign.Offer)
		if !ok {
			return r.cfg.FallbackURL
		}
		return SetSlot(offer.Link, slotOf(offer), id)
	}
	all := r.read(in.params, plain, "")
	click := r.describeClick(in, all, all, t.sources[campaign.Source])
	click.ID = id
	if !r.refused(in, click.Consent) {
		click.VisitorID, click.VisitNo = returning(in.c.Request)
	}
	if click.VisitorID == "" {
		click.VisitorID = click.ID
	}
	if !click.IsPrefetch || click.VisitNo == 0 { // what a browser fetched ahead is no visit of its own
		click.VisitNo++
	}
	who := visitor{Visitor: click.Visitor, language: click.Language, at: in.at, params: in.params}
	way, ok := r.way(t, campaign, who, click.VisitorID)
	if !ok {
		r.fallback(in)
		return
	}
	click.CampaignID, click.RuleID, click.PathID, click.OfferID = campaign.ID, way.rule, way.path, way.offer.ID
	in.location = SetSlot(way.offer.Link, slotOf(way.offer), click.ID)
	if way.landing.URL != "" {
		click.LandingID = way.landing.ID
		in.location = r.landingURL(way.landing.URL, click, in.c.Request.URL.RawQuery)
	}
	click.Location = in.location
	if r.mayStore(click) {
		remember(in.c.Writer, click)
	} else {
		click.VisitorID, click.VisitNo = "", 0
	}
	if in.c.Request.Method != http.MethodHead {
		r.record(subfive.Record{ID: click.ID, Kind: subfive.RecordClick, Click: &click}, in)
	}
	redirect(in.c, in.location)
	r.cfg.Observer.Click(r.cfg.Now().Sub(in.at))
}

func slotOf(o subfive.Offer) string {
	if o.ClickSlot == "" {
		return defaultSlot
	}
	return o.ClickSlot
}

func (r *Receiver) fallback(in *intake) {
	if r.cfg.FallbackURL == "" {
		in.c.String(http.StatusNotFound, "404: no such campaign\n")
		return
	}
	redirect(in.c, r.cfg.FallbackURL)
}

// goOffer is the way from a landing page to an offer: the link itself carries
// the click and the choice. A link that carries no click falls back on the last
// one that this browser made here.
func (r *Receiver) goOffer(t *table, rt route, in *intake) {
	offer, ok := r.taking(t, rt.offer)
	if !ok {
		r.fallback(in)
		return
	}
	all := r.read(in.params, plain, "")
	consent := r.consent(all, in.c.Request.Header)
	last := r.lastClick(in, consent)
	id, ok := r.givenID(rt.clickID)
	if !ok {
		id = last
	}
	in.location = offer.Link
	if id != "" {
		in.location = SetSlot(offer.Link, slotOf(offer), id)
		r.recordWay(id, offer, all, consent, in)
	}
	redirect(in.c, in.location)
}

// recordWay writes down that a landing page's link to an offer was followed.
func (r *Receiver) recordWay(clickID string, offer subfive.Offer, all fields, consent map[string]string, in *intake) {
	req := in.c.Request
	if req.Method == http.MethodHead || isPrefetch(req.Header) {
		return // nobody chose to go
	}
	v := subfive.Visit{
		ID: subfive.PrefixVisit + newID(in.at), ClickID: clickID, Kind: subfive.GoalLandingClick, At: in.at, Request: r.request(in, all),
		OfferID: offer.ID, Referrer: r.publicURL(asText(req.Referer())),
		Params: r.clickParams(all, req), Consent: consent,
	}
	r.record(subfive.Record{ID: v.ID, Kind: subfive.RecordVisit, Visit: &v}, in)
}

// record writes a click or a visit down and reports whether it is durable. If it
// can't, the visitor goes on all the same, and it is kept in memory until it can.
func (r *Receiver) record(rec subfive.Record, in *intake) (durable bool) {
	data, err := encode(rec)
	if err != nil {
		r.cfg.Log.Error("record", "kind", string(rec.Kind), "id", rec.ID, "err", err)
		r.cfg.Observer.ClickLost()
		return false
	}
	if err := r.appendKept(in.c.Request.Context(), rec.Kind, data); err != nil {
		r.cfg.Log.Error("record", "kind", string(rec.Kind), "id", rec.ID, "err", err)
		r.atRisk.keep(kept{kind: rec.Kind, id: rec.ID, data: data})
		return false
	}
	return true
}

// appendKept outlives the visitor: he paid for the click with his way here.
func (r *Receiver) appendKept(ctx context.Context, kind subfive.RecordKind, data []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clickTimeout)
	defer cancel()
	_, err := r.append(ctx, kind, data)
	return err
}

// describeClick is all of a click that the request itself tells, in the words of
// its source. own are the request's parameters; all are those that speak of the
// click, a landing page's too.
func (r *Receiver) describeClick(in *intake, own, all fields, source source) subfive.Click {
	req := in.c.Request
	click := subfive.Click{
		RecordKind: subfive.ClickRedirect,
		ClickedAt:  in.at,
		Request:    r.request(in, own),
		Referrer:   r.shown(asText(req.Referer())),
		Language:   asText(req.Header.Get("Accept-Language")),
		Params:     r.clickParams(all, req),
		Consent:    r.consent(all, req.Header),
		IsPrefetch: isPrefetch(req.Header),
		IsTest:     isTrue(all.get(fieldTest)),
		SourceID:   source.ID, Platform: source.Platform, AdAccountID: source.AccountID,
	}
	source.describe(&click, all)
	if r.cfg.Recognizer != nil {
		click.Visitor = r.cfg.Recognizer.Recognize(in.client, click.Request.UserAgent)
	}
	click.UserData = r.userData(all, click.Visitor.Country)
	if r.cfg.Bot != nil {
		if reason, bot := r.cfg.Bot(click.Request.UserAgent); bot {
			click.IsBot, click.BotReason = true, reason
		}
	}
	return click
}

// clickParams are the platforms' click IDs, byte for byte: the link's, else the
// cookie's. A macro that the platform did not fill in is none.
func (r *Receiver) clickParams(all fields, req *http.Request) map[string]string {
	params := map[string]string{}
	for _, m := range all {
		if name, ok := r.words.clicks[fold(m.name)]; ok && !m.missing && params[name] == "" {
			params[name] = m.value
		}
	}
	for line := range strings.SplitSeq(strings.Join(req.Header["Cookie"], ";"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if known, ok := r.words.clicks[fold(name)]; ok && known == name && value != "" && params[name] == "" {
			params[name] = asText(value)
		}
	}
	if len(params) == 0 {
		return nil
	}
	return params
}

// isPrefetch reports whether a browser fetched the link before anybody chose to
// follow it.
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Purpose", "Sec-Purpose", "X-Moz", "X-Purpose"} {
		value := strings.ToLower(h.Get(name))
		for _, word := range []string{"prefetch", "prerender", "preview"} {
			if strings.Contains(value, word) {
				return true
			}
		}
	}
	return false
}
