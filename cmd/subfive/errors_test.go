package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/store"
)

// TestErrorsDocument holds that docs/errors.md is what the dictionary says;
// "go test ./cmd/subfive -run ErrorsDocument -update" writes it.
func TestErrorsDocument(t *testing.T) {
	entries, _ := errorEntries("")
	var b strings.Builder
	if err := writeErrorsDocument(&b, entries); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/errors.md", b.String())
}

func TestDictionaryIsAsked(t *testing.T) {
	tests := map[string]struct {
		platform, code string
		entries        int // -1: several
		problem        string
	}{
		"all":                       {"", "", -1, ""},
		"a platform":                {"meta", "", -1, ""},
		"our own":                   {"own", "", -1, ""},
		"one code":                  {"meta", "190/463", 1, ""},
		"one of ours, by platform":  {"meta", "timeout", 1, ""},
		"a code of no platform":     {"", "190", 0, "name the platform too"},
		"no such platform":          {"myspace", "", 0, "name one of meta"},
		"no such platform's code":   {"myspace", "1", 0, "name one of meta"},
		"a code that nobody writes": {"meta", "nonsense", 0, "has no"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entries, problem := dictionary(tt.platform, tt.code)
			if !strings.Contains(problem, tt.problem) || problem != "" && tt.problem == "" {
				t.Errorf("problem %q, want %q", problem, tt.problem)
			}
			if got := len(entries); got != tt.entries && (tt.entries >= 0 || got < 10) {
				t.Errorf("%d entries, want %d", got, tt.entries)
			}
		})
	}
}

func TestExplainDelivery(t *testing.T) {
	refused := []subfive.Attempt{
		{Outcome: subfive.Outcome{Code: "100", Subcode: "2804003"}, Items: []subfive.AttemptItem{{DeliveryID: "dl_other"}}},
		{Outcome: subfive.Outcome{Code: "100", Subcode: "2804009"}, Items: []subfive.AttemptItem{{DeliveryID: "dl_1"}}},
	}
	tests := map[string]struct {
		status       subfive.DeliveryStatus
		reason, last string
		means, more  string // how what it means begins, and the command
	}{
		"refused, with the attempt's subcode": {subfive.DeliveryDead, "rejected", "100", "A Purchase needs a value.", "subfive errors meta 100/2804009"},
		"throttled":                           {subfive.DeliveryScheduled, "throttled", "4", "The limit of the app", "subfive errors meta 4"},
		"passing for once":                    {subfive.DeliveryScheduled, "transient", "190", "The token is not valid.", "subfive errors meta 190"},
		"no answer":                           {subfive.DeliveryScheduled, "transient", "timeout", "The platform did not answer", "subfive errors own timeout"},
		"too old":                             {subfive.DeliveryDead, "too_old", "100", "It was not delivered before", "subfive errors own too_old"},
		"halved":                              {subfive.DeliveryScheduled, "halved", "100", "It was refused together", "subfive errors own halved"},
		"skipped for a rejection":             {subfive.DeliverySkipped, "rejected", "", "The network rejected", "subfive errors own rejected"},
		"skipped for its goal":                {subfive.DeliverySkipped, "goal_unmapped", "", "The destination maps", "subfive errors own goal_unmapped"},
		"dry run":                             {subfive.DeliveryDryRun, "dry_run", "", "The destination is in dry run", "subfive errors own dry_run"},
		"delivered":                           {subfive.DeliveryDelivered, "accepted", "", "", ""},
		"tested":                              {subfive.DeliveryTested, "accepted", "", "", ""},
		"not tried yet":                       {subfive.DeliveryScheduled, "", "", "", ""},
		"a code that nobody knows":            {subfive.DeliveryDead, "rejected", "strange", "The platform refuses the event for good.", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := subfive.Delivery{ID: "dl_1", Platform: "meta", Status: tt.status, ReasonCode: tt.reason, LastCode: tt.last}
			x := telling{Story: store.Story{Deliveries: []subfive.Delivery{d}, Attempts: refused}}.explained().Deliveries[0].Meaning
			if !strings.HasPrefix(x.Means, tt.means) || (x.Means == "") != (tt.means == "") || (x.Do == "") != (tt.means == "") {
				t.Errorf("means %q, do %q", x.Means, x.Do)
			}
			if diff := cmp.Diff(tt.more, x.More); diff != "" {
				t.Error(diff)
			}
		})
	}
}
