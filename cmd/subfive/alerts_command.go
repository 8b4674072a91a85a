package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/alerts"
)

func newAlerts(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "alerts",
		Short: "List what is wrong and what was; test the channels, or mute one alert",
		Long: `Lists the alerts that are open, and those of the last seven days. Where they are sent is set under alerts in
the file: a webhook, e-mail, Telegram.`,
		Example: `  subfive alerts
  subfive alerts test
  subfive alerts mute no_conversions spring 12h`,
		Args: exactly(0, "no arguments, but list, test or mute"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.listAlerts(c.Context(), s, json) })
		},
	}
	c.PersistentFlags().BoolVar(&json, "json", false, "one JSON object a line")
	list := &cobra.Command{Use: "list", Short: c.Short, Example: "  subfive alerts list --json", Args: exactly(0, "no arguments"), RunE: c.RunE}
	list.Short = "List the alerts that are open, and those of the last seven days"
	c.AddCommand(list, newAlertTest(a), newAlertMute(a))
	return c
}

// recentAlerts is how long ago an alert that is over may have been to be listed.
const recentAlerts = 7 * 24 * time.Hour

func (a *app) listAlerts(ctx context.Context, s session, json bool) error {
	all, err := s.Alerts(ctx)
	if err != nil {
		return err
	}
	now := a.now()
	t := &tableWriter{w: a.stdout}
	if !json {
		if err := t.head([]string{"state", "rule", "subject", "since (utc)", "told (utc)", "not told yet", "what"}); err != nil {
			return err
		}
	}
	shown := 0
	for _, state := range []subfive.AlertState{subfive.AlertFiring, subfive.AlertQuiet, subfive.AlertRecovered} {
		for _, alert := range all {
			if alert.State != state || state != subfive.AlertFiring && !alert.MutedUntil.After(now) && now.Sub(alert.RecoveredAt) > recentAlerts {
				continue
			}
			shown++
			if json {
				err = writeJSONLine(a.stdout, alert)
			} else {
				err = t.row([]any{alertState(alert, now), alert.Rule, alert.Subject, moment(alert.Since), moment(alert.ToldAt), notTold(alert), alert.What})
			}
			if err != nil {
				return err
			}
		}
	}
	switch {
	case json:
		return nil
	case shown == 0:
		fmt.Fprintln(a.stdout, "Nothing is wrong, and nothing was in the last seven days, as far as subfive serve saw.")
		if len(s.file.Server.Alerts) == 0 {
			fmt.Fprintln(a.stdout, "To be told when that changes, set alerts in the file, for instance:\n  alerts: [{kind: webhook, url: \"https://…\"}]\nthen: subfive alerts test")
		}
		return nil
	}
	return t.close()
}

// alertState says how an alert stands.
func alertState(a subfive.Alert, now time.Time) string {
	text := string(a.State)
	if a.MutedUntil.After(now) {
		text += ", muted until " + moment(a.MutedUntil)
	}
	return text
}

// notTold names the channels that did not take the last message, and why.
func notTold(a subfive.Alert) string {
	var all []string
	for _, m := range a.Owed {
		text := joined(": ", m.Channel, m.Error)
		if m.NextAt.IsZero() {
			text += " (given up)"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func newAlertTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "test",
		Short:   "Send a test through each channel, and say what happened",
		Example: "  subfive alerts test --config subfive.yaml",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.file()
			if err != nil {
				return err
			}
			channels, err := alertChannels(f.Server)
			if err != nil {
				return err
			}
			if len(channels) == 0 {
				return errors.New("no channel is set: write under alerts in the file {kind: webhook, url}, {kind: email, to, from, smtp} or {kind: telegram, token, chat_id}")
			}
			failed := 0
			for _, t := range alerts.Test(c.Context(), channels, hostName(), a.now()) {
				if t.Err != nil {
					failed++
					fmt.Fprintf(a.stdout, "%s: not sent: %v\n", t.Channel, t.Err)
					continue
				}
				fmt.Fprintf(a.stdout, "%s: sent\n", t.Channel)
			}
			if failed > 0 {
				return fmt.Errorf("%d of %s failed: mend what it says under alerts in the file, and test again", failed, count(len(channels), "channel", "channels"))
			}
			return nil
		},
	}
}

func newAlertMute(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "mute RULE SUBJECT DURATION",
		Short: "Say nothing of one alert for a while; 0 ends it",
		Long: `Says nothing of one alert for a while: 12h, 30d; 0 ends it. Rule and subject are as "subfive alerts" shows
them; a rule without a subject takes "". What still is so when the time is over is told then.`,
		Example: "  subfive alerts mute no_conversions spring 12h\n  subfive alerts mute database_down \"\" 2h",
		Args:    exactly(3, "a rule, a subject and a duration"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := subfive.ParseDuration(args[2])
			if err != nil {
				return usagef("%v", err)
			}
			rule := alerts.Rule(args[0])
			if !slices.Contains(alerts.Rules(), rule) {
				return usagef("%q is no rule; there are: %s", rule, strings.Join(words(alerts.Rules()...), ", "))
			}
			return a.with(c.Context(), func(s session) error { return a.mute(c.Context(), s, rule, args[1], d) })
		},
	}
}

func (a *app) mute(ctx context.Context, s session, rule alerts.Rule, subject string, d time.Duration) error {
	muted, err := muteAlerts(ctx, s.Store, func(x subfive.Alert) bool { return x.Rule == string(rule) && x.Subject == subject }, d, a.now())
	if err != nil {
		return err
	}
	if len(muted) == 0 && d > 0 {
		one := subfive.Alert{Rule: string(rule), Subject: subject, State: subfive.AlertQuiet, MutedUntil: a.now().Add(d), UpdatedAt: a.now()}
		if alerts.IsLocal(rule) {
			if one.Node, err = nodeName(s.file.Server.DataDir); err != nil {
				return err
			}
		}
		one.ID = subfive.AlertID(one.Rule, one.Subject, one.Node)
		switch won, err := s.KeepAlert(ctx, one); {
		case err != nil:
			return err
		case !won: // it just fired
			return a.mute(ctx, s, rule, subject, d)
		}
	}
	if d == 0 {
		fmt.Fprintf(a.stdout, "%s is told again\n", joined(" ", string(rule), subject))
		return nil
	}
	fmt.Fprintf(a.stdout, "nothing is said of %s until %s UTC\n", joined(" ", string(rule), subject), moment(a.now().Add(d)))
	return nil
}
