package main

import (
	"context"
	"net/url"
	"slices"

	"subfive/alerts"
	"subfive/config"
)

// alertChannel is a way to a person, without its secrets.
type alertChannel struct {
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	To      string `json:"to"`
}

// alertRule is a rule, and whether the file switches it off.
type alertRule struct {
	Rule string `json:"rule"`
	Off  bool   `json:"off"`
}

// testedChannel is what a channel said to a test.
type testedChannel struct {
	Channel string `json:"channel"`
	Sent    bool   `json:"sent"`
	Error   string `json:"error,omitempty"`
}

// AlertChannels lists channels and rules, for the REST API.
func (b *backend) AlertChannels(context.Context) (any, error) {
	channels, err := alertChannels(b.t.file.Server)
	if err != nil {
		return nil, err
	}
	shown := []alertChannel{}
	for i, a := range b.t.file.Server.Alerts {
		shown = append(shown, alertChannel{Channel: channels[i].Name, Kind: a.Kind, To: reaches(a)})
	}
	rules := []alertRule{}
	for _, r := range alerts.Rules() {
		rules = append(rules, alertRule{Rule: string(r), Off: slices.Contains(b.t.file.Server.AlertsOff, string(r))})
	}
	return map[string]any{"items": shown, "rules": rules}, nil
}

// reaches is whom a channel reaches. A webhook's path is often its password.
func reaches(a config.Alert) string {
	switch a.Kind {
	case config.AlertEmail:
		return a.To
	case config.AlertTelegram:
		return "chat " + a.ChatID
	}
	if u, err := url.Parse(a.URL); err == nil {
		return u.Host
	}
	return ""
}

// TestAlerts sends a test through each channel, for the REST API.
func (b *backend) TestAlerts(ctx context.Context) (any, error) {
	channels, err := alertChannels(b.t.file.Server)
	if err != nil {
		return nil, err
	}
	tested := []testedChannel{}
	for _, t := range alerts.Test(ctx, channels, hostName(), b.t.app.now()) {
		one := testedChannel{Channel: t.Channel, Sent: t.Err == nil}
		if t.Err != nil {
			one.Error = t.Err.Error()
		}
		tested = append(tested, one)
	}
	return map[string]any{"items": tested}, nil
}
