package attribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"subfive"
)

// feed is a journal that gives its entries once, and then waits.
type feed struct {
	entries   []subfive.Entry
	committed []subfive.Position
}

func (f *feed) Next(ctx context.Context, max int) ([]subfive.Entry, error) {
	if len(f.entries) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n := min(max, len(f.entries))
	taken := f.entries[:n]
	f.entries = f.entries[n:]
	return taken, nil
}

func (f *feed) Committed(ps []subfive.Position) { f.committed = append(f.committed, ps...) }

func TestWorkerOutlastsADatabaseThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTracker(t, nil)
		start := time.Now()
		tr.Attributor.now = time.Now
		tr.store.refuse = func(subfive.Batch) error {
			if time.Since(start) < time.Hour {
				return errors.New("connection refused")
			}
			return nil
		}
		data, err := json.Marshal(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.ReceivedAt = start }))
		if err != nil {
			t.Fatal(err)
		}
		f := &feed{entries: []subfive.Entry{{Position: subfive.Position{Segment: "s", Pos: 1}, Data: data}}}
		ctx, cancel := context.WithCancel(t.Context())
		woken := make(chan struct{}, 10)
		done := make(chan error)
		go func() { done <- NewWorker(f, tr.Attributor, func() { woken <- struct{}{} }).Run(ctx) }()
		<-woken
		if took := time.Since(start); took < time.Hour || took > time.Hour+3*time.Second {
			t.Errorf("recorded after %s", took)
		}
		if len(f.committed) != 1 || f.committed[0].Pos != 1 {
			t.Errorf("committed %v", f.committed)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		tr.want("pb_1 waiting", "conversion waiting 42.00")
	})
}

// Whatever the order and the batches in which postbacks come, repeats included:
// with a conversion ID on each there are as many conversions as IDs, each owed
// once to each destination, and every postback belongs to one of them.
func TestEveryConversionOnceWhateverTheOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTracker(t, func(s *subfive.Setup) {
			s.Destinations[1].Goals = map[string]string{"base": "sale", "g1": "one", "g2": "two"}
			s.Campaigns[0].Destinations = []string{"hook"}
		})
		sessions := rapid.IntRange(1, 4).Draw(rt, "sessions")
		kinds := rapid.SliceOfN(rapid.IntRange(0, 3*sessions-1), 1, 40).Draw(rt, "postbacks")
		ids := map[string]bool{}
		var records []subfive.Record
		clicks := map[int]bool{}
		for i, k := range kinds {
			session, goal := k/3, k%3
			click := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q1%d", session)
			if !clicks[session] && rapid.Bool().Draw(rt, "click") {
				clicks[session] = true
				records = append(records, tr.click(click+"0", nil))
			}
			id := fmt.Sprintf("c%d", k)
			ids[id] = true
			records = append(records, tr.postback(fmt.Sprint(i), click+"0", fmt.Sprintf("t%d", session), func(p *subfive.Postback) {
				p.NetworkConversionID = id
				p.GoalID = [...]string{"base", "g1", "g2"}[goal]
				if rapid.Bool().Draw(rt, "without click ID") && i > 0 {
					p.ClickID, p.ClickIDRaw, p.Reading = "", "", subfive.ReadingEmptyClickID
				}
			}))
		}
		for s := range sessions {
			if !clicks[s] {
				records = append(records, tr.click(fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q1%d0", s), nil))
			}
		}
		for len(records) > 0 {
			n := rapid.IntRange(1, len(records)).Draw(rt, "batch")
			tr.record(records[:n]...)
			records = records[n:]
		}
		if got := len(tr.store.conversions); got != len(ids) {
			rt.Fatalf("%d conversions of %d conversion IDs: %v", got, len(ids), tr.story())
		}
		for _, j := range tr.store.postbacks {
			if _, ok := tr.store.conversions[j.ConversionID]; !ok {
				rt.Fatalf("postback %s (%s) belongs to no conversion", j.Postback.ID, j.Verdict)
			}
		}
		for _, d := range tr.store.deliveries {
			if d.Status != subfive.DeliveryScheduled || d.Generation != 1 {
				rt.Fatalf("delivery %+v", d)
			}
		}
		matched := 0
		for _, c := range tr.store.conversions {
			if c.Verdict == subfive.VerdictMatched {
				matched++
			}
		}
		if len(tr.store.deliveries) != matched {
			rt.Fatalf("%d deliveries of %d matched conversions", len(tr.store.deliveries), matched)
		}
	})
}
