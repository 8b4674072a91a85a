package receiver

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"subfive"
)

// postback writes a postback down and answers it. Whatever it holds, the answer
// is 200 once it is durable.
func (r *Receiver) postback(t *table, rt route, in *intake) {
	in.endpoint = subfive.DefaultEndpoint // until it is read
	in.counts = !rt.pixel && in.c.Request.Method != http.MethodHead
	p := r.interpret(t, rt, in)
	in.endpoint = p.EndpointID
	if in.c.Request.Method == http.MethodHead {
		r.answerPostback(rt, in, answer{Status: "probe", Reading: p.Reading, Hint: p.Hint})
		return
	}
	data, err := encode(subfive.Record{ID: p.ID, Kind: subfive.RecordPostback, Postback: &p})
	if err != nil {
		r.cfg.Log.Error("record postback", "postback", p.ID, "err", err)
		unavailable(in.c)
		return
	}
	// A network that hangs up has told us all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(in.c.Request.Context()), postbackTimeout)
	defer cancel()
	pos, err := r.append(ctx, subfive.RecordPostback, data)
	if err != nil {
		r.cfg.Log.Error("record postback", "postback", p.ID, "err", err)
		unavailable(in.c)
		return
	}
	in.stored = p.ID
	a := answer{Status: "accepted", ID: p.ID, Reading: p.Reading, Hint: p.Hint}
	if !r.inDatabase(ctx, pos) {
		a.Durable = "journal"
	}
	r.answerPostback(rt, in, a)
	r.cfg.Observer.Postback(p.NetworkID, p.Reading, r.cfg.Now().Sub(in.at))
}

func (r *Receiver) answerPostback(rt route, in *intake, a answer) {
	if rt.pixel {
		answerGIF(in.c)
		return
	}
	answerJSON(in.c, http.StatusOK, a)
}

// inDatabase waits for the database, where that was asked for. That it is late
// is not an error: the record is durable already.
func (r *Receiver) inDatabase(ctx context.Context, pos subfive.Position) bool {
	if r.cfg.AckDatabase == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.AckTimeout)
	defer cancel()
	return r.cfg.AckDatabase(ctx, pos) == nil
}

// interpret reads a request as a postback.
func (r *Receiver) interpret(t *table, rt route, in *intake) subfive.Postback {
	all := r.read(in.params, rt.dialect, t.clickParam(rt.endpoint))
	a := t.admit(rt.endpoint, r.key(all, rt))
	if a.endpoint.ClickParam != t.clickParam(rt.endpoint) {
		all = r.read(in.params, rt.dialect, a.endpoint.ClickParam) // the key chose it
	}
	p := subfive.Postback{
		ID:         subfive.PrefixPostback + newID(in.at),
		ReceivedAt: in.at,
		Request:    r.request(in, all),
		NetworkID:  a.endpoint.Network,
		EndpointID: a.endpoint.ID,
		Via:        subfive.ViaS2S,
		Answered:   http.StatusOK,
		UserData:   r.userData(all, ""),
		Consent:    r.postbackConsent(all, rt, in),
	}
	if rt.pixel {
		p.Via = subfive.ViaPixel
	}
	if rt.shownPath != "" {
		p.Request.Path = rt.shownPath
	}
	all.identify(&p)
	all.goal(&p)
	all.status(&p)
	p.IsTest = isTrue(all.get(fieldTest))
	hints := append(all.money(&p), in.problems...)
	malformed := len(hints) > 0
	clickHint := r.clickID(&p, all, a.endpoint)
	if malformed {
		p.Reading = subfive.ReadingMalformed
	}
	quarantine := r.quarantine(p, rt, a, in)
	if quarantine != "" {
		p.Reading = subfive.ReadingQuarantined
	}
	hints = append([]string{quarantine, clickHint}, hints...)
	hints = append(hints, all.hints()...)
	p.Hint = joinHints(append(hints, r.advice(t, p, a)...))
	r.mask(&p)
	return p
}

// mask takes e-mail addresses and phone numbers out of the fields that are kept
// in the clear. IDs with one in them stay apart from each other.
func (r *Receiver) mask(p *subfive.Postback) {
	for _, text := range []*string{&p.GoalID, &p.GoalName, &p.NetworkOfferID, &p.StatusWord, &p.PayoutRaw, &p.Hint} {
		*text = subfive.MaskAddresses(*text)
	}
	ids := []*string{&p.TransactionID, &p.NetworkConversionID, &p.OrderID}
	if p.Reading != subfive.ReadingDirect { // a platform's click ID is bytes
		ids = append(ids, &p.ClickID, &p.ClickIDRaw)
	}
	for _, id := range ids {
		*id = r.maskedID(*id)
	}
}

// maskedID returns an ID as it is, or one that is the same for the same ID and
// tells no address.
func (r *Receiver) maskedID(id string) string {
	masked := subfive.MaskAddresses(id)
	if masked == id {
		return id
	}
	sealed, err := r.cfg.Sealer.Seal(subfive.UserID, id, "")
	if err != nil {
		r.cfg.Log.Error("mask an ID", "err", err)
		return masked
	}
	return subfive.Hidden + sealed.Mac[:min(len(sealed.Mac), 16)]
}

// key is the postback's: as a parameter, else in the path.
func (r *Receiver) key(all fields, rt route) string {
	if key := all.get(fieldKey); key != "" {
		return key
	}
	return rt.key
}

// quarantine says why a postback must not be credited without a person, or "".
func (r *Receiver) quarantine(p subfive.Postback, rt route, a admission, in *intake) string {
	plausible := p.Reading == subfive.ReadingOK || p.Reading == subfive.ReadingDirect || a.rightKey || networkID(p.TransactionID)
	switch {
	case a.unknown:
		return fmt.Sprintf("no endpoint is called %q; check the path", rt.endpoint)
	case a.wrongKey:
		return fmt.Sprintf("wrong key for endpoint %q; copy the postback URL anew", a.endpoint.ID)
	case rt.wrongPath:
		return "this is no postback path; use " + r.cfg.PublicURL + "/conversion"
	case in.c.Request.Method != http.MethodHead && !plausible && r.abuse.over(in.client, in.at):
		return "too many postbacks from this address without a click ID of ours; this one was kept aside"
	}
	return ""
}

// networkID reports whether s has the form of Everflow's IDs, 32 hexadecimal
// digits: a burst of postbacks whose click ID was lost on the way still comes
// from the network.
func networkID(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 32
}

// advice is what could be better about a postback that was read.
func (r *Receiver) advice(t *table, p subfive.Postback, a admission) []string {
	var hints []string
	if a.noKey {
		hints = append(hints, fmt.Sprintf("no key: add key= of endpoint %q to the postback URL", a.endpoint.ID))
	}
	if hint := r.hostHint(p.Request.Host); hint != "" {
		hints = append(hints, hint)
	}
	if !t.accepts(a.endpoint, p.NetworkOfferID) {
		hints = append(hints, fmt.Sprintf("offer %q is none of endpoint %q's", p.NetworkOfferID, a.endpoint.ID))
	}
	if strings.HasPrefix(r.cfg.PublicURL, "https://") && p.Request.Scheme == "http" && p.Request.Headers["X-Forwarded-Proto"] == "" {
		hints = append(hints, "it came over plain http; use https")
	}
	if p.NotAConversion {
		hints = append(hints, "a paid click, not a conversion: nothing is credited")
	}
	return hints
}

// accepts reports whether an offer, by the network's number or our ID, is one
// the endpoint was made for.
func (t *table) accepts(e subfive.Endpoint, number string) bool {
	if len(e.Offers) == 0 || number == "" {
		return true
	}
	for _, id := range e.Offers {
		o := t.offers[strings.ToLower(id)]
		if id == number || o.NetworkOfferID == number {
			return true
		}
	}
	return false
}

func joinHints(hints []string) string {
	var b strings.Builder
	for _, h := range hints {
		if h == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(h)
	}
	return b.String()
}
