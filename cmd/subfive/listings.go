package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/everflow"
	"subfive/store"
)

// viewDeliveries is the list whose rows may be held.
const viewDeliveries = "deliveries"

// held is how a scheduled delivery looks while its destination is paused.
const held = "held"

// textColumn is a column that shows one of the view's.
func textColumn(head, name string) column {
	return column{head, func(row map[string]any) string { return cellText(row[name]) }}
}

// timeColumn is the first column: the row's own moment.
func timeColumn(name string) column {
	return column{"time (utc)", func(row map[string]any) string {
		text := cellText(row[name])
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return moment(t)
		}
		return text
	}}
}

// moneyColumn is a column that shows an amount with its currency.
func moneyColumn(head, amount, currency string) column {
	return column{head, func(row map[string]any) string {
		return strings.TrimSpace(cellText(row[amount]) + " " + cellText(row[currency]))
	}}
}

func newPostbacks(a *app) *cobra.Command {
	c := newList(a, listing{
		view: "postbacks", one: "postback", short: "List the postbacks that came in, or show the story of one",
		example: `  subfive postbacks --since 24h
  subfive postbacks --verdict unmatched --since 7d --json
  subfive postbacks --reading literal_macro --all`,
		columns: []column{
			timeColumn("received_at"), textColumn("postback", "postback_id"), textColumn("verdict", "verdict"), textColumn("reading", "reading"),
			textColumn("click", "click_id_raw"), textColumn("goal", "goal"), textColumn("status", "network_status"), moneyColumn("payout", "payout", "payout_currency"),
		},
		filters: []filter{
			{flag: "verdict", column: "verdict", usage: "what was decided", values: verdicts()},
			{flag: "reading", column: "reading", usage: "what the request looked like", values: readings()},
			{flag: "via", column: "via", usage: "how it came", values: []string{subfive.ViaS2S, subfive.ViaPixel, subfive.ViaAPI, subfive.ViaImport, subfive.ViaImportForward}},
			{flag: "network", column: "network_id", usage: "who sent it"},
			{flag: "endpoint", column: "endpoint_id", usage: "where it came in"},
			{flag: "click", column: "click_id", usage: "the click ID it brought"},
			{flag: "transaction", column: "transaction_id", usage: "the network's click session"},
			{flag: "network-conversion", column: "network_conversion_id", usage: "the network's conversion"},
			{flag: "order", column: "order_id", usage: "the advertiser's order"},
			{flag: "goal", column: "goal", usage: "what the visitor did; base is the conversion itself"},
			{flag: "conversion", column: "conversion_id", usage: "the conversion it made or speaks of"},
			{flag: "settled", column: "settled_as", usage: "how a person decided it", values: []string{"duplicate", "new", "correction", "accepted"}},
		},
		empty: func(s session) string {
			return "Each request of your network will be a line here, with what it brought and what was decided.\n" +
				"Paste this URL into Everflow (Postbacks, + Postback), braces and all:\n  " + postbackURL(s) + "\n" +
				"or try it here, while subfive serve runs:\n  subfive simulate '" + postbackURL(s) + "'\n"
		},
	})
	c.AddCommand(newSettle(a), newAccept(a), newAttach(a))
	return c
}

func newClicks(a *app) *cobra.Command {
	return newList(a, listing{
		view: "clicks", one: "click", short: "List the ad clicks, or show the story of one",
		example: `  subfive clicks --since 24h
  subfive clicks --campaign spring --json
  subfive clicks --bot --since 2026-11-20`,
		columns: []column{
			timeColumn("clicked_at"), textColumn("click", "click_id"), textColumn("kind", "record_kind"), textColumn("campaign", "campaign_id"),
			textColumn("source", "source_id"), textColumn("platform", "platform"), textColumn("offer", "offer_id"),
			{"platform ids", platformIDs},
			{"marks", marks},
		},
		filters: []filter{
			{
				flag: "kind", column: "record_kind", usage: "how it was recorded",
				values: []string{subfive.ClickRedirect, subfive.ClickScript, subfive.ClickLanding, subfive.ClickImport},
			},
			{flag: "campaign", column: "campaign_id", usage: "the campaign clicked"},
			{flag: "source", column: "source_id", usage: "where the traffic was bought"},
			{flag: "platform", column: "platform", usage: "the source's platform"},
			{flag: "ad-account", column: "ad_account_id", usage: "the source's ad account"},
			{flag: "offer", column: "offer_id", usage: "the offer promoted"},
			{flag: "landing", column: "landing_id", usage: "the landing page shown"},
			{flag: "bot", column: "is_bot", usage: "those that look like a bot's (--bot=false: those that do not)", yesNo: true},
			{flag: "test", column: "is_test", usage: "tests (--test=false: all but tests)", yesNo: true},
		},
		empty: func(s session) string {
			text := "Each click on a campaign's link will be a line here. Open one of these, as your ad does:\n"
			for _, c := range s.file.Setup.Campaigns {
				text += "  " + campaignLink(s.file.Setup, c, siteURL(s)) + "\n"
			}
			if len(s.file.Setup.Campaigns) == 0 {
				return "Each click on a campaign's link will be a line here. Make a campaign first: \"subfive config sample\"\n" +
					"prints a file to begin with, \"subfive apply -f subfive.yaml\" takes it in.\n"
			}
			return text
		},
	})
}

func newConversions(a *app) *cobra.Command {
	c := newList(a, listing{
		view: "conversions", one: "conversion", short: "List the conversions, or show the story of one",
		example: `  subfive conversions --since 24h
  subfive conversions --verdict waiting
  subfive conversions --campaign spring --status approved --all --json`,
		columns: []column{
			timeColumn("converted_at"), textColumn("conversion", "conversion_id"), textColumn("verdict", "verdict"), textColumn("campaign", "campaign_id"),
			textColumn("goal", "goal"), textColumn("status", "network_status"), moneyColumn("payout", "payout", "payout_currency"),
			{"told", toldOf},
		},
		filters: []filter{
			{flag: "verdict", column: "verdict", usage: "what was decided", values: conversionVerdicts()},
			{
				flag: "match", column: "match_method", usage: "how it came by its click",
				values: []string{subfive.MatchClick, subfive.MatchLate, subfive.MatchDirect, subfive.MatchManual},
			},
			{flag: "status", column: "network_status", usage: "the network's opinion: pending, approved, rejected"},
			{flag: "goal", column: "goal", usage: "what the visitor did; base is the conversion itself"},
			{flag: "network", column: "network", usage: "who pays"},
			{flag: "endpoint", column: "endpoint_id", usage: "where it came in"},
			{flag: "click", column: "click_id", usage: "the click it counts for"},
			{flag: "transaction", column: "transaction_id", usage: "the network's click session"},
			{flag: "network-conversion", column: "network_conversion_id", usage: "the network's conversion"},
			{flag: "order", column: "order_id", usage: "the advertiser's order"},
			{flag: "campaign", column: "campaign_id", usage: "the campaign credited"},
			{flag: "source", column: "source_id", usage: "where the traffic was bought"},
			{flag: "offer", column: "offer_id", usage: "the offer promoted"},
			{flag: "platform", column: "platform", usage: "the source's platform"},
			{flag: "counts", column: "counts_conversion", usage: "those that count (--counts=false: those that do not)", yesNo: true},
			{flag: "test", column: "is_test", usage: "tests (--test=false: all but tests)", yesNo: true},
		},
		empty: func(session) string {
			return "What your network pays for will be a line here, once: \"subfive postbacks\" says how to get the first one.\n"
		},
	})
	c.AddCommand(newTest(a))
	return c
}

func newDeliveries(a *app) *cobra.Command {
	return newList(a, listing{
		view: viewDeliveries, one: "delivery", short: "List what platforms were told, are to be told, or were not and why",
		example: `  subfive deliveries --since 24h
  subfive deliveries --status dead --since 7d
  subfive deliveries --status held --destination meta-main`,
		columns: []column{
			timeColumn("created_at"), textColumn("delivery", "delivery_id"), textColumn("destination", "destination_id"), textColumn("kind", "kind"),
			textColumn("event", "event_name"), moneyColumn("value", "value", "currency"),
			{"status", heldStatus},
			textColumn("reason", "reason"),
		},
		filters: []filter{
			{flag: "status", column: "status", usage: "where it stands", values: append(deliveryStatuses(), held)},
			{flag: "reason", column: "reason_code", usage: "why, by its code"},
			{flag: "destination", column: "destination_id", usage: "who is told"},
			{flag: "platform", column: "platform", usage: "on which platform"},
			{flag: "kind", column: "kind", usage: "what is told", values: kinds()},
			{flag: "mode", column: "mode", usage: "the mode it was decided in", values: modes()},
			{flag: "event", column: "event_name", usage: "the event in the platform's words"},
			{flag: "event-id", column: "event_id", usage: "what the platform deduplicates by"},
			{flag: "conversion", column: "conversion_id", usage: "what it is about"},
			{flag: "click", column: "click_id", usage: "the click it counts for"},
		},
		empty: func(session) string {
			return "For each conversion, each destination it is owed to will be a line here. Which those are, a campaign's\n" +
				"destinations say, else its source's: see \"subfive config sample\". A conversion that nobody was told of says\n" +
				"why: subfive conversions show ID\n"
		},
	})
}

// platformIDs names the platforms' IDs that a click carries.
func platformIDs(row map[string]any) string {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(row)) {
		if name, ok := strings.CutPrefix(key, "has_"); ok && cellText(row[key]) == "1" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func marks(row map[string]any) string {
	var found []string
	for _, m := range []string{"bot", "prefetch", "test"} {
		if cellText(row["is_"+m]) == "1" {
			found = append(found, m)
		}
	}
	return strings.Join(found, " ")
}

func heldStatus(row map[string]any) string {
	if row[held] == true {
		return held
	}
	return cellText(row["status"])
}

// toldOf counts who was told of a conversion.
func toldOf(row map[string]any) string {
	text := "nobody"
	if owed := cellText(row["deliveries_owed"]); owed != "0" {
		text = cellText(row["deliveries_delivered"]) + " of " + owed
	}
	for _, what := range []string{held, "dead", "skipped"} {
		if n := cellText(row["deliveries_"+what]); n != "0" && n != "" {
			text += ", " + n + " " + what
		}
	}
	return text
}

// hereURL is where the tracker is reached: its public URL, else where it
// listens.
func hereURL(s session) string {
	if s.file.Server.PublicURL != "" {
		return s.file.Server.PublicURL
	}
	return "http://" + s.file.Server.Listen
}

func postbackURL(s session) string {
	endpoint, _ := s.file.Setup.Endpoint(subfive.DefaultEndpoint)
	return everflow.PostbackURL(hereURL(s), endpoint, everflow.Options{})
}

// pausedDestinations returns the stored pauses by destination. One that has run
// out holds until a probe went well.
func pausedDestinations(ctx context.Context, st *store.Store) (map[string]subfive.Pause, error) {
	pauses, err := st.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	paused := map[string]subfive.Pause{}
	for _, p := range pauses {
		if p.Manual || !p.Until.IsZero() {
			paused[p.DestinationID] = p
		}
	}
	return paused, nil
}
