package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/alerts"
	"subfive/config"
	"subfive/store"
)

// The file's words are the rules' names.
func TestAlertRules(t *testing.T) {
	if diff := cmp.Diff(words(alerts.Rules()...), config.AlertRules()); diff != "" {
		t.Errorf("(-alerts +config):\n%s", diff)
	}
}

// hook takes alerts as a webhook, and keeps those of one rule.
type hook struct {
	rule   string
	status int
	mu     sync.Mutex
	posted []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message struct {
		Alerts []alerts.Item
	}
	if err := errors.Join(err, json.Unmarshal(body, &message)); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range message.Alerts {
		if a.Rule == h.rule {
			h.posted = append(h.posted, string(a.Event)+" "+a.Subject+": "+a.What)
		}
	}
	if h.status != 0 {
		w.WriteHeader(h.status)
	}
}

func (h *hook) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.posted...)
}

// alerting is a site whose alerts of a rule go to a hook.
func alerting(t *testing.T, dsn, rule string) (*site, *hook) {
	s, h := newSite(t, dsn), &hook{rule: rule}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	file, err := os.OpenFile(s.config, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(file, "alerts:\n  - {kind: webhook, url: %q}\n", server.URL)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return s, h
}

func TestServeTellsOfAPause(t *testing.T) {
	t.Parallel()
	s, h := alerting(t, "", string(alerts.DestinationPaused))
	s.start()
	s.operate(http.MethodPost, "destinations/meta-main/pause", `{"reason":"new token"}`)
	s.until("an alert is told", time.Minute, func() bool {
		return len(h.got()) > 0 && s.metric(`subfive_alerts_firing{rule="destination_paused"}`) == 1
	})
	s.operate(http.MethodGet, "alerts", "")
	s.stop()
	s.start() // what was told is not told again
	s.operate(http.MethodPost, "destinations/meta-main/resume", "")
	s.until("its end is told", time.Minute, func() bool { return len(h.got()) > 1 })
	what := "Destination meta-main is paused (by operator: new token); 0 deliveries wait."
	want := []string{"fired meta-main: " + what, "recovered meta-main: " + what}
	got := h.got()
	for i := range got { // who asked is the token's
		if head, rest, ok := strings.Cut(got[i], "(by "); ok {
			_, rest, _ = strings.Cut(rest, ": ")
			got[i] = head + "(by operator: " + rest
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	s.until("the message is counted", 10*time.Second, func() bool {
		return s.metric(`subfive_alert_messages_total{channel="webhook",result="sent"}`) > 0
	})
	s.stop()
}

func TestServeTellsThatTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	s, h := alerting(t, "postgres://127.0.0.1:1/none", string(alerts.DatabaseDown))
	s.launch()
	s.until("an alert is told", 2*time.Minute, func() bool { return len(h.got()) > 0 })
	want := []string{"fired : The database does not answer; 0 records wait in the journal, so nothing is lost, and nothing is told to platforms."}
	if diff := cmp.Diff(want, h.got()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	s.stop()
}

func TestAlertCommands(t *testing.T) {
	c := newCommands(t)
	if out, _ := c.run(0, "alerts"); !strings.Contains(out, "Nothing is wrong") || !strings.Contains(out, "set alerts in the file") {
		t.Errorf("none: %s", out)
	}
	if _, errs := c.run(1, "alerts", "test"); !strings.Contains(errs, "no channel is set") {
		t.Errorf("no channel: %s", errs)
	}
	for name, args := range map[string][]string{
		"no rule": {"backlock", "m", "1h"}, "duration": {"backlog", "m", "soon"}, "a rule, a subject and a duration": {"backlog", "m"},
	} {
		if _, errs := c.run(2, append([]string{"alerts", "mute"}, args...)...); !strings.Contains(errs, name) {
			t.Errorf("%s: %s", name, errs)
		}
	}
	fired := subfive.Alert{
		ID: subfive.AlertID("backlog", "meta-main", ""), Rule: "backlog", Subject: "meta-main", State: subfive.AlertFiring, What: "7 are due", Since: noon(),
		FiredAt: noon(), ToldAt: noon(), UpdatedAt: noon(),
		Owed: []subfive.AlertMessage{{Channel: "email", Event: subfive.EventFired, At: noon(), Error: "answered 550"}},
	}
	old := subfive.Alert{ID: "al_old", Rule: "no_clicks", Subject: "winter", State: subfive.AlertRecovered, RecoveredAt: noon().Add(-8 * 24 * time.Hour)}
	c.with(func(s session, _ *app) error {
		for _, a := range []subfive.Alert{fired, old} {
			if won, err := s.KeepAlert(t.Context(), a); err != nil || !won {
				return fmt.Errorf("kept: %v, %w", won, err)
			}
		}
		return nil
	})
	out, _ := c.run(0, "alerts", "list")
	if !strings.Contains(out, "firing  backlog  meta-main") || !strings.Contains(out, "email: answered 550 (given up)  7 are due") || strings.Contains(out, "winter") {
		t.Errorf("list:\n%s", out)
	}
	for _, args := range [][]string{{"backlog", "meta-main", "12h"}, {"database_down", "", "1d"}, {"no_clicks", "spring", "0"}} {
		c.run(0, append([]string{"alerts", "mute"}, args...)...)
	}
	node, err := os.ReadFile(filepath.Join(c.dir, "node"))
	if err != nil {
		t.Fatal(err)
	}
	muted, quiet := fired, subfive.Alert{Rule: "database_down", Node: strings.TrimSpace(string(node)), State: subfive.AlertQuiet, UpdatedAt: noon()}
	muted.MutedUntil, muted.Owed, quiet.MutedUntil = noon().Add(12*time.Hour), nil, noon().Add(24*time.Hour)
	quiet.ID = subfive.AlertID(quiet.Rule, "", quiet.Node)
	var want bytes.Buffer
	for _, a := range []subfive.Alert{muted, quiet} {
		if err := writeJSONLine(&want, a); err != nil {
			t.Fatal(err)
		}
	}
	out, _ = c.run(0, "alerts", "--json")
	if diff := cmp.Diff(want.String(), out); diff != "" {
		t.Errorf("as JSON (-want +got):\n%s", diff)
	}
	if out, _ := c.run(0, "alerts"); !strings.Contains(out, "firing, muted until 2026-") {
		t.Errorf("muted:\n%s", out)
	}
}

func TestAlertTestCommand(t *testing.T) {
	good, bad := httptest.NewServer(&hook{}), httptest.NewServer(&hook{status: http.StatusForbidden})
	defer good.Close()
	defer bad.Close()
	c := newCommands(t)
	file := commandsFile + fmt.Sprintf("alerts:\n  - {kind: webhook, url: %q}\n", good.URL)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file)
	if out, _ := c.run(0, "alerts", "test"); out != "webhook: sent\n" {
		t.Errorf("one: %s", out)
	}
	write(file + fmt.Sprintf("  - {kind: webhook, url: %q}\n", bad.URL+"/s3cret"))
	out, errs := c.run(1, "alerts", "test")
	if out != "webhook: sent\nwebhook-2: not sent: answered 403 Forbidden\n" || !strings.Contains(errs, "1 of 2 channels failed") || strings.Contains(out+errs, "s3cret") {
		t.Errorf("two: %s%s", out, errs)
	}
}

func TestActivity(t *testing.T) {
	first := noon().Truncate(time.Hour).Add(-(alerts.HistoryHours - 1) * time.Hour)
	at := func(hour int) time.Time { return first.Add(time.Duration(hour) * time.Hour) }
	clicks := map[string]map[time.Time]int{}
	mergeHours(clicks, []store.Hourly{{Subject: "spring", Hour: at(0), N: 1}, {Subject: "spring", Hour: at(5), N: 2}, {Subject: "gone", Hour: at(0), N: 3}}, at(0), at(0))
	mergeHours(clicks, []store.Hourly{{Subject: "spring", Hour: at(5), N: 4}, {Subject: "spring", Hour: at(6), N: 5}}, at(1), at(5))
	if diff := cmp.Diff(map[string]map[time.Time]int{"spring": {at(5): 4, at(6): 5}}, clicks); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	archived := noon()
	setup := subfive.Setup{
		Campaigns:    []subfive.Campaign{{ID: "spring"}, {ID: "paused", Paused: true}, {ID: "old", ArchivedAt: &archived}},
		Endpoints:    []subfive.Endpoint{{ID: "default"}},
		Sources:      []subfive.Source{{ID: "s"}},
		Destinations: []subfive.Destination{{ID: "m"}, {ID: "old", ArchivedAt: &archived}},
	}
	got := activityOf(setup, clicks, store.Traffic{
		Conversions: []store.Hourly{{Subject: "spring", Hour: at(alerts.HistoryHours - 1), N: 6}},
		Postbacks:   []store.Hourly{{Subject: "default", Hour: at(1), N: 7}, {Subject: "default", Hour: at(2), N: 8}},
		Matched:     []store.Hourly{{Subject: "default", Hour: at(2), N: 9}},
		Decided:     []store.Decided{{SourceID: "s", Status: subfive.StatusApproved, N: 10}, {SourceID: "s", Status: subfive.StatusRejected, N: 11}, {SourceID: "x", Status: subfive.StatusRejected, N: 99}},
		Deliveries: []store.Delivered{
			{DestinationID: "m", Status: subfive.DeliveryDelivered, N: 12},
			{DestinationID: "m", Status: subfive.DeliveryDead, ReasonCode: "rejected", N: 3},
			{DestinationID: "m", Status: subfive.DeliveryDead, ReasonCode: "poison", N: 2},
			{DestinationID: "x", Status: subfive.DeliveryDead, N: 99},
		},
		Unmapped: []store.Unmapped{{DestinationID: "m", Goal: "upsell", N: 4}, {DestinationID: "x", Goal: "upsell", N: 99}},
	}, first)
	want := &alerts.Activity{
		Campaigns: []alerts.CampaignActivity{{ID: "spring"}}, Endpoints: []alerts.EndpointActivity{{ID: "default"}},
		Sources:      []alerts.SourceActivity{{ID: "s", Approved: 10, Rejected: 11}},
		Destinations: []alerts.DestinationActivity{{ID: "m", Deliveries: 17, Dead: 5, Poison: 2, Reason: "rejected", Unmapped: map[string]int{"upsell": 4}}},
	}
	want.Campaigns[0].Clicks[5], want.Campaigns[0].Clicks[6], want.Campaigns[0].Conversions[alerts.HistoryHours-1] = 4, 5, 6
	want.Endpoints[0].Postbacks[1], want.Endpoints[0].Postbacks[2], want.Endpoints[0].Matched[2] = 7, 8, 9
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
}
