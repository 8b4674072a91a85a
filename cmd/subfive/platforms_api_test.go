package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/forwarders/all"
)

// The settings that a form offers are those of the sample, and what is needed is
// what the platform can't be made without.
func TestSettingsOfPlatforms(t *testing.T) {
	want := map[string]struct {
		required, secret []string
		some             map[string]string // path → kind
		never            string
	}{
		"meta":   {[]string{"dataset_id", "access_token"}, []string{"access_token", "app_secret"}, map[string]string{"omit_referrer": "flag", "data_processing_options": "list", "data_processing_options_state": "number", "test_event_code": "text"}, ""},
		"tiktok": {[]string{"pixel_code", "access_token"}, []string{"access_token"}, map[string]string{"limited_data_use": "flag"}, ""},
		"reddit": {[]string{"pixel_id", "access_token"}, []string{"access_token"}, map[string]string{"test_id": "text"}, ""},
		"google": {
			[]string{"customer_id", "conversion_action_id", "credentials.client_id", "credentials.client_secret", "credentials.refresh_token"},
			nil,
			map[string]string{"api": "text", "user_data": "flag", "credentials.service_account_file": "text", "credentials.client_secret": "text"},
			"credentials",
		},
		"relay":  {[]string{"url"}, nil, map[string]string{"headers": "map", "secrets": "map", "success.status": "list", "success.body": "text", "allow_sensitive": "flag", "body": "text", "sign": "map"}, "success"},
		"sheets": {[]string{"url", "secret"}, []string{"secret"}, map[string]string{"allow_sensitive": "flag"}, "received"},
	}
	for _, p := range all.Platforms() {
		t.Run(p.Name, func(t *testing.T) {
			f, err := factsOf(p)
			if err != nil {
				t.Fatal(err)
			}
			var required, secret []string
			kinds := map[string]string{}
			for _, s := range f.Settings {
				kinds[s.Path] = s.Kind
				if s.Required {
					required = append(required, s.Path)
				}
				if s.Secret {
					secret = append(secret, s.Path)
				}
			}
			w := want[p.Name]
			if diff := cmp.Diff(w.required, required); diff != "" {
				t.Errorf("required (-want +got):\n%s", diff)
			}
			if w.secret != nil {
				if diff := cmp.Diff(w.secret, secret); diff != "" {
					t.Errorf("secret (-want +got):\n%s", diff)
				}
			}
			for path, kind := range w.some {
				if kinds[path] != kind {
					t.Errorf("%s is %q, want %q; there are %v", path, kinds[path], kind, kinds)
				}
			}
			if _, there := kinds[w.never]; there && w.never != "" {
				t.Errorf("%s is offered as one setting", w.never)
			}
		})
	}
}
