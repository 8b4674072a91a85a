package alerts_test

import (
	"fmt"
	"time"

	"subfive/alerts"
)

func ExampleJudge() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	found, _ := alerts.Judge(alerts.Facts{
		At:    now,
		Queue: &alerts.Queue{Due: []alerts.Due{{DestinationID: "meta-main", Deliveries: 12, OldestAt: now.Add(-time.Hour)}}},
	}, nil)
	for _, f := range found {
		fmt.Println(f.Rule, f.Subject)
		fmt.Println(f.What)
	}
	// Output:
	// backlog meta-main
	// 12 deliveries are due for destination meta-main, the oldest for 1h00m.
}
