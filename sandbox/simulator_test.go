package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// simulator has no patience to wait, unless the configuration says how.
func simulator(t *testing.T, c sandbox.SimulatorConfig) *sandbox.Simulator {
	t.Helper()
	if c.Sleep == nil {
		c.Sleep = noSleep
	}
	s, err := sandbox.NewSimulator(atNoon, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const trackerURL = "https://trk.example.com/conversion?click_id={sub5}"

func global(id string) sandbox.Postback {
	return sandbox.Postback{ID: id, URL: trackerURL + "&p=" + id, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}
}

var sale = sandbox.Conversion{Type: sandbox.TypeConversion, TransactionID: "tx", ConversionID: "cv", OfferID: "17", Sub: [10]string{4: "click"}}

func TestTries(t *testing.T) {
	tests := map[string]struct {
		answers []int // then 500; 0: no response
		calls   int
		outcome sandbox.Outcome
	}{
		"200":                           {[]int{200}, 1, sandbox.OutcomeDelivered},
		"204":                           {[]int{204}, 1, sandbox.OutcomeDelivered},
		"299":                           {[]int{299}, 1, sandbox.OutcomeDelivered},
		"success at the second try":     {[]int{503, 200}, 2, sandbox.OutcomeDelivered},
		"no response, then success":     {[]int{0, 200}, 2, sandbox.OutcomeDelivered},
		"success at the last retry":     {[]int{500, 404, 0, 302, 429, 200}, 6, sandbox.OutcomeDelivered},
		"never":                         {[]int{500}, 6, sandbox.OutcomeFailed},
		"never any response":            {[]int{0, 0, 0, 0, 0, 0}, 6, sandbox.OutcomeFailed},
		"redirects are none":            {[]int{301, 302, 303, 307, 308, 302}, 6, sandbox.OutcomeFailed},
		"not found":                     {[]int{404, 404, 404, 404, 404, 404}, 6, sandbox.OutcomeFailed},
		"success would have been next":  {[]int{500, 500, 500, 500, 500, 500, 200}, 6, sandbox.OutcomeFailed},
		"informational is not a 2xx":    {[]int{300, 199, 200}, 3, sandbox.OutcomeDelivered},
		"not modified, then accepted":   {[]int{304, 202}, 2, sandbox.OutcomeDelivered},
		"redirect without a location":   {[]int{302, 200}, 2, sandbox.OutcomeDelivered},
		"client errors are tried again": {[]int{400, 401, 403, 200}, 4, sandbox.OutcomeDelivered},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tracker := &tracker{answer: func(n int) int {
				if n <= len(test.answers) {
					return test.answers[n-1]
				}
				return 500
			}}
			var slept []time.Duration
			s := simulator(t, sandbox.SimulatorConfig{
				Client: &http.Client{Transport: tracker}, Postbacks: []sandbox.Postback{global("p")}, Spacing: 3 * time.Second,
				Sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil },
			})
			fires, err := s.Convert(t.Context(), sale)
			if err != nil {
				t.Fatal(err)
			}
			if fires[0].Outcome != test.outcome || len(tracker.uris) != test.calls || fires[0].Last.Try != test.calls {
				t.Errorf("%s after %d calls, try %d; want %s after %d", fires[0].Outcome, len(tracker.uris), fires[0].Last.Try, test.outcome, test.calls)
			}
			for _, d := range slept {
				if d != 3*time.Second {
					t.Errorf("waited %s between tries, want 3s", d)
				}
			}
			if len(slept) != test.calls-1 {
				t.Errorf("waited %d times for %d calls", len(slept), test.calls)
			}
			failed := 0
			if test.outcome == sandbox.OutcomeFailed {
				failed = 1
			}
			if got := s.Postbacks()[0]; got.Failed != failed || got.Failures != failed || got.Calls != test.calls {
				t.Errorf("counters %+v, want %d failures and %d calls", got, failed, test.calls)
			}
		})
	}
}

func TestDeactivation(t *testing.T) {
	type step struct {
		after time.Duration // since the step before
		ok    bool
	}
	run := func(n int, every time.Duration, ok bool) []step {
		steps := make([]step, n)
		for i := range steps {
			steps[i] = step{every, ok}
		}
		return steps
	}
	join := func(parts ...[]step) (all []step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := map[string]struct {
		steps []step
		offAt int // the step, from 1, that turned it off; 0: none
	}{
		"nine failures":                      {run(9, time.Minute, false), 0},
		"ten failures":                       {run(10, time.Minute, false), 10},
		"ten failures, then more":            {run(15, time.Minute, false), 10},
		"a success after nine":               {join(run(9, time.Minute, false), run(1, time.Minute, true), run(9, time.Minute, false)), 0},
		"ten after a success":                {join(run(9, time.Minute, false), run(1, time.Minute, true), run(10, time.Minute, false)), 20},
		"ten in exactly 72 hours":            {run(10, 8*time.Hour, false), 10},
		"ten in 72 hours and nine seconds":   {run(10, 8*time.Hour+time.Second, false), 0},
		"for ever, but nine hours apart":     {run(40, 9*time.Hour, false), 0},
		"two long ago do not count":          {join(run(2, time.Hour, false), run(1, 100*time.Hour, false), run(8, time.Hour, false)), 0},
		"two long ago, ten new ones":         {join(run(2, time.Hour, false), run(1, 100*time.Hour, false), run(9, time.Hour, false)), 12},
		"successes only":                     {run(30, time.Minute, true), 0},
		"every other one":                    {join(run(5, time.Minute, false), run(1, 0, true), run(5, time.Minute, false), run(1, 0, true), run(5, time.Minute, false)), 0},
		"all at one instant":                 {run(10, 0, false), 10},
		"ten, of which the first is too old": {join(run(1, 0, false), run(1, 73*time.Hour, false), run(8, time.Minute, false)), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			now, status := noon, 200
			s, err := sandbox.NewSimulator(func() time.Time { return now }, sandbox.SimulatorConfig{
				Client: &http.Client{Transport: &tracker{answer: func(int) int { return status }}}, Sleep: noSleep,
				Postbacks: []sandbox.Postback{global("p")},
			})
			if err != nil {
				t.Fatal(err)
			}
			offAt, dropped := 0, 0
			for i, step := range test.steps {
				now = now.Add(step.after)
				if status = 500; step.ok {
					status = 200
				}
				fires, err := s.Convert(t.Context(), sale)
				if err != nil {
					t.Fatal(err)
				}
				if fires[0].Deactivated {
					offAt = i + 1
					if state := s.Postbacks()[0]; state.Active || !state.DeactivatedAt.Equal(now) || state.Deactivations != 1 {
						t.Errorf("state %+v, want it off since %s", state, now)
					}
				}
				if fires[0].Outcome == sandbox.OutcomeDropped {
					dropped++
				}
			}
			want := 0
			if test.offAt > 0 {
				want = len(test.steps) - test.offAt
			}
			if offAt != test.offAt || dropped != want || s.Postbacks()[0].Dropped != want {
				t.Errorf("off at %d, %d dropped; want %d, %d", offAt, dropped, test.offAt, want)
			}
		})
	}
}

func TestReactivate(t *testing.T) {
	status := 500
	tracker := &tracker{answer: func(int) int { return status }}
	s := simulator(t, sandbox.SimulatorConfig{Client: &http.Client{Transport: tracker}, Postbacks: []sandbox.Postback{global("p"), global("q")}})
	fire := func() sandbox.Fire {
		t.Helper()
		f, err := s.Fire(t.Context(), "p", sale)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for range 11 {
		fire()
	}
	if n := len(tracker.uris); n != 60 {
		t.Errorf("%d calls until it was off, want 60", n)
	}
	if err := s.Reactivate("p"); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		fire()
	}
	status = 200
	if got := fire(); got.Outcome != sandbox.OutcomeDelivered {
		t.Errorf("nine failures after it was turned on again: %s, want delivered", got.Outcome)
	}
	if states := s.Postbacks(); !states[1].Active || states[1].Calls != 0 {
		t.Errorf("the other postback: %+v", states[1])
	}
	if err := s.Reactivate("x"); err == nil {
		t.Error("reactivated a postback that does not exist")
	}
	if _, err := s.Fire(t.Context(), "x", sale); err == nil {
		t.Error("fired a postback that does not exist")
	}
}

// answering is a tracker that always answers the same, safe for many callers.
type answering int

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(int(a))
	return w.Result(), nil
}

func TestDelayAndSpacingTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := global("late")
		late.Delay = 5 * time.Minute
		tracker := &tracker{answer: func(n int) int { return []int{500, 200}[n-1] }}
		s, err := sandbox.NewSimulator(time.Now, sandbox.SimulatorConfig{
			Client: &http.Client{Transport: tracker}, Postbacks: []sandbox.Postback{late}, Spacing: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := s.Convert(t.Context(), sale); err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		for _, a := range s.Attempts() {
			at = append(at, a.At.Sub(start))
		}
		if diff := cmp.Diff([]time.Duration{5 * time.Minute, 6 * time.Minute}, at); diff != "" {
			t.Errorf("called after (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsCanceledCountsNeitherWay(t *testing.T) {
	tests := map[string]struct {
		delay time.Duration
		after time.Duration
	}{
		"during the delay":  {delay: time.Minute, after: time.Second},
		"between two tries": {after: 1500 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := global("p")
				p.Delay = test.delay
				s, err := sandbox.NewSimulator(time.Now, sandbox.SimulatorConfig{
					Client: &http.Client{Transport: answering(500)}, Postbacks: []sandbox.Postback{p},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.after)
				defer cancel()
				fires, err := s.Convert(ctx, sale)
				if !errors.Is(err, context.DeadlineExceeded) || fires[0].Outcome != sandbox.OutcomeCanceled {
					t.Errorf("%s, %v; want canceled", fires[0].Outcome, err)
				}
				if got := s.Postbacks()[0]; got.Failed != 0 || got.Failures != 0 {
					t.Errorf("counted: %+v", got)
				}
			})
		})
	}
}

func TestAttemptsShowWhatWasSaid(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("p") == "moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		if _, err := fmt.Fprint(w, "thanks for ", r.URL.Query().Get("click_id")); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	url := server.URL + "/conversion?click_id={sub5}"
	s := simulator(t, sandbox.SimulatorConfig{Client: server.Client(), Keep: 2, Postbacks: []sandbox.Postback{
		{ID: "p", URL: url, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal},
		{ID: "moved", URL: url + "&p=moved", Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal},
	}})
	for _, id := range []string{"moved", "p"} {
		if _, err := s.Fire(t.Context(), id, sale); err != nil {
			t.Fatal(err)
		}
	}
	want := []sandbox.Attempt{
		{PostbackID: "moved", TransactionID: "tx", ConversionID: "cv", Try: 6, At: noon, URL: server.URL + "/conversion?click_id=click&p=moved", Status: 302, Body: "<a href=\"/elsewhere\">Found</a>.\n\n"},
		{PostbackID: "p", TransactionID: "tx", ConversionID: "cv", Try: 1, At: noon, URL: server.URL + "/conversion?click_id=click", Status: 202, Body: "thanks for click"},
	}
	if diff := cmp.Diff(want, s.Attempts()); diff != "" {
		t.Errorf("the last two attempts (-want +got):\n%s", diff)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := simulator(t, sandbox.SimulatorConfig{Client: &http.Client{Transport: answering(500)}, Postbacks: []sandbox.Postback{global("p"), global("q")}})
	var all sync.WaitGroup
	var off, dropped atomic.Int32
	for range 40 {
		all.Go(func() {
			fires, err := s.Convert(t.Context(), sale)
			if err != nil {
				t.Error(err)
			}
			for _, f := range fires {
				if f.Deactivated {
					off.Add(1)
				}
				if f.Outcome == sandbox.OutcomeDropped {
					dropped.Add(1)
				}
			}
		})
	}
	all.Wait()
	if off.Load() != 2 {
		t.Errorf("%d deactivations, want one of each postback", off.Load())
	}
	for _, p := range s.Postbacks() {
		if p.Failed+p.Dropped != 40 || p.Failed < sandbox.FailureLimit {
			t.Errorf("%s: %d failed and %d dropped of 40", p.ID, p.Failed, p.Dropped)
		}
	}
}
