package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/everflow"
)

// pastedURL is the URL to paste, and what goes with it.
type pastedURL struct {
	URL      string        `json:"url"`
	Endpoint string        `json:"endpoint_id"`
	Offer    string        `json:"offer_id,omitempty"`
	Scope    string        `json:"scope"` // global or specific
	Extras   []extraMacro  `json:"extras"`
	Menus    []string      `json:"menus"`
	offer    subfive.Offer // of a specific one
}

// extraMacro is a parameter that may be added.
type extraMacro struct {
	Add        string              `json:"add"`
	Gives      string              `json:"gives"`
	Confidence everflow.Confidence `json:"confidence"`
}

func newPostbackURL(a *app) *cobra.Command {
	var endpoint, offer string
	var specific, json bool
	c := &cobra.Command{
		Use:   "postback-url",
		Short: "Print the postback URL to paste into Everflow, and where it goes",
		Long: `Prints the exact URL to paste into Everflow's postback form, its braces as they must be and with the endpoint's
key in it: keep it to yourself. Then the macros that may be added, each with how sure we are that partners get it,
and the way through Everflow's menus. A Global postback fires for every offer; --offer or --specific makes the URL
for one offer's Specific postback.`,
		Example: `  subfive postback-url
  subfive postback-url --endpoint meta-only --specific
  subfive postback-url --offer ourdream`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.file()
			if err != nil {
				return err
			}
			if f.Server.PublicURL == "" {
				return usagef("public_url is not set: the URL is built from it; set it in the file or in SUBFIVE_PUBLIC_URL")
			}
			macros, err := catalogue("", f.Server.DataDir)
			if err != nil {
				return err
			}
			setup := a.knownSetup(c.Context(), f)
			u, err := choosePostback(setup, endpoint, offer, specific)
			if err != nil {
				return err
			}
			u.complete(f.Server.PublicURL, setup, macros)
			if json {
				return writeJSON(a.stdout, u)
			}
			fmt.Fprint(a.stdout, u.text())
			return nil
		},
	}
	c.Flags().StringVar(&endpoint, "endpoint", subfive.DefaultEndpoint, "where it is to come in")
	c.Flags().StringVar(&offer, "offer", "", "the offer of a Specific postback")
	c.Flags().BoolVar(&specific, "specific", false, "a Specific postback: for the endpoint's only offer")
	c.Flags().BoolVar(&json, "json", false, "one JSON object")
	return c
}

// choosePostback finds the endpoint and the offer that are meant.
func choosePostback(setup subfive.Setup, endpoint, offer string, specific bool) (pastedURL, error) {
	u := pastedURL{Endpoint: endpoint, Scope: "global"}
	e, ok := setup.Endpoint(endpoint)
	if !ok {
		return u, usagef("there is no endpoint %q; there are %s", endpoint, strings.Join(ids(setup.Endpoints, func(e subfive.Endpoint) string { return e.ID }), ", "))
	}
	if unresolved(e.Key) {
		return u, usagef("the key of endpoint %s is %s, and this shell has no such variable: set it as serve has it", e.ID, e.Key)
	}
	if offer == "" && !specific {
		return u, nil
	}
	offers := e.Offers
	if len(offers) == 0 {
		offers = ids(setup.Offers, func(o subfive.Offer) string { return o.ID })
	}
	switch {
	case offer == "" && len(offers) != 1:
		return u, usagef("a Specific postback is for one offer, and endpoint %s takes %d: name it with --offer, one of %s", e.ID, len(offers), strings.Join(offers, ", "))
	case offer == "":
		offer = offers[0]
	case !slices.Contains(offers, offer):
		return u, usagef("endpoint %s does not take offer %q; it takes %s", e.ID, offer, strings.Join(offers, ", "))
	}
	u.offer, _ = setup.Offer(offer)
	u.Scope, u.Offer = "specific", offer
	return u, nil
}

func ids[T any](all []T, id func(T) string) []string {
	var found []string
	for _, r := range all {
		found = append(found, id(r))
	}
	return found
}

// complete builds the URL and what goes with it.
func (u *pastedURL) complete(publicURL string, setup subfive.Setup, macros []everflow.Macro) {
	e, _ := setup.Endpoint(u.Endpoint)
	u.URL = everflow.PostbackURL(publicURL, e, everflow.Options{Offer: u.offer})
	for _, m := range everflow.Extras(macros) {
		u.Extras = append(u.Extras, extraMacro{Add: "&" + m.Name + "={" + m.Name + "}", Gives: m.Gives, Confidence: m.Confidence})
	}
	scope := "Scope: Global (fires on every conversion)"
	if u.Scope == "specific" {
		scope = joined("", "Scope: Specific, and choose offer ", u.offer.NetworkOfferID)
		if u.offer.NetworkOfferID == "" {
			scope = "Scope: Specific, and choose the offer that is " + u.Offer + " here"
		}
	}
	u.Menus = []string{
		"Hamburger menu (top left) → Postbacks → + Postback (top right)",
		"Type: Conversion",
		scope,
		"Delivery: Postback (server to server), not HTML Pixel",
		"Paste the URL as it is, braces too, and save",
		"Make a test conversion, then see Reporting → Postback: it fired and got 200",
	}
}

func (u *pastedURL) text() string {
	p := &page{}
	fmt.Fprintln(&p.b, u.URL)
	p.title("WHERE IT GOES IN EVERFLOW")
	for i, step := range u.Menus {
		p.line(fmt.Sprint(i+1, "."), step)
	}
	p.title("MAY BE ADDED AT ITS END")
	var rows [][]string
	for _, m := range u.Extras {
		rows = append(rows, []string{m.Add, string(m.Confidence), m.Gives})
	}
	p.rows("", rows)
	p.line("", "confirmed: Everflow's help names it. likely: in use. unclear: add it only if the form's own list of macros has it.")
	p.title("THEN")
	p.line("", "subfive doctor checks what you saved: copy it from Everflow and give it in single quotes.")
	return p.String()
}
