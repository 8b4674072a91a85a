package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

func newPreview(a *app) *cobra.Command {
	kind := string(subfive.KindConversion)
	c := &cobra.Command{
		Use:   "preview CONVERSION DESTINATION",
		Short: "Show the exact request that would go out, without credentials",
		Long: `Shows the exact request by which a destination would be told of a conversion with today's settings, before
its credentials are added. Nothing is sent and nothing is changed. CONVERSION is any ID that leads to one
conversion.`,
		Example: `  subfive conversions --limit 1
  subfive preview cv_0123456789abcdefghjkmnpqrs meta-main`,
		Args: exactly(2, "a conversion's ID and a destination's"),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(kinds(), kind) {
				return usagef("--kind %q: it is one of %s", kind, strings.Join(kinds(), ", "))
			}
			return a.with(c.Context(), func(s session) error {
				return a.preview(c.Context(), s, args[0], args[1], subfive.Kind(kind))
			})
		},
	}
	c.Flags().StringVar(&kind, "kind", kind, "what is told, a later one only once it was made: "+strings.Join(kinds(), ", "))
	return c
}

func (a *app) preview(ctx context.Context, s session, id, destination string, kind subfive.Kind) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	to, ok := setup.Destination(destination)
	if !ok {
		return usagef("there is no destination %q; see: subfive destinations", destination)
	}
	d, err := s.wouldBe(ctx, id, to, kind)
	if err != nil {
		return err
	}
	d = a.decideAgain(setup, s.vault)(d)
	if d.Status == subfive.DeliverySkipped {
		fmt.Fprintf(a.stderr, "today's settings would not send it (%s): %s\n", d.ReasonCode, d.Reason)
	}
	request, err := s.preview(ctx, a, d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stdout, request)
	return err
}

// wouldBe returns the delivery of a conversion to a destination: the newest one
// there is, else one as it would be made.
func (s session) wouldBe(ctx context.Context, id string, to subfive.Destination, kind subfive.Kind) (subfive.Delivery, error) {
	story, err := s.Story(ctx, id)
	if err != nil {
		return subfive.Delivery{}, notFound(err, "see subfive conversions")
	}
	c, err := onlyConversion(story, id)
	if err != nil {
		return subfive.Delivery{}, err
	}
	found, err := s.Deliveries(ctx, store.DeliveryFilter{ConversionID: c.ID, DestinationID: to.ID, Kind: kind, NewestOnly: true, Limit: 1})
	if err != nil {
		return subfive.Delivery{}, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if kind != subfive.KindConversion {
		return subfive.Delivery{}, fmt.Errorf("there is no %s of %s to %s yet: it is made when the network says so, and can be previewed then", kind, c.ID, to.ID)
	}
	d := subfive.Delivery{ConversionID: c.ID, DestinationID: to.ID, Platform: to.Platform, Kind: kind, Generation: 1, Conversion: c}
	if i := slices.IndexFunc(story.Clicks, func(click subfive.Click) bool { return click.ID == c.AttributedClickID }); i >= 0 {
		d.Click = &story.Clicks[i]
	}
	return d, nil
}

// onlyConversion is the one that an ID leads to: its own, or the only one.
func onlyConversion(story store.Story, id string) (subfive.Conversion, error) {
	if i := slices.IndexFunc(story.Conversions, func(c subfive.Conversion) bool { return c.ID == id }); i >= 0 {
		return story.Conversions[i], nil
	}
	switch len(story.Conversions) {
	case 0:
		return subfive.Conversion{}, fmt.Errorf("%s made no conversion: nobody would be told; see subfive postbacks show %s", id, id)
	case 1:
		return story.Conversions[0], nil
	}
	var ids []string
	for _, c := range story.Conversions {
		ids = append(ids, c.ID)
	}
	return subfive.Conversion{}, usagef("%s leads to %d conversions: name one of %s", id, len(ids), strings.Join(ids, ", "))
}

// preview renders a delivery's request as it would go out.
func (s session) preview(ctx context.Context, a *app, d subfive.Delivery) (string, error) {
	sender, err := s.sender(ctx, a)
	if err != nil {
		return "", err
	}
	defer sender.Close()
	request, err := sender.Preview(ctx, d.DestinationID, d)
	if err != nil {
		return "", err
	}
	return request.String(), nil
}
