package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"subfive"
)

func put(kind ResourceKind, id string, value any) ResourceChange {
	return ResourceChange{Kind: kind, ID: id, Value: value, Origin: OriginAPI}
}

func apply(t *testing.T, s *Store, changes ...ResourceChange) {
	t.Helper()
	if err := s.Apply(t.Context(), "anna", changes, noon); err != nil {
		t.Fatal(err)
	}
}

func setup(t *testing.T, s *Store) subfive.Setup {
	t.Helper()
	got, err := s.Setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// full is a setup with every kind of resource.
func full() subfive.Setup {
	return subfive.Setup{
		Networks:     []subfive.Network{{ID: "everflow", APIKey: "${EF_KEY}", Region: "eu"}},
		Endpoints:    []subfive.Endpoint{{ID: "default", Network: "everflow", Key: "k3y", ClickParam: "click_id", Offers: []string{"ourdream"}}},
		Sources:      []subfive.Source{{ID: "meta-us", Platform: "meta", Currency: "USD", Params: map[string]string{"p1": "{{ad.id}}"}}},
		LandingPages: []subfive.LandingPage{{ID: "lp1", URL: "https://lp.example.com/a"}},
		Offers:       []subfive.Offer{{ID: "ourdream", Network: "everflow", Link: "https://track.example.com/A/B/?sub1=x", ClickSlot: "sub5", Payout: usd4250()}},
		Campaigns:    []subfive.Campaign{{ID: "spring", Source: "meta-us", Offer: "ourdream", Aliases: []string{"/sp"}}},
		Destinations: []subfive.Destination{{
			ID: "meta-main", Platform: "meta", Mode: subfive.ModeDryRun, Goals: map[string]string{"base": "Purchase"},
			Value: subfive.ValueRule{From: subfive.ValuePayout}, Delay: subfive.Duration(time.Minute),
			Settings: "dataset_id: \"1\"\naccess_token: EAAB\n", Account: "meta:1",
		}},
	}
}

func changesOf(s subfive.Setup, origin string) []ResourceChange {
	var all []ResourceChange
	add := func(kind ResourceKind, id string, v any) {
		all = append(all, ResourceChange{Kind: kind, ID: id, Value: v, Origin: origin})
	}
	for _, v := range s.Networks {
		add(KindNetwork, v.ID, v)
	}
	for _, v := range s.Endpoints {
		add(KindEndpoint, v.ID, v)
	}
	for _, v := range s.Sources {
		add(KindSource, v.ID, v)
	}
	for _, v := range s.LandingPages {
		add(KindLandingPage, v.ID, v)
	}
	for _, v := range s.Offers {
		add(KindOffer, v.ID, v)
	}
	for _, v := range s.Campaigns {
		add(KindCampaign, v.ID, v)
	}
	for _, v := range s.Destinations {
		add(KindDestination, v.ID, v)
	}
	return all
}

func TestSetupComesBackAsItWasApplied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		apply(t, s, changesOf(full(), OriginAPI)...)
		want := full()
		want.Version = 1
		same(t, "setup", setup(t, s), want)
		apply(t, s, changesOf(full(), OriginAPI)...)
		same(t, "setup, applied twice", setup(t, s), want)
		lines, err := s.Audits(t.Context(), 100)
		if err != nil || len(lines) != 7 {
			t.Errorf("%d audit lines, err %v; want one a resource", len(lines), err)
		}
	})
}

func TestEmptySetupHasWhatExistsByItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		same(t, "setup", setup(t, s), subfive.Setup{
			Networks: []subfive.Network{{ID: "everflow", Region: "us"}},
			Endpoints: []subfive.Endpoint{{
				ID: "default", Network: "everflow", ClickParam: "click_id", DefaultStatus: "pending", EmptyClickID: "fault", Repeats: "hold",
			}},
		})
	})
}

func TestApplyKeepsSecretsSealed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		apply(t, s, changesOf(full(), OriginAPI)...)
		_, items, err := dump(t.Context(), s, "SELECT spec, sealed, '' AS a, '' AS b FROM resources UNION ALL SELECT old_value, new_value, subject, action FROM audit")
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"${EF_KEY}", "k3y", "EAAB"} {
			if strings.Contains(items, secret) {
				t.Errorf("%q lies in the clear in:\n%s", secret, items)
			}
		}
	})
}

func TestArchivedResources(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		apply(t, s, changesOf(full(), OriginAPI)...)
		var gone []ResourceChange
		for _, c := range changesOf(full(), OriginAPI) {
			c.Value = nil
			gone = append(gone, c)
		}
		b := sale(1, "meta-main", "other")
		record(t, s, b)
		apply(t, s, gone...)
		want := subfive.Setup{Version: 2, Sources: full().Sources, Offers: full().Offers, Campaigns: full().Campaigns, Destinations: full().Destinations}
		at := noon
		want.Campaigns[0].ArchivedAt, want.Destinations[0].ArchivedAt = &at, &at
		same(t, "setup", setup(t, s), withDefaults(want))
		if d := stored(t, s, b.Deliveries[0].ID); d.Status != subfive.DeliverySkipped || d.ReasonCode != archivedCode {
			t.Errorf("unsent delivery of an archived destination: %s, %s", d.Status, d.ReasonCode)
		}
		if d := stored(t, s, b.Deliveries[1].ID); d.Status != subfive.DeliveryScheduled {
			t.Errorf("delivery of another destination: %s", d.Status)
		}
		apply(t, s, changesOf(full(), OriginAPI)...)
		want = full()
		want.Version = 3
		same(t, "setup, brought back", setup(t, s), want)
	})
}

func TestArchivedDestinationLeavesWhatAWorkerHolds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		apply(t, s, changesOf(full(), OriginAPI)...)
		b := sale(1, "meta-main")
		record(t, s, b)
		take(t, s, "meta-main", "lease", noon)
		apply(t, s, ResourceChange{Kind: KindDestination, ID: "meta-main", Origin: OriginAPI})
		if d := stored(t, s, b.Deliveries[0].ID); d.Status != subfive.DeliveryScheduled {
			t.Errorf("a worker holds it, and it is %s", d.Status)
		}
		if n, err := s.SkipArchived(t.Context(), noon); err != nil || n != 0 {
			t.Errorf("while it is held: skipped %d, %v; want 0", n, err)
		}
		if n, err := s.SkipArchived(t.Context(), noon.Add(3*time.Minute)); err != nil || n != 1 {
			t.Errorf("after the lease ran out: skipped %d, %v; want 1", n, err)
		}
	})
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	moved := full().Destinations[0]
	moved.Account = "meta:2"
	other := full().Destinations[0]
	other.Platform, other.Account = "tiktok", ""
	unnamed := full().Destinations[0]
	unnamed.Account = ""
	cases := map[string]struct {
		history bool
		origin  string // of what is stored
		change  ResourceChange
		want    error
	}{
		"another account, with history":    {true, OriginAPI, put(KindDestination, "meta-main", moved), ErrHistory},
		"another platform, with history":   {true, OriginAPI, put(KindDestination, "meta-main", other), ErrHistory},
		"another account, without history": {false, OriginAPI, put(KindDestination, "meta-main", moved), nil},
		"account not named":                {true, OriginAPI, put(KindDestination, "meta-main", unnamed), nil},
		"over the API, from a file":        {false, "subfive.yaml:12", put(KindDestination, "meta-main", moved), ErrFromFile},
		"archive what is not there":        {false, OriginAPI, ResourceChange{Kind: KindOffer, ID: "none", Origin: OriginAPI}, subfive.ErrNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				apply(t, s, changesOf(full(), c.origin)...)
				if c.history {
					record(t, s, sale(1, "meta-main"))
				}
				offer := put(KindOffer, "extra", subfive.Offer{ID: "extra"})
				err := s.Apply(t.Context(), "anna", []ResourceChange{offer, c.change}, noon)
				if !errors.Is(err, c.want) {
					t.Errorf("err %v, want %v", err, c.want)
				}
				if _, ok := setup(t, s).Offer("extra"); ok != (c.want == nil) {
					t.Errorf("all or nothing: the other change applied is %v", ok)
				}
			})
		})
	}
}

// What was checked against a setup that another writer changed since is not
// applied, and what was checked against the present one is.
func TestApplyChecked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		offer := func(id string) []ResourceChange { return []ResourceChange{put(KindOffer, id, subfive.Offer{ID: id})} }
		if err := s.ApplyChecked(t.Context(), 0, "anna", offer("first"), noon); err != nil {
			t.Fatal(err)
		}
		checked := setup(t, s).Version
		apply(t, s, offer("another's")...)
		if err := s.ApplyChecked(t.Context(), checked, "anna", offer("stale"), noon); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("checked before another's change: %v", err)
		}
		if got := setup(t, s); got.Version != checked+1 || len(got.Offers) != 2 {
			t.Errorf("after the conflict: version %d, offers %+v", got.Version, got.Offers)
		}
		if err := s.ApplyChecked(t.Context(), checked+1, "anna", offer("again"), noon); err != nil {
			t.Errorf("checked again: %v", err)
		}
	})
}

func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		lines, err := s.Plan(t.Context(), "anna", []ResourceChange{put(KindOffer, "extra", subfive.Offer{ID: "extra"})}, noon)
		if err != nil {
			t.Fatal(err)
		}
		want := []Audit{{At: noon, Actor: "anna", Action: "create", Subject: "offer extra", New: `{"id":"extra","link":""}`}}
		if diff := cmp.Diff(want, lines, cmpopts.IgnoreFields(Audit{}, "ID")); diff != "" {
			t.Error(diff)
		}
		if v, err := s.SetupVersion(t.Context()); v != 0 || err != nil {
			t.Errorf("version %d, %v", v, err)
		}
	})
}
