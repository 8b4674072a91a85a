package outbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"subfive"
)

func TestJudge(t *testing.T) {
	throttled := subfive.Outcome{Class: subfive.Throttled, HTTP: 429, RetryAfter: time.Minute}
	attempt := &subfive.Attempt{}
	tests := map[string]struct {
		exchange Exchange
		want     verdict
	}{
		"one got through": {
			Exchange{Outcomes: []subfive.Outcome{down, taken}}, verdict{class: subfive.Accepted, code: "http_200", reason: "accepted: http_200"},
		},
		"none got through":           {Exchange{Outcomes: []subfive.Outcome{down, down}}, verdict{class: subfive.Transient, code: "http_503", reason: "transient: http_503"}},
		"one row tells of the token": {Exchange{Outcomes: []subfive.Outcome{taken, throttled, denied}}, verdict{class: subfive.Unauthorized, code: "190", reason: "unauthorized: 190: token expired", floor: time.Minute}},
		"taken, but slower": {
			Exchange{Outcomes: []subfive.Outcome{{Class: subfive.Accepted, RetryAfter: time.Minute}}}, verdict{class: subfive.Accepted, reason: "accepted: accepted", floor: time.Minute},
		},
		"a refusal is an answer": {Exchange{Outcomes: []subfive.Outcome{refused}, Attempt: attempt}, verdict{class: subfive.Accepted, code: "100", reason: "rejected: 100: bad event"}},
		"when to ask is not when to send": {
			Exchange{Outcomes: []subfive.Outcome{{Class: subfive.Submitted, RetryAfter: time.Hour}}}, verdict{class: subfive.Accepted, reason: "submitted: submitted"},
		},
		"too recent is the event's": {
			Exchange{Outcomes: []subfive.Outcome{{Class: subfive.Deferred, RetryAfter: time.Hour}}, Attempt: attempt}, verdict{class: subfive.Accepted, reason: "deferred: deferred"},
		},
		"never sent": {Exchange{Outcomes: []subfive.Outcome{{Class: subfive.Rejected, Code: CodeUnsendable, Named: true}, {Class: subfive.Deferred, Code: CodeBatchFull}}}, verdict{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, judge(test.exchange), cmp.AllowUnexported(verdict{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPauseAfter(t *testing.T) {
	type pause = subfive.Pause
	works := verdict{class: subfive.Accepted}
	failed := verdict{class: subfive.Transient, code: "http_503", reason: "transient: http_503"}
	token := verdict{class: subfive.Unauthorized, code: "190", reason: "unauthorized: 190"}
	floor := func(v verdict, d time.Duration) verdict { v.floor = d; return v }
	onProbe := pause{Until: noon.Add(lease), Reason: "unauthorized: 190", Code: "190", Failures: 2, Streak: 7}

	tests := map[string]struct {
		pause   pause
		verdict verdict
		probe   bool
		want    pause
	}{
		"works":                          {pause{}, works, false, pause{}},
		"works again":                    {pause{Streak: 4}, works, false, pause{}},
		"works, but slower":              {pause{Streak: 4}, floor(works, time.Hour), false, pause{Until: noon.Add(time.Hour), Reason: "throttled: the platform asks to go slower"}},
		"fails":                          {pause{Streak: 3}, failed, false, pause{Streak: 4}},
		"fails for the fifth time":       {pause{Streak: 4}, failed, false, pause{Streak: 5, Until: noon.Add(15 * time.Second), Reason: failed.reason, Code: "http_503"}},
		"fails, and says for how long":   {pause{}, floor(failed, time.Minute), false, pause{Streak: 1, Until: noon.Add(time.Minute), Reason: failed.reason, Code: "http_503"}},
		"unauthorized":                   {pause{}, token, false, pause{Until: noon.Add(15 * time.Second), Reason: token.reason, Code: "190"}},
		"throttled for an hour":          {pause{}, verdict{class: subfive.Throttled, floor: time.Hour}, false, pause{Until: noon.Add(time.Hour)}},
		"the probe works":                {onProbe, works, true, pause{}},
		"the probe fails: doubled":       {onProbe, failed, true, pause{Until: noon.Add(2 * time.Minute), Reason: failed.reason, Code: "http_503", Failures: 3, Streak: 8}},
		"the probe fails with a floor":   {onProbe, floor(token, time.Hour), true, pause{Until: noon.Add(time.Hour), Reason: token.reason, Code: "190", Failures: 3, Streak: 7}},
		"the probe was not sent":         {onProbe, verdict{}, true, pause{Until: noon, Reason: "unauthorized: 190", Code: "190", Failures: 2, Streak: 7}},
		"a straggler works":              {onProbe, works, false, onProbe},
		"a straggler is told to wait":    {onProbe, floor(token, time.Hour), false, pause{Until: noon.Add(time.Hour), Reason: "unauthorized: 190", Code: "190", Failures: 2, Streak: 7}},
		"a straggler is told less":       {onProbe, floor(token, time.Second), false, onProbe},
		"a person's pause stays":         {pause{Until: noon.Add(time.Hour), Manual: true}, works, true, pause{Until: noon.Add(time.Hour), Manual: true}},
		"resumed while the probe failed": {pause{}, failed, true, pause{Streak: 1}},
		"nothing is known":               {pause{Streak: 2}, verdict{}, false, pause{Streak: 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, after(test.pause, test.verdict, test.probe, noon)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPauseFor(t *testing.T) {
	want := []time.Duration{15, 30, 60, 120, 240, 300, 300, 300}
	for failures, seconds := range want {
		if got := pauseFor(failures); got != seconds*time.Second {
			t.Errorf("after %d failed probes: %v, want %v", failures, got, seconds*time.Second)
		}
	}
}

func TestPack(t *testing.T) {
	claim := func(id string, change func(c *subfive.Claim)) subfive.Claim {
		c := subfive.Claim{Delivery: subfive.Delivery{ID: id, Kind: subfive.KindConversion, Mode: subfive.ModeLive, Status: subfive.DeliveryScheduled}}
		if change != nil {
			change(&c)
		}
		return c
	}
	test := func(c *subfive.Claim) { c.Delivery.Mode = subfive.ModeTest }
	approval := func(c *subfive.Claim) { c.Delivery.Kind = subfive.KindApproval }
	limit := func(n int) func(*subfive.Claim) { return func(c *subfive.Claim) { c.BatchLimit = n } }
	crashed := func(c *subfive.Claim) { c.Crashes = 3 }
	ref := func(r string) func(*subfive.Claim) {
		return func(c *subfive.Claim) { c.Delivery.Status, c.Delivery.Ref = subfive.DeliverySubmitted, r }
	}
	tests := map[string]struct {
		claims []subfive.Claim
		want   [][]string
	}{
		"nothing":       {nil, nil},
		"up to the max": {[]subfive.Claim{claim("a", nil), claim("b", nil), claim("c", nil), claim("d", nil)}, [][]string{{"a", "b", "c"}, {"d"}}},
		"kinds and test apart, order kept": {
			[]subfive.Claim{claim("a", nil), claim("b", test), claim("c", approval), claim("d", nil), claim("e", test)},
			[][]string{{"a", "d"}, {"b", "e"}, {"c"}},
		},
		"halved ones by their limit": {
			[]subfive.Claim{claim("a", limit(2)), claim("b", nil), claim("c", limit(2)), claim("d", limit(2)), claim("e", limit(1)), claim("f", limit(1))},
			[][]string{{"a", "c"}, {"b"}, {"d"}, {"e"}, {"f"}},
		},
		"what crashed goes alone":       {[]subfive.Claim{claim("a", crashed), claim("b", crashed), claim("c", nil)}, [][]string{{"a"}, {"b"}, {"c"}}},
		"a limit above the destination": {[]subfive.Claim{claim("a", limit(9)), claim("b", limit(9)), claim("c", nil), claim("d", nil)}, [][]string{{"a", "b", "c"}, {"d"}}},
		"asked about by their ref, whole": {
			[]subfive.Claim{claim("a", ref("1")), claim("b", ref("2")), claim("c", ref("1")), claim("d", ref("1")), claim("e", ref("1")), claim("f", nil)},
			[][]string{{"a", "c", "d", "e"}, {"b"}, {"f"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got [][]string
			for _, b := range pack(test.claims, 3, noon) {
				got = append(got, ids(b.deliveries()))
				if want := b.claims[0].Delivery.Status == subfive.DeliverySubmitted; b.ask != want {
					t.Errorf("%v: ask %v", ids(b.deliveries()), b.ask)
				}
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanMakesUpForMissingOutcomes(t *testing.T) {
	b := batch{claims: []subfive.Claim{{Delivery: subfive.Delivery{ID: "a"}}, {Delivery: subfive.Delivery{ID: "b"}}}}
	r := rules{now: noon, random: half}
	_, f := r.plan(state{}, "meta", []ended{{batch: b, exchange: Exchange{Outcomes: []subfive.Outcome{taken}}, startAt: noon}})
	for _, s := range f.Settled {
		if s.Status != subfive.DeliveryScheduled || !s.AmbiguousAt.Equal(noon) {
			t.Errorf("%s is %s, ambiguous since %v; one outcome for two is no answer", s.DeliveryID, s.Status, s.AmbiguousAt)
		}
	}
}
