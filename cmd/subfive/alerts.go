package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"subfive"
	"subfive/alerts"
	"subfive/config"
	"subfive/store"
)

// alertChannels are the ways to a person that the settings name: by their kind,
// and by number from the second of a kind on.
func alertChannels(s config.Server) ([]alerts.Channel, error) {
	client := &http.Client{}
	var all []alerts.Channel
	kinds := map[string]int{}
	for _, a := range s.Alerts {
		name := a.Kind
		if kinds[a.Kind]++; kinds[a.Kind] > 1 {
			name = fmt.Sprintf("%s-%d", a.Kind, kinds[a.Kind])
		}
		c := alerts.Channel{Name: name}
		switch a.Kind {
		case config.AlertWebhook:
			c.Sender = alerts.NewWebhook(client, a.URL, a.Secret)
		case config.AlertEmail:
			var err error
			if c.Sender, err = alerts.NewEmail(alerts.Email{To: a.To, From: a.From, Server: a.SMTP, Username: a.Username, Password: a.Password}); err != nil {
				return nil, fmt.Errorf("alerts: %s: %w", name, err)
			}
		case config.AlertTelegram:
			c.Sender = alerts.NewTelegram(client, alerts.TelegramAPI, a.Token, a.ChatID)
		}
		all = append(all, c)
	}
	return all, nil
}

// newWatch makes what looks after alerts in a running tracker.
func newWatch(t *tracker) (*alerts.Watch, error) {
	channels, err := alertChannels(t.file.Server)
	if err != nil {
		return nil, err
	}
	var off []alerts.Rule
	for _, r := range t.file.Server.AlertsOff {
		off = append(off, alerts.Rule(r))
	}
	told := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "subfive_alert_messages_total", Help: "Messages about alerts, by channel and how they ended: sent or failed.",
	}, []string{"channel", "result"})
	for _, c := range channels {
		for _, result := range []string{"sent", "failed"} {
			told.WithLabelValues(c.Name, result)
		}
	}
	w := alerts.New(alerts.Config{
		Node: t.node, Facts: newFacts(t).gather, Book: alertBook{t}, Channels: channels, Off: off, Host: hostName(),
		PublicURL: t.file.Server.PublicURL, Log: t.log, Now: t.app.now,
		Told: func(channel string, err error) {
			result := "sent"
			if err != nil {
				result = "failed"
			}
			told.WithLabelValues(channel, result).Inc()
		},
	})
	t.metrics.registry.MustRegister(told, firing{w})
	return w, nil
}

// hostName is the machine's, "" if it has none.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// alertBook is the store, once it is there.
type alertBook struct{ t *tracker }

func (b alertBook) open(ctx context.Context) (*store.Store, context.Context, context.CancelFunc, error) {
	st := b.t.store.Load()
	if st == nil {
		return nil, ctx, func() {}, errNoDatabase
	}
	ctx, cancel := context.WithTimeout(ctx, queueWithin)
	return st, ctx, cancel, nil
}

// Alerts and the next two are alerts.Book.
func (b alertBook) Alerts(ctx context.Context) ([]subfive.Alert, error) {
	st, ctx, cancel, err := b.open(ctx)
	defer cancel()
	if err != nil {
		return nil, err
	}
	return st.Alerts(ctx)
}

func (b alertBook) KeepAlert(ctx context.Context, a subfive.Alert) (bool, error) {
	st, ctx, cancel, err := b.open(ctx)
	defer cancel()
	if err != nil {
		return false, err
	}
	return st.KeepAlert(ctx, a)
}

func (b alertBook) ForgetAlerts(ctx context.Context, before time.Time) error {
	st, ctx, cancel, err := b.open(ctx)
	defer cancel()
	if err != nil {
		return err
	}
	return st.ForgetAlerts(ctx, before)
}

// firing is the metric of open alerts.
type firing struct{ w *alerts.Watch }

var descFiring = desc("alerts_firing", "Alerts that are open, by rule.", "rule")

func (f firing) Describe(to chan<- *prometheus.Desc) { to <- descFiring }

// Collect implements prometheus.Collector.
func (f firing) Collect(to chan<- prometheus.Metric) {
	open := map[string]int{}
	for _, r := range alerts.Rules() {
		open[string(r)] = 0
	}
	for _, a := range f.w.Alerts() {
		if a.State == subfive.AlertFiring {
			open[a.Rule]++
		}
	}
	for rule, n := range open {
		to <- prometheus.MustNewConstMetric(descFiring, prometheus.GaugeValue, float64(n), rule)
	}
}

// Alerts lists alerts, for the REST API; without the database those that this
// process knows of.
func (b *backend) Alerts(ctx context.Context) (any, error) {
	all := b.t.watch.Alerts()
	if stored, err := (alertBook{b.t}).Alerts(ctx); err == nil {
		all = stored
	} else if !store.Down(err) && !errors.Is(err, errNoDatabase) {
		return nil, err
	}
	if all == nil {
		all = []subfive.Alert{}
	}
	return map[string]any{"items": all}, nil
}

// alert is one of them.
func (b *backend) alert(ctx context.Context, id string) (any, error) {
	all, err := alertBook{b.t}.Alerts(ctx)
	if err != nil {
		all = b.t.watch.Alerts()
	}
	for _, a := range all {
		if a.ID == id {
			return a, nil
		}
	}
	return nil, fmt.Errorf("alert %s: %w", id, subfive.ErrNotFound)
}

// MuteAlert mutes one, for the REST API.
func (b *backend) MuteAlert(ctx context.Context, id string, d time.Duration) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	muted, err := muteAlerts(ctx, st, func(a subfive.Alert) bool { return a.ID == id }, d, b.t.app.now())
	if err != nil {
		return nil, err
	}
	if len(muted) == 0 {
		return nil, fmt.Errorf("alert %s: %w", id, subfive.ErrNotFound)
	}
	return muted[0], nil
}

// muteAlerts mutes the stored alerts that match, for so long; 0 ends it.
func muteAlerts(ctx context.Context, st *store.Store, match func(subfive.Alert) bool, d time.Duration, now time.Time) ([]subfive.Alert, error) {
	for {
		all, err := st.Alerts(ctx)
		if err != nil {
			return nil, err
		}
		var muted []subfive.Alert
		raced := false
		for _, a := range all {
			if !match(a) {
				continue
			}
			a.MutedUntil, a.UpdatedAt = now.Add(d), now
			if d == 0 {
				a.MutedUntil = time.Time{}
			}
			a.Owed = nil // what was not told yet is not to be
			won, err := st.KeepAlert(ctx, a)
			if err != nil {
				return nil, err
			}
			raced = raced || !won
			muted = append(muted, a)
		}
		if !raced {
			return muted, nil
		}
	}
}
