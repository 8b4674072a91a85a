package main

import (
	"strings"
	"testing"

	"subfive"
	"subfive/config"
	"subfive/store"
)

// TestSetMode holds that the API's switch obeys the rules for files.
func TestSetMode(t *testing.T) {
	c := newCommands(t)
	c.with(func(s session, a *app) error {
		d := func(id, platform, settings string) store.ResourceChange {
			setup := config.Complete(subfive.Setup{Destinations: []subfive.Destination{{ID: id, Platform: platform, Settings: settings}}}, configPlatforms())
			return store.ResourceChange{Kind: store.KindDestination, ID: id, Value: setup.Destinations[0], Origin: store.OriginAPI}
		}
		if err := s.Apply(t.Context(), "ann", []store.ResourceChange{d("m", "meta", "dataset_id: \"1\"\n"), d("g", "google", "")}, noon()); err != nil {
			return err
		}
		all := []string{"secondary_action", "no_smart_bidding", "value_basis"}
		for _, tt := range []struct { // one after the other
			id   string
			to   subfive.Switch
			want string // in the error; "": none
		}{
			{"m", subfive.Switch{Mode: subfive.ModeTest}, "counts a test of Purchase as a real one"},
			{"m", subfive.Switch{Mode: subfive.ModeTest, CountsForReal: true}, ""},
			{"m", subfive.Switch{Mode: subfive.ModeLive, Confirmed: all}, "leave confirmed out"},
			{"m", subfive.Switch{Mode: subfive.ModeLive}, ""},
			{"g", subfive.Switch{Mode: subfive.ModeLive}, "no_smart_bidding: "},
			{"g", subfive.Switch{Mode: subfive.ModeLive, Confirmed: all[:2]}, "value_basis: "},
			{"g", subfive.Switch{Mode: subfive.ModeTest}, ""},
			{"g", subfive.Switch{Mode: subfive.ModeLive, Confirmed: all}, ""},
			{"g", subfive.Switch{Mode: subfive.ModeDryRun}, ""},
			{"g", subfive.Switch{Mode: subfive.ModeLive}, ""}, // it was confirmed before
			{"nobody", subfive.Switch{Mode: subfive.ModeLive}, subfive.ErrNotFound.Error()},
			{"meta-main", subfive.Switch{Mode: subfive.ModeTest}, store.ErrFromFile.Error()}, // said before the rules
		} {
			err := setMode(t.Context(), s.Store, "ann", tt.id, tt.to, noon())
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%s to %+v: %v", tt.id, tt.to, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s to %+v: %v, want %q", tt.id, tt.to, err, tt.want)
			}
			setup, err := s.Setup(t.Context())
			if err != nil {
				return err
			}
			if now, ok := setup.Destination(tt.id); ok && tt.want == "" && now.Mode != tt.to.Mode {
				t.Errorf("%s to %+v: it is %s", tt.id, tt.to, now.Mode)
			}
		}
		setup, err := s.Setup(t.Context())
		if m, _ := setup.Destination("m"); !m.CountsForReal {
			t.Error("what a person vouched for was forgotten")
		}
		return err
	})
}
