package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/alerts"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/store"
)

// quiet is a tracker that nothing ever came to, early in the morning.
func quiet(t *testing.T, period string) *situation {
	t.Helper()
	p, err := dashboard.ParsePeriod(period)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := situation{now: time.Date(2026, 11, 24, 8, 56, 0, 0, time.UTC), query: dashboard.NowQuery{Period: p, Zone: zone}, node: nowNode{Database: "up"}, currency: "USD", paused: map[string]subfive.Pause{}}
	if s.spans, err = p.In(zone, s.now); err != nil {
		t.Fatal(err)
	}
	s.grid, s.counts = gridOf(s.spans), store.Now{Cost: new(subfive.Micros), CostBefore: new(subfive.Micros)}
	s.failures = []everflow.Failures{{EndpointID: "default", Limit: everflow.FailureLimit}}
	return &s
}

// busy is one where a good deal happens.
func busy(t *testing.T) *situation {
	t.Helper()
	s := quiet(t, "24h")
	ago := func(d time.Duration) time.Time { return s.now.Add(-d) }
	s.setup = subfive.Setup{
		Endpoints: []subfive.Endpoint{{ID: "default"}, {ID: "backup"}},
		Destinations: []subfive.Destination{
			{ID: "meta-main", Platform: "meta", Mode: subfive.ModeLive},
			{ID: "tiktok-us", Platform: "tiktok", Mode: subfive.ModeLive},
			{ID: "google-search", Platform: "google", Mode: subfive.ModeLive},
			{ID: "meta-lab", Platform: "meta", Mode: subfive.ModeDryRun},
			{ID: "reddit-main", Platform: "reddit", Mode: subfive.ModeLive},
		},
	}
	s.paused["meta-main"] = subfive.Pause{DestinationID: "meta-main", Until: s.now, Code: "190", Reason: "unauthorized"}
	s.alerts = []subfive.Alert{
		{ID: "al_1", Rule: string(alerts.DestinationPaused), Subject: "meta-main", State: subfive.AlertFiring, FiredAt: ago(114 * time.Minute)},
		{ID: "al_2", Rule: string(alerts.NoClicks), Subject: "spring", State: subfive.AlertFiring, FiredAt: ago(time.Hour), MutedUntil: s.now.Add(time.Hour)},
		{
			ID: "al_3", Rule: string(alerts.Rejections), Subject: "tt-us", State: subfive.AlertFiring, FiredAt: ago(time.Hour),
			What: "The network rejected 5 of 20 conversions of source tt-us that it decided about in 7 days (25 %).", Do: "Ask your network's manager why.",
		},
	}
	s.gaps = []alerts.Gap{{NetworkID: "everflow", Theirs: 414, Ours: 412}}
	payout, cost := subfive.Micros(127_500_000), subfive.Micros(800_000_000)
	s.counts = store.Now{
		LastClick: store.Seen{At: ago(4 * time.Second), ID: "spring"}, LastPostback: store.Seen{At: ago(51 * time.Second), ID: "default"},
		Cost: &cost, Unsettled: []store.Unsettled{{Currency: "USD", N: 3, Payout: payout}},
		Faults: []store.Fault{
			{EndpointID: "backup", Reading: subfive.ReadingLiteralMacro, Hint: "Everflow's macro is {sub5}, all lower case", Brought: "{Sub5}", N: 4},
			{EndpointID: "backup", Reading: subfive.ReadingLiteralMacro, Brought: "{SUB5}", N: 1},
			{EndpointID: "default", Reading: subfive.ReadingQuarantined, Hint: "a wrong key", N: 1},
		},
	}
	for i, at := range s.grid {
		busyness := []int{8, 9, 11, 14, 13, 9, 6, 4, 2, 2, 2, 3, 4, 5, 6, 8, 9, 10, 10, 9, 9, 8, 8, 8}[i]
		hourly := subfive.Micros(int64(42_500_000 * busyness))
		share := cost / subfive.Micros(len(s.grid))
		s.counts.Paces = append(s.counts.Paces, store.Pace{At: at, Clicks: 97*busyness + 7*i, Conversions: busyness + i%3, Revenue: hourly, Cost: &share})
		s.counts.PacesBefore = append(s.counts.PacesBefore, store.Pace{At: at.Add(-24 * time.Hour), Clicks: 95 * busyness, Conversions: busyness, Revenue: hourly - hourly/16})
		s.counts.Postbacks = append(s.counts.Postbacks,
			store.VerdictCount{Verdict: subfive.VerdictMatched, Part: i, N: busyness + i%3}, store.VerdictCount{Verdict: subfive.VerdictNoClickID, Part: i, N: i % 7 / 6},
			store.VerdictCount{Verdict: subfive.VerdictDuplicate, Part: i, N: 1})
	}
	told := func(id string) store.Told {
		d := store.Told{DestinationID: id, Statuses: map[subfive.DeliveryStatus]int{}, LastAt: ago(49 * time.Second)}
		for i := range s.grid {
			d.Parts = append(d.Parts, store.StatusCount{Status: subfive.DeliveryDelivered, Part: i, N: 5 + s.counts.Paces[i].Conversions/2})
			d.Statuses[subfive.DeliveryDelivered] += 5 + s.counts.Paces[i].Conversions/2
			at := s.grid[i].Add(time.Minute)
			d.Sent = append(d.Sent, store.Sent{CreatedAt: at, DeliveredAt: at.Add(time.Duration(1200+170*(i%9)) * time.Millisecond)})
		}
		return d
	}
	meta, tiktok, google := told("meta-main"), told("tiktok-us"), told("google-search")
	meta.Statuses[subfive.DeliveryDelivered] -= meta.Parts[len(s.grid)-1].N
	meta.Open, meta.Parts = 24, append(meta.Parts[:len(meta.Parts)-1], store.StatusCount{Status: subfive.DeliveryScheduled, Part: len(s.grid) - 1, N: 24})
	meta.Waiting = []store.Waiting{{CreatedAt: ago(2 * time.Hour), DeadlineAt: s.now.Add(160 * time.Hour), NextAttemptAt: s.now, Status: subfive.DeliveryScheduled}}
	meta.Dead = []store.Dead{{ReasonCode: "rejected", LastCode: "2804009", Reason: "no value", N: 6, InSpan: 6, Fresh: 6}}
	meta.Statuses[subfive.DeliveryDead] = 6
	tiktok.Open, tiktok.Statuses[subfive.DeliverySkipped] = 1, 122
	tiktok.Waiting = []store.Waiting{{CreatedAt: ago(4 * time.Second), NextAttemptAt: s.now, Status: subfive.DeliveryScheduled}}
	tiktok.Unmapped = []store.Unmapped{{DestinationID: "tiktok-us", Goal: "upsell", N: 2}}
	google.Open = 10
	for i := range google.Open {
		google.Waiting = append(google.Waiting, store.Waiting{
			CreatedAt: ago(time.Duration(312-i) * time.Minute), NextAttemptAt: s.now.Add(time.Duration(48+i) * time.Minute), Status: subfive.DeliveryScheduled,
			ReasonCode: string(subfive.Deferred), LastCode: "TOO_RECENT_CLICK",
		})
	}
	google.Dead = []store.Dead{{ReasonCode: "rejected", LastCode: "EXPIRED_CLICK", Reason: "too old", N: 1, InSpan: 1}}
	google.Statuses[subfive.DeliveryDead] = 1
	s.counts.Destinations = []store.Told{
		meta, tiktok, google,
		{DestinationID: "meta-lab", Statuses: map[subfive.DeliveryStatus]int{subfive.DeliveryDryRun: 231}},
		{DestinationID: "reddit-main", Statuses: map[subfive.DeliveryStatus]int{}},
	}
	return s
}

// The answers are golden files: the document of the API is held against them, and
// the screens draw them.
func TestOutlook(t *testing.T) {
	t.Parallel()
	down := quiet(t, "24h")
	oldest := down.now.Add(-5 * time.Minute)
	down.down, down.node = true, nowNode{Database: "down", Waiting: 312, OldestAt: &oldest, Percent: 3}
	down.alerts = []subfive.Alert{{ID: "al_9", Rule: string(alerts.DatabaseDown), State: subfive.AlertFiring, What: "x"}}
	week := quiet(t, "7d")
	week.counts.LastClick = store.Seen{At: week.now.Add(-time.Hour), ID: "spring"}
	for name, s := range map[string]*situation{"empty": quiet(t, "24h"), "busy": busy(t), "down": down, "week": week} {
		got, err := json.MarshalIndent(s.outlook([]string{"telegram"}), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "now", name+".json"), string(got)+"\n")
	}
}

func TestNowVerdict(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*situation)
		want   string
	}{
		"nothing ever":  {func(s *situation) { s.counts = store.Now{} }, "Nothing has come in yet."},
		"all well":      {func(*situation) {}, "Working. Nothing needs a person."},
		"clock is off":  {func(s *situation) { s.node.Skewed = true }, "Nothing is sent: this machine's clock and the database's are apart."},
		"database gone": {func(s *situation) { s.down, s.node.Waiting = true, 1 }, "The database does not answer. One record waits in the journal, and none is lost."},
		"two in a row":  {func(s *situation) { s.failures[0].InARow = 2 }, "Working. Two postbacks in a row failed."},
		"postback off": {
			func(s *situation) { s.watched = []watched{{NetworkID: "everflow", Postbacks: []everflow.Watched{{}}}} },
			"Working. One postback is switched off at the network.",
		},
		"many dead": {
			func(s *situation) {
				s.setup.Destinations = []subfive.Destination{{ID: "m", Platform: "meta", Mode: subfive.ModeLive}}
				s.counts.Destinations = []store.Told{{DestinationID: "m", Dead: []store.Dead{{ReasonCode: "rejected", N: 1234}}}}
			},
			"Working. 1,234 deliveries are dead.",
		},
		"a rate is missing": {func(s *situation) { s.counts.Unrated = []string{"EUR"} }, "Working. One thing needs a person."},
		"a muted goal is no need": {
			func(s *situation) {
				s.setup.Destinations = []subfive.Destination{{ID: "m", Platform: "meta", Mode: subfive.ModeLive}}
				s.counts.Destinations = []store.Told{{DestinationID: "m", Unmapped: []store.Unmapped{{DestinationID: "m", Goal: "upsell", N: 3}}}}
				s.alerts = []subfive.Alert{{Rule: string(alerts.UnmappedGoals), Subject: "m upsell", MutedUntil: s.now.Add(time.Hour)}}
			},
			"Working. Nothing needs a person.",
		},
		"a throttled destination goes on by itself": {
			func(s *situation) {
				s.setup.Destinations = []subfive.Destination{{ID: "m", Platform: "meta", Mode: subfive.ModeLive}}
				s.counts.Destinations = []store.Told{{DestinationID: "m"}}
				s.paused["m"] = subfive.Pause{DestinationID: "m", Until: s.now, Reason: "throttled"}
			},
			"Working. Nothing needs a person.",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := quiet(t, "24h")
			s.counts.LastClick = store.Seen{At: s.now, ID: "spring"}
			tt.change(s)
			if got := s.outlook(nil).Verdict.Text; got != tt.want {
				t.Errorf("says %q, want %q", got, tt.want)
			}
		})
	}
}

// What a person paused is resumed by the button itself; an end that is near is
// worse than what is dead.
func TestHeldNeeds(t *testing.T) {
	t.Parallel()
	s := busy(t)
	s.paused["meta-main"] = subfive.Pause{DestinationID: "meta-main", Manual: true, Reason: "by ann: new token"}
	s.counts.Destinations[0].Waiting[0].DeadlineAt = s.now.Add(5 * time.Hour)
	n := s.needs()[0]
	want := need{
		Key: "held/meta-main", Kind: "held", Severity: "bad", Title: "meta-main is held: by ann: new token", Count: 1, Since: n.Since, Until: n.Until,
		Detail: "24 deliveries wait and none is lost: Meta takes events up to 7 days old, the oldest of these until 24 Nov 08:56.",
		Action: nowAction{"Resume", "POST", "/api/v1/destinations/meta-main/resume"}, AlertID: "al_1",
	}
	n.rank = 0
	if diff := cmp.Diff(want, n, cmp.AllowUnexported(need{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	for period, parts := range map[string]int{"24h": 24, "48h": 48, "today": 4, "7d": 25, "30d": 30, "90d": 90, "400d": 58} {
		s := quiet(t, period)
		if len(s.grid) != parts || !s.grid[0].Equal(s.spans.Since) {
			t.Errorf("%s has %d parts from %s, want %d", period, len(s.grid), s.grid[0], parts)
		}
		if last := len(s.grid) - 1; partOf(s.grid, s.now) != last || partOf(s.grid, s.grid[last].Add(-1)) != max(last-1, 0) || partOf(s.grid, s.grid[0].Add(-1)) != 0 {
			t.Errorf("%s: moments are found in other parts", period)
		}
	}
}
