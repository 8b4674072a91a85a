package receiver

import (
	"context"
	"net/http"
	"strings"

	"subfive"
)

const defaultSlot = "sub5"

// click records a click on a campaign and sends the visitor to the offer. A
// campaign that is unknown or paused sends him to the fallback; an archived one
// still works, because its ads may still run.
func (r *Receiver) click(t *table, campaign subfive.Campaign, in *intake) {
	offer := t.offers[strings.ToLower(campaign.Offer)]
	if campaign.ID == "" || campaign.Paused || offer.Link == "" {
		r.fallback(in)
		return
	}
	id := newID(in.at)
	in.location = SetSlot(offer.Link, slotOf(offer), id)
	if in.c.Request.Method != http.MethodHead {
		r.recordClick(t, campaign, offer, id, in)
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
// the click and the choice.
func (r *Receiver) goOffer(t *table, rt route, in *intake) {
	offer := t.offers[strings.ToLower(rt.offer)]
	if offer.Link == "" {
		r.fallback(in)
		return
	}
	in.location = offer.Link
	if id, ok := subfive.ParseClickID(rt.clickID); ok {
		in.location = SetSlot(offer.Link, slotOf(offer), id)
	}
	redirect(in.c, in.location)
}

// recordClick writes the click down. If it can't, the visitor goes on all the
// same, and the click is kept in memory until it can.
func (r *Receiver) recordClick(t *table, campaign subfive.Campaign, offer subfive.Offer, id string, in *intake) {
	click := r.describeClick(in)
	source := t.sources[campaign.Source]
	click.ID = id
	click.CampaignID = campaign.ID
	click.SourceID = campaign.Source
	click.Platform = source.Platform
	click.AdAccountID = source.AccountID
	click.OfferID = offer.ID
	click.Location = in.location
	data, err := encode(subfive.Record{ID: id, Kind: subfive.RecordClick, Click: &click})
	if err != nil {
		r.cfg.Log.Error("record click", "click", id, "err", err)
		r.cfg.Observer.ClickLost()
		return
	}
	if err := r.appendClick(in.c.Request.Context(), data); err != nil {
		r.cfg.Log.Error("record click", "click", id, "err", err)
		r.atRisk.keep(id, data)
	}
}

// appendClick outlives the visitor: he paid for the click with his way here.
func (r *Receiver) appendClick(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clickTimeout)
	defer cancel()
	_, err := r.append(ctx, subfive.RecordClick, data)
	return err
}

// describeClick is all of a click that the request itself tells.
func (r *Receiver) describeClick(in *intake) subfive.Click {
	req := in.c.Request
	all := r.read(in.params, plain, "")
	click := subfive.Click{
		RecordKind: subfive.ClickRedirect,
		ClickedAt:  in.at,
		Request:    r.request(in, all),
		Referrer:   r.shown(asText(req.Referer())),
		Language:   asText(req.Header.Get("Accept-Language")),
		Params:     r.clickParams(all, req),
		UserData:   r.userData(all),
		Consent:    r.consent(all, req),
		IsPrefetch: isPrefetch(req.Header),
		IsTest:     isTrue(all.get(fieldTest)),
	}
	if r.cfg.Recognizer != nil {
		click.Visitor = r.cfg.Recognizer.Recognize(in.client, click.Request.UserAgent)
	}
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

// consent is what the visitor agreed to, as the link and his browser say it.
func (r *Receiver) consent(all fields, req *http.Request) map[string]string {
	given := map[string]string{}
	for _, m := range all {
		if name, ok := r.words.consent[fold(m.name)]; ok && !m.missing && given[name] == "" {
			given[name] = m.value
		}
	}
	if gpc := req.Header.Get("Sec-Gpc"); gpc != "" {
		given["sec_gpc"] = asText(gpc)
	}
	if len(given) == 0 {
		return nil
	}
	return given
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
