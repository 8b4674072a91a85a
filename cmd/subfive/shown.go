package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"subfive"
	"subfive/config"
	"subfive/store"
)

// shown is a resource as people see it: the file's fields, where it comes from,
// since when it is archived, and what is known of its secrets.
func shown(r store.Resource) (map[string]any, error) {
	spec, err := json.Marshal(config.Shown(r.Value))
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(spec, &fields); err != nil {
		return nil, err
	}
	delete(fields, "archived_at") // a campaign's own
	fields["origin"] = r.Origin
	if !r.ArchivedAt.IsZero() {
		fields["archived_at"] = r.ArchivedAt
	}
	if d, ok := r.Value.(subfive.Destination); ok && d.Settings != "" {
		settings, err := config.ShownSettings(d.Settings)
		if err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.ID, err)
		}
		fields["settings"] = settings
	}
	return fields, nil
}

// keptSecret is a secret of a resource, and who set it.
type keptSecret struct {
	config.Secret
	SetBy string    `json:"set_by,omitempty"`
	SetAt time.Time `json:"set_at,omitzero"`
}

// shownAll are resources as people see them, with who set their secrets.
func shownAll(ctx context.Context, st *store.Store, all ...store.Resource) ([]map[string]any, error) {
	items := make([]map[string]any, len(all))
	var by map[string]store.Audit
	for i, r := range all {
		var err error
		if items[i], err = shown(r); err != nil {
			return nil, err
		}
		secrets := config.Secrets(r.Value)
		if len(secrets) == 0 {
			continue
		}
		if by == nil {
			if by, err = st.SealedBy(ctx); err != nil {
				return nil, err
			}
		}
		set := by[string(r.Kind)+" "+r.ID]
		kept := make([]keptSecret, len(secrets))
		for j, s := range secrets {
			kept[j] = keptSecret{s, set.Actor, set.At}
		}
		items[i]["secrets"] = kept
	}
	return items, nil
}

func shownOne(ctx context.Context, st *store.Store, r store.Resource) (map[string]any, error) {
	all, err := shownAll(ctx, st, r)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// yamlChange is a resource as the file writes it, before and after a change; ""
// where there is none.
type yamlChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// yamlOf writes what a change makes of a resource; after is nil where it is
// archived.
func yamlOf(list string, before store.Resource, after any) (c yamlChange, err error) {
	if before.Value != nil && before.ArchivedAt.IsZero() {
		if c.Before, err = resourceYAML(list, before.Value); err != nil {
			return c, err
		}
	}
	if after != nil {
		c.After, err = resourceYAML(list, after)
	}
	return c, err
}

// resourceYAML is a resource as a file has it below its list, secrets hidden.
func resourceYAML(list string, value any) (string, error) {
	body, err := valueYAML(value)
	if err != nil {
		return "", fmt.Errorf("write %s as YAML: %w", list, err)
	}
	text := list + ":\n"
	for i, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		indent := "    "
		if i == 0 {
			indent = "  - "
		}
		text += indent + line + "\n"
	}
	return text, nil
}

// valueYAML is a resource's fields as a file writes them, secrets hidden.
func valueYAML(value any) (string, error) {
	hidden := config.Shown(value)
	if c, ok := hidden.(subfive.Campaign); ok {
		c.ArchivedAt = nil // it is said elsewhere
		hidden = c
	}
	var settings map[string]any
	if d, ok := value.(subfive.Destination); ok && d.Settings != "" {
		var err error
		if settings, err = config.ShownSettings(d.Settings); err != nil {
			return "", err
		}
	}
	if d, ok := hidden.(subfive.Destination); ok {
		d.Account, d.ArchivedAt = "", nil // no file has them
		hidden = d
	}
	spec, err := json.Marshal(hidden)
	if err != nil {
		return "", err
	}
	text, err := yaml.JSONToYAML(spec)
	if err != nil || len(settings) == 0 {
		return string(text), err
	}
	own, err := yaml.Marshal(map[string]any{"settings": settings})
	return string(text) + string(own), err
}
