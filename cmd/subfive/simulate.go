package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"subfive/sandbox"
)

func newSimulate(a *app) *cobra.Command {
	conversion := sandbox.Conversion{Type: sandbox.TypeConversion}
	var clickID, eventID string
	count := 1
	c := &cobra.Command{
		Use:   "simulate URL",
		Short: "Fire postbacks as Everflow does",
		Long: `Fires a postback at a URL: its {macros} are filled in from the flags, values are encoded as Everflow
encodes them, 2xx is success, all else is tried again up to five times and then counts as one failure;
ten failures in a row turn the postback off. A macro that Everflow does not know stays as it is.`,
		Example: `  subfive simulate 'http://127.0.0.1:8080/conversion?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}' \
      --click-id 01jd3c4z9y8x7w6v5t4s3r2q1p --payout 42.50`,
		Args: exactly(1, "the postback's URL with its {macros}, in quotes"),
		RunE: func(c *cobra.Command, args []string) error {
			conversion.Sub[4] = clickID
			if eventID != "" {
				conversion.Type, conversion.EventID = sandbox.TypeEvent, eventID
			}
			postback := sandbox.Postback{ID: "postback", URL: args[0], Type: conversion.Type, Scope: sandbox.ScopeGlobal}
			sim, err := sandbox.NewSimulator(a.now, sandbox.SimulatorConfig{Postbacks: []sandbox.Postback{postback}})
			if err != nil {
				return usageError{err}
			}
			for range count {
				fired := conversion
				if fired.TransactionID == "" {
					fired.TransactionID = hex32()
				}
				if fired.ConversionID == "" {
					fired.ConversionID = hex32()
				}
				f, err := sim.Fire(c.Context(), postback.ID, fired)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s  %d  %s\n", f.Outcome, f.Last.Status, strings.TrimSpace(f.Last.Body))
				if f.Deactivated {
					return errors.New("ten failures in a row: Everflow has turned this postback off; answer 2xx, then turn it on again")
				}
				if f.Outcome != sandbox.OutcomeDelivered && count == 1 {
					return fmt.Errorf("the postback failed: %s", f.Last.Err)
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&clickID, "click-id", "", "what {sub5} is filled with")
	f.StringVar(&conversion.Payout, "payout", "42.00", "what {payout} is filled with")
	f.StringVar(&conversion.OfferID, "offer", "1", "what {offer_id} is filled with")
	f.StringVar(&conversion.TransactionID, "transaction", "", "what {transaction_id} is filled with (default: a new one each)")
	f.StringVar(&conversion.ConversionID, "conversion", "", "what {conversion_id} is filled with (default: a new one each)")
	f.StringVar(&eventID, "event", "", "an event after the conversion: what {event_id} is filled with")
	f.StringVar(&conversion.EventName, "event-name", "", "what {event_name} is filled with")
	f.StringVar(&conversion.Status, "status", "", "what {status} is filled with")
	f.IntVar(&count, "count", 1, "how many conversions to fire")
	return c
}

// hex32 is an ID as Everflow's look.
func hex32() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }
