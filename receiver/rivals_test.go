package receiver_test

import (
	"cmp"
	"net/http"
	"os"
	"strings"
	"testing"

	"subfive"
	"subfive/receiver"
)

// rivals is a set-up with a campaign for each link of testdata/rivals.txt: its
// path is an alias.
func rivals() subfive.Setup {
	s := setup()
	for id, alias := range map[string]string{
		"redtrack": "64b7f0c2a1d3e40001f0a1b2", "voluum": "a1b2c3d4-1111-2222-3333-444455556666",
		"bemob": "go/3f2e1d0c-aaaa-bbbb-cccc-ddddeeeeffff", "binom": "10", "binom2": "abcdef0123456789",
		"keitaro": "XyZ123", "clickflare": "cf/r/64b7f0c2a1d3e40001f0a1b2",
	} {
		if id == "binom" {
			s.Campaigns[0].Aliases = []string{"/Old/Path/"} // has 10 otherwise
		}
		s.Campaigns = append(s.Campaigns, subfive.Campaign{ID: id, Source: "meta-us", Offer: "dream", Aliases: []string{alias}})
	}
	return s
}

func TestRivalsURLsWorkUnchanged(t *testing.T) {
	data, err := os.ReadFile("testdata/rivals.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(data)) {
		parts := strings.Split(strings.TrimSpace(line), " | ")
		if len(parts) != 4 || strings.HasPrefix(line, "#") {
			continue
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		tracker, kind, target, want := parts[0], parts[1], parts[2], parts[3]
		seen[kind]++
		t.Run(tracker+" "+kind, func(t *testing.T) {
			j := &journal{}
			rc := receiver.New(config(j))
			rc.SetSetup(rivals())
			w := do(rc.Handler(), get(target))
			if len(j.records()) != 1 {
				t.Fatalf("answered %d, recorded %d", w.Code, len(j.records()))
			}
			record := j.records()[0]
			got := ""
			switch {
			case record.Click != nil && w.Code == http.StatusFound && strings.Contains(w.Header().Get("Location"), record.ID):
				got = record.Click.CampaignID
			case record.Postback != nil && w.Code == http.StatusOK:
				p := record.Postback
				payout := "-"
				if p.Payout != nil {
					payout = p.Payout.String()
				}
				goal := cmp.Or(p.GoalName, p.GoalID, "-")
				got = strings.Join([]string{p.ClickID, payout, cmp.Or(string(p.Status), "-"), goal}, " ")
			}
			if got != want {
				t.Errorf("answered %d %s; read as %q, want %q", w.Code, w.Body, got, want)
			}
		})
	}
	if seen["click"] < 7 || seen["postback"] < 10 {
		t.Errorf("too few examples: %v", seen)
	}
}
