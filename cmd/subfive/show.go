package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"subfive"
)

// newShow tells the story of one ID. It is below each list and takes an ID of
// any kind.
func newShow(a *app, l listing) *cobra.Command {
	var full, raw, json bool
	examples := map[string]string{
		"postbacks": "pb_0123456789abcdefghjkmnpqrs", "clicks": "01jd3c4z9y8x7w6v5t4s3r2q1p",
		"conversions": "cv_0123456789abcdefghjkmnpqrs", viewDeliveries: "dl_0123456789abcdefghjkmnpqrs",
	}
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Tell the whole story of one: what came in, what was decided and why, who was told what",
		Long: `Tells the whole story on one page: the click, the postbacks, the conversion, each delivery with the
exact request and answer, and for each destination that was told nothing, why. ID is of a click, a
postback, a conversion, a delivery or an attempt, or the network's: a transaction, conversion or order.
Credentials are never shown; personal data only in what a platform was sent, as digests.`,
		Example: "  subfive " + l.view + " show " + examples[l.view] + "\n  subfive " + l.view + " show " + examples[l.view] + " --full",
		Args:    exactly(1, "one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := atMostOne(c.Flags(), "full", "json", "raw"); err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error {
				if raw {
					return a.showRaw(c.Context(), s, args[0])
				}
				return a.show(c.Context(), s, args[0], full, json)
			})
		},
	}
	c.Flags().BoolVar(&full, "full", false, "request and answer of every attempt, whole")
	c.Flags().BoolVar(&json, "json", false, "the story as JSON")
	c.Flags().BoolVar(&raw, "raw", false, "the request of a click or postback as it came, opened with the key: query, line end, body; holds personal data")
	return c
}

func (a *app) show(ctx context.Context, s session, id string, full, json bool) error {
	t, err := tellingOf(ctx, s.Store, id, a.now())
	if err != nil {
		return notFound(err, "see what there is: subfive postbacks, clicks, conversions or deliveries")
	}
	if json {
		return writeJSON(a.stdout, t.explained())
	}
	t.full = full
	_, err = fmt.Fprint(a.stdout, t)
	return err
}

// showRaw writes the bytes of the request that brought a click or a postback.
func (a *app) showRaw(ctx context.Context, s session, id string) error {
	box, err := s.RawRequest(ctx, id)
	if err != nil {
		return notFound(err, "--raw takes the ID of a click or a postback whose request is still kept (retention.raw)")
	}
	plainBytes, err := s.vault.OpenBytes(box, rawRequest)
	if err != nil {
		return fmt.Errorf("open the request of %s: %w; it opens only with the key it was sealed with", id, err)
	}
	if !isTerminal(a.stdout) {
		_, err = a.stdout.Write(plainBytes)
		return err
	}
	p := &page{}
	p.block(string(plainBytes), 0)
	_, err = fmt.Fprint(a.stdout, p)
	return err
}

// notFound adds what to do to an error that says there is nothing of that ID.
func notFound(err error, do string) error {
	if errors.Is(err, subfive.ErrNotFound) {
		return fmt.Errorf("%w; %s", err, do)
	}
	return err
}
