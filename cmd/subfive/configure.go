package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"subfive"
	"subfive/config"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/identity"
)

func newSender(vault *identity.Vault, s config.Server, a *app) *forwarders.Sender {
	return forwarders.NewSender(forwarders.SenderConfig{
		Opener: vault, SiteURL: s.PublicURL, Now: a.now, Log: a.log(),
		NewID: func() string { return subfive.PrefixAttempt + strings.ReplaceAll(uuid.NewString(), "-", "") },
	})
}

// configure makes the forwarders of a setup's destinations. One that can't be
// made fails alone: its settings are wrong, or name a variable that is not set.
func configure(setup subfive.Setup, env config.Env, sender *forwarders.Sender, decode decoder) (ok []forwarders.Configured, failed map[string]error) {
	failed = map[string]error{}
	for _, d := range setup.Destinations {
		if d.ArchivedAt != nil {
			continue
		}
		c, err := configureOne(d, env, sender.AuthClient(hosts(d)...), decode)
		if err != nil {
			failed[d.ID] = err
			continue
		}
		ok = append(ok, c)
	}
	return ok, failed
}

// hosts are those that may have a private address: the operator named them.
func hosts(d subfive.Destination) []string {
	u, err := url.Parse(d.BaseURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Host}
}

type decoder func(text string, env config.Env, into any) error

func configureOne(d subfive.Destination, env config.Env, c *http.Client, decode decoder) (forwarders.Configured, error) {
	p, ok := all.Find(d.Platform)
	if !ok {
		return forwarders.Configured{}, fmt.Errorf("there is no platform %q", d.Platform)
	}
	f, err := p.New(func(into any) error { return decode(d.Settings, env, into) }, c)
	if err != nil {
		return forwarders.Configured{}, err
	}
	var settings map[string]any
	if d.Settings != "" {
		if err := decode(d.Settings, env, &settings); err != nil {
			return forwarders.Configured{}, err
		}
	}
	return forwarders.Configured{ID: d.ID, Platform: p, Forwarder: f, BaseURL: d.BaseURL, Secrets: secrets(settings)}, nil
}

// secrets returns the settings' values under keys that hold credentials.
func secrets(settings map[string]any) []string {
	var found []string
	for key, v := range settings {
		switch v := v.(type) {
		case string:
			if secretKey(key) {
				found = append(found, v)
			}
		case map[string]any:
			for k, nested := range v {
				if text, ok := nested.(string); ok && (secretKey(key) || secretKey(k)) {
					found = append(found, text)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func secretKey(key string) bool {
	return slices.ContainsFunc([]string{"token", "secret", "password", "key"}, func(word string) bool {
		return strings.Contains(strings.ToLower(key), word)
	})
}
