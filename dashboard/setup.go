package dashboard

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"subfive"
)

// SettingUp is what the API needs of the tracker to help somebody set up.
type SettingUp interface {
	// Platforms are what conversions can be sent to, and what is known of the
	// places where traffic is bought.
	Platforms() (any, error)
	// Preview is the request that would go out, and what the platform makes of it.
	Preview(ctx context.Context, p Preview) (any, error)
	// Checklist is the first run, step by step, for who asks from an address;
	// MarkStep says something about one of them.
	Checklist(ctx context.Context, by, address string) (any, error)
	MarkStep(ctx context.Context, s Step) error
	// Simulate sends a test click and a test postback through the public URL.
	Simulate(ctx context.Context, s Simulation) (any, error)
	// CompareLinks says what becomes of a network's link.
	CompareLinks(link, slot string) (any, error)
	// PostbackURL is an endpoint's, its key in it, to be pasted at the network.
	PostbackURL(ctx context.Context, endpointID, offerID string) (any, error)
	// Undo puts back what a change of a resource replaced.
	Undo(ctx context.Context, auditID, by string) (any, error)
}

// Preview asks for the request by which a destination would be told of a
// conversion with today's settings.
type Preview struct {
	DestinationID string
	// ConversionID is any ID that leads to one; empty: the newest, or one that is
	// made up where there is none.
	ConversionID string
	// Draft is the destination as PUT takes it, instead of the stored one; nil:
	// the stored one.
	Draft []byte
}

// Simulation asks for a click and a postback of it as a network sends them, both
// marked as tests, through the public URL.
type Simulation struct {
	CampaignID string `json:"campaign_id"`
	// EndpointID is where the postback comes in; empty: that of the offer's network.
	EndpointID string `json:"endpoint_id"`
	// ClickID is a click that there is: only the postback is sent.
	ClickID string `json:"click_id"`
	Goal    string `json:"goal"`   // empty: the conversion itself
	Payout  string `json:"payout"` // empty: the offer's, or 42.00
	// OnlyClick sends no postback.
	OnlyClick bool `json:"only_click"`
	By        string
}

// Step says what a person has to say about a step of the first run.
type Step struct {
	ID, Mark, By string
}

// The marks of a Step: it is passed over; it was seen to, which no program can
// know; nothing was said.
const (
	MarkSkipped   = "skipped"
	MarkConfirmed = "confirmed"
	MarkNone      = "none"
)

func marks() []string { return []string{MarkSkipped, MarkConfirmed, MarkNone} }

// routeSetup routes what helps to set up. It comes before what takes no query.
func (d *Dashboard) routeSetup(api gin.IRoutes) {
	api.GET("/conversions/:id/preview", d.run(d.preview))
	api.POST("/destinations/:id/preview", d.run(d.previewDraft))
	for path, h := range map[string]func(*gin.Context) (any, error){
		"/platforms": func(*gin.Context) (any, error) { return d.cfg.Backend.Platforms() },
		"/setup":     d.checklist,
	} {
		api.GET(path, d.refuseQuery, d.run(h))
	}
	api.PUT("/setup/:id", d.refuseQuery, d.run(d.markStep))
	for path, h := range map[string]func(*gin.Context) (any, error){
		"/simulate":          d.simulate,
		"/links":             d.compareLinks,
		"/endpoints/:id/url": d.postbackURL,
		"/audit/:id/undo":    d.undo,
	} {
		api.POST(path, d.refuseQuery, d.run(h))
	}
}

func (d *Dashboard) preview(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	given, err := queryOf(c, "destination")
	if err != nil {
		return nil, err
	}
	if given["destination"] == "" {
		return nil, bad("name the destination: ?destination=ID", "destination is missing")
	}
	return d.cfg.Backend.Preview(c.Request.Context(), Preview{ConversionID: id, DestinationID: given["destination"]})
}

// previewDraft takes a destination as it would be stored, or none.
func (d *Dashboard) previewDraft(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	given, err := queryOf(c, "conversion")
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(c, maxBody)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 && (!json.Valid(body) || bytes.TrimSpace(body)[0] != '{') {
		return nil, bad("send the destination as PUT takes it, or no body for the stored one", "the body is not a JSON object")
	}
	p := Preview{DestinationID: id, ConversionID: given["conversion"]}
	if len(body) > 0 {
		p.Draft = body
	}
	return d.cfg.Backend.Preview(c.Request.Context(), p)
}

func (d *Dashboard) checklist(c *gin.Context) (any, error) {
	address := ""
	if d.cfg.ClientAddr != nil {
		address = d.cfg.ClientAddr(c.Request)
	}
	return d.cfg.Backend.Checklist(c.Request.Context(), actor(c), address)
}

// stepMark is the body of a call that says something about a step.
type stepMark struct {
	Mark string `json:"mark"`
}

func (d *Dashboard) markStep(c *gin.Context) (any, error) {
	var m stepMark
	id, err := read(c, &m)
	if err != nil {
		return nil, err
	}
	if err := oneOf("mark", m.Mark, marks()); err != nil {
		return nil, err
	}
	if err := d.cfg.Backend.MarkStep(c.Request.Context(), Step{ID: id, Mark: m.Mark, By: actor(c)}); err != nil {
		return nil, err
	}
	return d.checklist(c)
}

// simulation is the body of a Simulation.
type simulation struct {
	CampaignID string `json:"campaign_id"`
	EndpointID string `json:"endpoint_id"`
	ClickID    string `json:"click_id"`
	Goal       string `json:"goal"`
	Payout     string `json:"payout"`
	OnlyClick  bool   `json:"only_click"`
}

func (d *Dashboard) simulate(c *gin.Context) (any, error) {
	var s simulation
	switch err := decode(c, &s); {
	case err != nil:
		return nil, err
	case s.CampaignID == "":
		return nil, bad("name the campaign whose link is followed", "campaign_id is missing")
	case s.OnlyClick && s.ClickID != "":
		return nil, bad("leave one of them out", "only_click and click_id exclude each other")
	case !isText(s.CampaignID + s.EndpointID + s.ClickID + s.Goal):
		return nil, subfive.ErrNotFound
	}
	if s.Payout != "" {
		if _, err := subfive.ParseMicros(s.Payout); err != nil {
			return nil, bad("write an amount such as 42.50", "payout: %v", err)
		}
	}
	return d.cfg.Backend.Simulate(c.Request.Context(), Simulation{
		CampaignID: s.CampaignID, EndpointID: s.EndpointID, ClickID: foldClickID(s.ClickID), Goal: s.Goal, Payout: s.Payout, OnlyClick: s.OnlyClick, By: actor(c),
	})
}

// pastedLink is the body of a call that compares a link with what is made of it.
type pastedLink struct {
	Link      string `json:"link"`
	ClickSlot string `json:"click_slot"`
}

func (d *Dashboard) compareLinks(c *gin.Context) (any, error) {
	var l pastedLink
	switch err := decode(c, &l); {
	case err != nil:
		return nil, err
	case l.Link == "":
		return nil, bad("send the network's link as its offer page gives it", "link is missing")
	case !isText(l.Link + l.ClickSlot):
		return nil, bad("leave out characters that are no text", "the link is not valid UTF-8, or has a NUL")
	}
	return d.cfg.Backend.CompareLinks(l.Link, l.ClickSlot)
}

// wantedURL is the body of a call for a postback URL.
type wantedURL struct {
	OfferID string `json:"offer_id"`
}

// postbackURL is a POST because the answer holds the endpoint's key: who may
// only read is not told.
func (d *Dashboard) postbackURL(c *gin.Context) (any, error) {
	var w wantedURL
	id, err := read(c, &w)
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.PostbackURL(c.Request.Context(), id, w.OfferID)
}

func (d *Dashboard) undo(c *gin.Context) (any, error) {
	id, err := read(c, &nothing{})
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Undo(c.Request.Context(), id, actor(c))
}
