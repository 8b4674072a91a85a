package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

const storedHook = `url: https://hooks.example.com/in?t=abc
secrets:
  hook_token: first-secret-1234
  "007": short
retries: 3
`

// What a caller leaves out of settings or gives as it was shown stays, and goes
// nowhere else.
func TestSettingsKeepSecrets(t *testing.T) {
	meta := subfive.Destination{ID: "x", Platform: "meta", Settings: "dataset_id: \"007\"\naccess_token: t0ken\napp_secret: s3cret\n"}
	hook := subfive.Destination{ID: "x", Platform: "relay", Settings: storedHook}
	tests := map[string]struct {
		data   string
		stored subfive.Destination
		want   string // "": refused
	}{
		"left out":              {`{"platform": "meta", "settings": {"dataset_id": "1008"}}`, meta, "access_token: t0ken\napp_secret: s3cret\ndataset_id: \"1008\"\n"},
		"as shown":              {`{"platform": "meta", "settings": {"dataset_id": "1008", "access_token": "***", "app_secret": ""}}`, meta, "access_token: t0ken\napp_secret: \"\"\ndataset_id: \"1008\"\n"},
		"new":                   {`{"platform": "meta", "settings": {"dataset_id": "007", "access_token": "new", "app_secret": "new"}}`, meta, "{\"dataset_id\": \"007\", \"access_token\": \"new\", \"app_secret\": \"new\"}\n"},
		"what is stored as ***": {`{"platform": "meta", "settings": {"dataset_id": "007", "test_event_code": "***"}}`, meta, ""},
		"for the first time":    {`{"platform": "meta", "settings": {"access_token": "***"}}`, subfive.Destination{}, ""},
		"a page is no address": {
			`{"platform": "meta", "settings": {"dataset_id": "007", "default_event_source_url": "https://lp.example/"}}`, meta,
			"access_token: t0ken\napp_secret: s3cret\ndataset_id: \"007\"\ndefault_event_source_url: https://lp.example/\n",
		},
		"another base_url": {`{"platform": "meta", "base_url": "https://x.example", "settings": {"dataset_id": "007", "access_token": "***"}}`, meta, ""},
		"an address as shown": {
			`{"platform": "relay", "settings": {"url": "https://hooks.example.com/in?***", "retries": 4}}`, hook,
			"retries: 4\nsecrets:\n  \"007\": short\n  hook_token: first-secret-1234\nurl: https://hooks.example.com/in?t=abc\n",
		},
		"another address, secrets as shown": {`{"platform": "relay", "settings": {"url": "https://evil.example/", "secrets": {"hook_token": "***"}}}`, hook, ""},
		"another address without any":       {`{"platform": "relay", "settings": {"url": "https://new.example/"}}`, hook, "{\"url\": \"https://new.example/\"}\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := config.ParseResource("destinations", "x", []byte(test.data), test.stored)
			if test.want == "" {
				if err == nil {
					t.Errorf("took %+v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.(subfive.Destination).Settings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	tests := map[string]struct {
		value any
		want  []config.Secret
	}{
		"long, and short": {subfive.Destination{Settings: storedHook}, []config.Secret{
			{Path: "settings.secrets.007"}, {Path: "settings.secrets.hook_token", Last: "1234"}, {Path: "settings.url"},
		}},
		"a variable": {subfive.Network{APIKey: "${EF_KEY}"}, []config.Secret{{Path: "api_key", From: "${EF_KEY}"}}},
		"a key":      {subfive.Endpoint{Key: "q7m2c4x9tzab", Tee: "https://other.example/in"}, []config.Secret{{Path: "key", Last: "tzab"}}},
		"none":       {subfive.Offer{Link: "https://a.example/?key=x"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, config.Secrets(test.value)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShownSettings(t *testing.T) {
	got, err := config.ShownSettings(storedHook)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"url": "https://hooks.example.com/in?***", "retries": uint64(3), "secrets": map[string]any{"hook_token": "***", "007": "***"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := config.ShownSettings("a: ["); err == nil {
		t.Error("took what is no YAML")
	}
}
