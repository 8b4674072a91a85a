package main

import (
	"context"
	"slices"
	"testing"

	"subfive"
	"subfive/config"
)

// stampedIn is a database whose days are counted in that zone.
type stampedIn string

func (s stampedIn) StampedZone(context.Context) (string, error) { return string(s), nil }

func TestDayFindings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stamped, reporting, source string
		want                       []string
	}{
		"all the same":                       {"Europe/Berlin", "Europe/Berlin", "Europe/Berlin", nil},
		"the source names none":              {"Europe/Berlin", "Europe/Berlin", "", nil},
		"another name of the same days":      {"Europe/Berlin", "Europe/Berlin", "Europe/Vienna", nil},
		"the account is elsewhere":           {"UTC", "UTC", "America/New_York", []string{"source_zone source meta-us"}},
		"apart in summer alone":              {"UTC", "UTC", "Europe/London", []string{"source_zone source meta-us"}},
		"counted in another zone":            {"UTC", "Asia/Kolkata", "Asia/Kolkata", []string{"days_zone reporting.timezone"}},
		"nothing counted yet":                {"", "UTC", "UTC", nil},
		"counted elsewhere, account as well": {"UTC", "Asia/Kolkata", "Europe/Berlin", []string{"days_zone reporting.timezone", "source_zone source meta-us"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := subfive.Setup{Sources: []subfive.Source{{ID: "meta-us", Timezone: tt.source}}}
			all, err := dayFindings(t.Context(), stampedIn(tt.stamped), setup, config.Reporting{Timezone: tt.reporting}, noon())
			if got := foundCodes(all); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("found %q, want %q, %v", got, tt.want, err)
			}
		})
	}
	setup := subfive.Setup{Sources: []subfive.Source{{ID: "meta-us", Timezone: "Mars/Olympus"}}}
	if _, err := dayFindings(t.Context(), stampedIn("UTC"), setup, config.Reporting{Timezone: "UTC"}, noon()); err == nil {
		t.Error("a zone that is none is taken")
	}
}
