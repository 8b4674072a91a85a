package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/store"
)

// newest is the newest item of a list, nil if there is none.
func (k stepper) newest(ctx context.Context, view string, filters map[string][]string) (map[string]any, error) {
	items, _, err := k.st.List(ctx, store.ListQuery{View: view, Filters: filters, Limit: 1})
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0], nil
}

// seen is a step that something in the database shows to be done.
func (s setupStep) seen(item map[string]any, id, at, evidence string) setupStep {
	s.done = true
	s.Evidence = evidence
	s.SubjectID = textOf(item, id)
	if when, err := time.Parse(time.RFC3339Nano, textOf(item, at)); err == nil {
		s.At = when
	}
	return s
}

func textOf(item map[string]any, name string) string {
	text, _ := item[name].(string)
	return text
}

// click is done by any click that is no bot's: a test, a simulation, or a
// visitor's.
func (k stepper) click(ctx context.Context) (setupStep, error) {
	s := setupStep{
		ID: "click", Title: "Test click", Href: "/admin/clicks",
		Do: "Open the campaign's link on a phone, or send a simulated click: it appears here with its address, device and platform ID.",
	}
	item, err := k.newest(ctx, "clicks", map[string][]string{"is_bot": {"0"}})
	if err != nil || item == nil {
		return s, err
	}
	return s.seen(item, "click_id", "clicked_at", joined(", ", "click seen", textOf(item, "device"), textOf(item, "os"))), nil
}

func (k stepper) postback(ctx context.Context) (setupStep, error) {
	s := setupStep{
		ID: "postback", Title: "Postback URL", Href: "/admin/endpoints/" + subfive.DefaultEndpoint, Confirmable: true,
		Do: "Copy the endpoint's postback URL into Everflow's form, braces too. It shows as done once a postback came in, or when you say that it is pasted.",
	}
	item, err := k.newest(ctx, "postbacks", map[string][]string{"via": {subfive.ViaS2S}})
	if err != nil || item == nil {
		return s, err
	}
	return s.seen(item, "postback_id", "received_at", joined(", ", "postback received", textOf(item, "verdict"))), nil
}

func (k stepper) conversion(ctx context.Context) (setupStep, error) {
	s := setupStep{
		ID: "conversion", Title: "Test conversion", Href: "/admin/conversions",
		Do: "Fire a simulated postback of the test click, through the public address: its story shows how it was matched.",
	}
	item, err := k.newest(ctx, "conversions", nil)
	if err != nil || item == nil {
		return s, err
	}
	return s.seen(item, "conversion_id", "converted_at", "conversion "+textOf(item, "verdict")), nil
}

func (k stepper) destination(context.Context) (setupStep, error) {
	s := setupStep{
		ID: "destination", Title: "Destination, dry run", Href: "/admin/destinations/new",
		Do: "Paste the platform's token: in dry run you see what it would get, and nothing leaves.",
	}
	if n := len(k.setup.Destinations); n > 0 {
		first := k.setup.Destinations[0]
		s.done, s.Href, s.SubjectID = true, "/admin/destinations", first.ID
		s.Evidence = joined(", ", first.ID, strings.ReplaceAll(string(first.Mode), "_", " ")) + andMore(n)
		if !k.told(first.ID) && len(k.setup.Sources) > 0 {
			s.done, s.Href = false, "/admin/sources/"+url.PathEscape(k.setup.Sources[0].ID)
			s.Do = "Nothing is told to it yet: tick it at the source, or at a campaign."
		}
	}
	return s, nil
}

// told reports whether a source, a campaign or an endpoint names a destination.
func (k stepper) told(id string) bool {
	named := func(ids []string) bool { return slices.Contains(ids, id) }
	return slices.ContainsFunc(k.setup.Sources, func(s subfive.Source) bool { return named(s.Destinations) }) ||
		slices.ContainsFunc(k.setup.Campaigns, func(c subfive.Campaign) bool { return named(c.Destinations) }) ||
		slices.ContainsFunc(k.setup.Endpoints, func(e subfive.Endpoint) bool { return named(e.Destinations) })
}

// check is done when a destination's check went well, or something was delivered.
func (k stepper) check(ctx context.Context) (setupStep, error) {
	s := setupStep{ID: "check", Title: "Platform check", Href: "/admin/destinations", Do: "Let the platform take a harmless event: that shows whether the token works."}
	for _, d := range k.setup.Destinations {
		s.Href = "/admin/destinations/" + d.ID
		at, err := k.st.Note(ctx, checkNote+d.ID)
		if err != nil {
			return s, err
		}
		if when, err := time.Parse(time.RFC3339Nano, at); err == nil {
			s.done, s.At, s.SubjectID, s.Evidence = true, when, d.ID, d.ID+" took it"
			return s, nil
		}
	}
	item, err := k.newest(ctx, "deliveries", map[string][]string{"status": {string(subfive.DeliveryDelivered), string(subfive.DeliveryTested)}})
	if err != nil || item == nil {
		return s, err
	}
	return s.seen(item, "delivery_id", "created_at", textOf(item, "destination_id")+" took an event"), nil
}

func (k stepper) goLive(context.Context) (setupStep, error) {
	s := setupStep{ID: "live", Title: "Live", Href: "/admin/destinations", Do: "Wait for your first real conversion, look at its payload, then switch the destination to live."}
	for _, d := range k.setup.Destinations {
		s.Href = "/admin/destinations/" + d.ID
		if d.Mode == subfive.ModeLive {
			s.done, s.SubjectID, s.Evidence = true, d.ID, d.ID+" is live"
			return s, nil
		}
	}
	return s, nil
}
