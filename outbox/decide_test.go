package outbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"subfive"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func half() float64 { return 0.5 }

func TestDecide(t *testing.T) {
	base := subfive.Claim{LeaseID: "L", Delivery: subfive.Delivery{
		ID: "d", Status: subfive.DeliveryScheduled, Mode: subfive.ModeLive,
		CreatedAt: noon.Add(-time.Minute), DeadlineAt: noon.Add(24 * time.Hour),
	}}
	with := func(change func(c *subfive.Claim)) subfive.Claim {
		c := base
		change(&c)
		return c
	}
	submitted := with(func(c *subfive.Claim) {
		c.Delivery.Status, c.Delivery.Ref, c.Delivery.FirstAttemptAt = subfive.DeliverySubmitted, "r1", noon.Add(-2*time.Hour)
	})
	type settled = subfive.Settled
	sentAt := noon.Add(-time.Second)

	tests := map[string]struct {
		claim    subfive.Claim
		outcomes []subfive.Outcome // the first is the claim's
		window   time.Duration
		want     subfive.Settled
	}{
		"accepted": {base, []subfive.Outcome{taken}, 0, settled{
			Status: subfive.DeliveryDelivered, ReasonCode: "accepted", Reason: "the platform took it", DeliveredAt: noon, Tried: true, LastHTTP: 200, LastCode: "http_200",
		}},
		"accepted in test mode": {with(func(c *subfive.Claim) { c.Delivery.Mode = subfive.ModeTest }), []subfive.Outcome{taken}, 0, settled{
			Status: subfive.DeliveryTested, ReasonCode: "accepted", Reason: "the platform took it", DeliveredAt: noon, Tried: true, LastHTTP: 200, LastCode: "http_200",
		}},
		"submitted is asked about in half an hour": {base, []subfive.Outcome{{Class: subfive.Submitted, HTTP: 200, Ref: "r9"}}, 0, settled{
			Status: subfive.DeliverySubmitted, ReasonCode: "submitted", Reason: "the platform has it and tells later",
			NextAttemptAt: noon.Add(30 * time.Minute), Tried: true, LastHTTP: 200, LastCode: "http_200", Ref: "r9",
		}},
		"submitted, and still is: patience grows": {submitted, []subfive.Outcome{{Class: subfive.Submitted, HTTP: 200}}, 0, settled{
			Status: subfive.DeliverySubmitted, ReasonCode: "submitted", Reason: "the platform has it and tells later",
			NextAttemptAt: noon.Add(time.Hour), LastHTTP: 200, LastCode: "http_200", Ref: "r1",
		}},
		"submitted, and silent past the deadline": {
			with(func(c *subfive.Claim) { *c = submitted; c.Delivery.DeadlineAt = noon.Add(-time.Second) }),
			[]subfive.Outcome{{Class: subfive.Submitted, HTTP: 200}},
			0,
			settled{
				Status: subfive.DeliveryDead, ReasonCode: "unconfirmed", Reason: "the platform took it and never told what became of it",
				LastHTTP: 200, LastCode: "http_200", Ref: "r1",
			},
		},
		"submitted, then confirmed": {submitted, []subfive.Outcome{taken}, 0, settled{
			Status: subfive.DeliveryDelivered, ReasonCode: "accepted", Reason: "the platform took it",
			DeliveredAt: noon, ConfirmedAt: noon, LastHTTP: 200, LastCode: "http_200", Ref: "r1",
		}},
		"submitted, then too recent: sent again": {submitted, []subfive.Outcome{{Class: subfive.Deferred, HTTP: 200, Code: "TOO_RECENT", RetryAfter: 6 * time.Hour}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "deferred", Reason: "TOO_RECENT", NextAttemptAt: noon.Add(6 * time.Hour), LastHTTP: 200, LastCode: "TOO_RECENT",
		}},
		"submitted, and could not be asked about": {submitted, []subfive.Outcome{down}, 0, settled{
			Status: subfive.DeliverySubmitted, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, LastHTTP: 503, LastCode: "http_503", Ref: "r1",
		}},
		"submitted, then failed at the platform: sent again": {submitted, []subfive.Outcome{{Class: subfive.Transient, HTTP: 200, Code: "INTERNAL"}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "INTERNAL", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, LastHTTP: 200, LastCode: "INTERNAL",
		}},
		"submitted with others, then refused: alone": {submitted, []subfive.Outcome{refused}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "halved", Reason: "100: bad event", NextAttemptAt: noon.Add(-time.Minute), BatchLimit: 1, LastHTTP: 400, LastCode: "100",
		}},
		"submitted alone, then refused": {
			with(func(c *subfive.Claim) { *c = submitted; c.BatchLimit = 1 }),
			[]subfive.Outcome{refused},
			0,
			settled{Status: subfive.DeliveryDead, ReasonCode: "rejected", Reason: "100: bad event", BatchLimit: 1, LastHTTP: 400, LastCode: "100", Ref: "r1"},
		},
		"deferred by the platform": {base, []subfive.Outcome{{Class: subfive.Deferred, HTTP: 200, RetryAfter: time.Hour}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "deferred", Reason: "http_200", NextAttemptAt: noon.Add(time.Hour), Tried: true, LastHTTP: 200, LastCode: "http_200",
		}},
		"deferred past the deadline": {base, []subfive.Outcome{{Class: subfive.Deferred, HTTP: 200, RetryAfter: 25 * time.Hour}}, 0, settled{
			Status: subfive.DeliveryDead, ReasonCode: "too_old", Reason: "not delivered before its deadline, 2026-03-02T12:00:00Z; the last answer: http_200",
			Tried: true, LastHTTP: 200, LastCode: "http_200",
		}},
		"no room in the request": {base, []subfive.Outcome{{Class: subfive.Deferred, Code: CodeBatchFull}, taken}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "deferred", Reason: "batch_full", NextAttemptAt: noon, LastCode: "batch_full",
		}},
		"no room in the request, which carried nothing: never at once for ever": {base, []subfive.Outcome{{Class: subfive.Deferred, Code: CodeBatchFull}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "deferred", Reason: "batch_full", NextAttemptAt: noon.Add(5 * time.Second), LastCode: "batch_full",
		}},
		"transient, first": {base, []subfive.Outcome{down}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
		}},
		"transient, fifth": {with(func(c *subfive.Claim) { c.Delivery.Attempts = 4 }), []subfive.Outcome{down}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(40 * time.Second),
			Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
		}},
		"transient, with a floor": {base, []subfive.Outcome{{Class: subfive.Transient, HTTP: 503, RetryAfter: time.Minute}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(time.Minute),
			Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
		}},
		"transient, nothing left": {base, []subfive.Outcome{{Class: subfive.Transient, Code: "dns", Message: "no such host"}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "dns: no such host", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, LastCode: "dns",
		}},
		"transient near the deadline: at the deadline": {
			with(func(c *subfive.Claim) { c.Delivery.DeadlineAt = noon.Add(time.Second) }),
			[]subfive.Outcome{down},
			0,
			settled{
				Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(time.Second),
				Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
			},
		},
		"transient, and the floor is past the deadline": {
			with(func(c *subfive.Claim) { c.Delivery.DeadlineAt = noon.Add(time.Second) }),
			[]subfive.Outcome{{Class: subfive.Transient, HTTP: 503, RetryAfter: time.Minute}},
			0,
			settled{
				Status: subfive.DeliveryDead, ReasonCode: "too_old", Reason: "not delivered before its deadline, 2026-03-01T12:00:01Z; the last answer: http_503",
				Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
			},
		},
		"first ambiguous": {base, []subfive.Outcome{{Class: subfive.Transient, Ambiguous: true, Code: "timeout"}}, time.Hour, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "timeout", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, Tried: true, AmbiguousAt: sentAt, LastCode: "timeout",
		}},
		"ambiguous past the dedup window": {
			with(func(c *subfive.Claim) { c.Delivery.AmbiguousAt = noon.Add(-time.Hour) }),
			[]subfive.Outcome{down},
			time.Hour,
			settled{
				Status: subfive.DeliveryDead, ReasonCode: "ambiguous",
				Reason: "ambiguous past the dedup window: the platform may have it, and sent again it would count twice; the last answer: http_503",
				Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
			},
		},
		"ambiguous, and no dedup: until the deadline": {
			with(func(c *subfive.Claim) { c.Delivery.AmbiguousAt = noon.Add(-20 * time.Hour) }),
			[]subfive.Outcome{down},
			0,
			settled{
				Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_503", NextAttemptAt: noon.Add(2500 * time.Millisecond),
				Counts: true, Tried: true, LastHTTP: 503, LastCode: "http_503",
			},
		},
		"throttled": {base, []subfive.Outcome{{Class: subfive.Throttled, HTTP: 429, RetryAfter: time.Hour}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "throttled", Reason: "http_429", NextAttemptAt: noon, Tried: true, LastHTTP: 429, LastCode: "http_429",
		}},
		"unauthorized": {base, []subfive.Outcome{denied}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "unauthorized", Reason: "190: token expired", NextAttemptAt: noon, Tried: true, LastHTTP: 401, LastCode: "190",
		}},
		"misconfigured": {base, []subfive.Outcome{{Class: subfive.Misconfigured, HTTP: 400, Code: "100", Subcode: "33"}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "misconfigured", Reason: "100/33", NextAttemptAt: noon, Tried: true, LastHTTP: 400, LastCode: "100",
		}},
		"rejected alone": {base, []subfive.Outcome{refused}, 0, settled{
			Status: subfive.DeliveryDead, ReasonCode: "rejected", Reason: "100: bad event", Tried: true, LastHTTP: 400, LastCode: "100",
		}},
		"rejected with two others: halved, first in line": {base, []subfive.Outcome{refused, refused, refused}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "halved", Reason: "100: bad event", NextAttemptAt: noon.Add(-time.Minute), BatchLimit: 2,
			Tried: true, LastHTTP: 400, LastCode: "100",
		}},
		"rejected, the others did not fit: it was alone": {base, []subfive.Outcome{refused, {Class: subfive.Deferred, Code: CodeBatchFull}}, 0, settled{
			Status: subfive.DeliveryDead, ReasonCode: "rejected", Reason: "100: bad event", Tried: true, LastHTTP: 400, LastCode: "100",
		}},
		"named among others": {base, []subfive.Outcome{{Class: subfive.Rejected, HTTP: 400, Code: "7", Named: true}, refused}, 0, settled{
			Status: subfive.DeliveryDead, ReasonCode: "rejected", Reason: "7", Tried: true, LastHTTP: 400, LastCode: "7",
		}},
		"refused because of a named one": {base, []subfive.Outcome{refused, {Class: subfive.Rejected, HTTP: 400, Named: true}, refused}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "innocent", Reason: "100: bad event", NextAttemptAt: noon, Tried: true, LastHTTP: 400, LastCode: "100",
		}},
		"can't be rendered": {base, []subfive.Outcome{{Class: subfive.Rejected, Named: true, Code: CodeUnsendable, Message: "no value"}}, 0, settled{
			Status: subfive.DeliveryDead, ReasonCode: "unsendable", Reason: "unsendable: no value", LastCode: "unsendable",
		}},
		"a class that does not exist": {base, []subfive.Outcome{{Class: "odd", HTTP: 200}}, 0, settled{
			Status: subfive.DeliveryScheduled, ReasonCode: "transient", Reason: "http_200", NextAttemptAt: noon.Add(2500 * time.Millisecond),
			Counts: true, Tried: true, AmbiguousAt: sentAt, LastHTTP: 200, LastCode: "http_200",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := batch{ask: test.claim.Delivery.Status == subfive.DeliverySubmitted}
			for range test.outcomes {
				b.claims = append(b.claims, test.claim)
			}
			r := rules{dedupWindow: test.window, now: noon, random: half}
			got := r.settle(b, Exchange{Outcomes: test.outcomes}, sentAt)[0]
			test.want.DeliveryID, test.want.LeaseID = "d", "L"
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScreen(t *testing.T) {
	claim := func(change func(c *subfive.Claim)) subfive.Claim {
		c := subfive.Claim{Delivery: subfive.Delivery{ID: "d", Status: subfive.DeliveryScheduled, DeadlineAt: noon}}
		change(&c)
		return c
	}
	tests := map[string]struct {
		claim subfive.Claim
		code  string // "": it is sent
	}{
		"at its deadline":    {claim(func(*subfive.Claim) {}), ""},
		"past its deadline":  {claim(func(c *subfive.Claim) { c.Delivery.DeadlineAt = noon.Add(-1) }), "too_old"},
		"without a deadline": {claim(func(c *subfive.Claim) { c.Delivery.DeadlineAt = time.Time{} }), ""},
		"five crashes":       {claim(func(c *subfive.Claim) { c.Crashes = 5 }), ""},
		"six crashes":        {claim(func(c *subfive.Claim) { c.Crashes = 6 }), "poison"},
		"ambiguous, the window is open": {
			claim(func(c *subfive.Claim) { c.Delivery.AmbiguousAt = noon.Add(-time.Hour) }), "",
		},
		"ambiguous past the window": {
			claim(func(c *subfive.Claim) { c.Delivery.AmbiguousAt = noon.Add(-time.Hour - 1) }), "ambiguous",
		},
		"submitted is asked about past the deadline": {
			claim(func(c *subfive.Claim) {
				c.Delivery.Status, c.Delivery.DeadlineAt = subfive.DeliverySubmitted, noon.Add(-time.Hour)
			}), "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			live, over := rules{dedupWindow: time.Hour, now: noon}.screen([]subfive.Claim{test.claim})
			var code string
			if len(over) == 1 {
				code = over[0].ReasonCode
			}
			if code != test.code || len(live)+len(over) != 1 {
				t.Errorf("%d live, ended %q; want %q", len(live), code, test.code)
			}
		})
	}
}

// A try is never before the floor, never later than the cap or the floor, and
// never past the end; what is given up could not have been tried in time.
func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := subfive.Delivery{
			ID: "d", Status: subfive.DeliveryScheduled,
			Attempts:   rapid.IntRange(0, 100).Draw(t, "attempts"),
			DeadlineAt: noon.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "deadline"))),
		}
		o := subfive.Outcome{
			Class: subfive.Transient, Ambiguous: rapid.Bool().Draw(t, "ambiguous"),
			RetryAfter: time.Duration(rapid.Int64Range(-1, int64(2*time.Hour)).Draw(t, "floor")),
		}
		window := time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "window"))
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		r := rules{dedupWindow: window, now: noon, random: func() float64 { return random }}
		s := r.settle(batch{claims: []subfive.Claim{{Delivery: d}}}, Exchange{Outcomes: []subfive.Outcome{o}}, noon)[0]

		end := d.DeadlineAt
		if o.Ambiguous && window > 0 && noon.Add(window).Before(end) {
			end = noon.Add(window)
		}
		floor := noon.Add(max(o.RetryAfter, 0))
		limit := max(min(backoffBase<<min(d.Attempts, 20), backoffCap), o.RetryAfter)
		switch at := s.NextAttemptAt; {
		case s.Status == subfive.DeliveryDead:
			if !floor.After(end) && end.After(noon) {
				t.Fatalf("given up, though %v lies before %v", floor, end)
			}
		case at.Before(floor), at.After(end), at.After(noon.Add(limit)):
			t.Fatalf("next try %v, not in %v … %v, end %v", at, floor, noon.Add(limit), end)
		}
	})
}
