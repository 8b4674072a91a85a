package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"subfive"
)

// shelf is a Queue of one delivery.
type shelf struct {
	due  []subfive.Claim
	done context.CancelFunc
}

func (s *shelf) Take(_ context.Context, _, leaseID string, _, _ time.Time, _ int, _ bool) ([]subfive.Claim, error) {
	claims := s.due
	s.due = nil
	for i := range claims {
		claims[i].LeaseID = leaseID
	}
	return claims, nil
}

func (s *shelf) Abandon(context.Context, string, string, time.Time) error { return nil }

func (s *shelf) Finish(_ context.Context, f subfive.Finish) ([]string, error) {
	for _, d := range f.Settled {
		fmt.Println(d.DeliveryID, d.Status)
	}
	s.done()
	return nil, nil
}

func (s *shelf) NextDue(context.Context, string) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

func (s *shelf) Pause(context.Context, string) (subfive.Pause, error) { return subfive.Pause{}, nil }

func (s *shelf) SetPause(context.Context, subfive.Pause) (bool, error) { return true, nil }

// friendly is a Sender whose platform takes everything.
type friendly struct{}

func (friendly) Send(_ context.Context, id string, ds []subfive.Delivery) Exchange {
	fmt.Println("to", id, "with", len(ds), "event")
	return Exchange{Outcomes: []subfive.Outcome{{Class: subfive.Accepted, HTTP: 200}}}
}

func (friendly) Ask(context.Context, string, []subfive.Delivery) Exchange {
	return Exchange{}
}

func ExamplePool() {
	ctx, cancel := context.WithCancel(context.Background())
	queue := &shelf{done: cancel, due: []subfive.Claim{{
		Delivery: subfive.Delivery{ID: "dl_1", DestinationID: "meta-main", Status: subfive.DeliveryScheduled, Mode: subfive.ModeLive},
	}}}
	pool := NewPool(queue, friendly{}, slog.New(slog.DiscardHandler), time.Now)
	pool.Set([]Destination{{ID: "meta-main", MaxBatch: 100}})
	if err := pool.Run(ctx); err != nil { // until ctx ends: here, with the first Finish
		fmt.Println(err)
	}
	// Output:
	// to meta-main with 1 event
	// dl_1 delivered
}
