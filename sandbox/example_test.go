package sandbox_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"subfive/sandbox"
)

// Everflow tells a tracker about a sale and tries again when it is refused. The
// tracker here is the webhook sink; the template has a macro spelled wrong.
func Example() {
	now := func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }
	tracker := sandbox.NewHook(now, 0)
	server := httptest.NewServer(tracker)
	defer server.Close()

	everflow, err := sandbox.NewSimulator(now, sandbox.SimulatorConfig{
		Client: server.Client(),
		Postbacks: []sandbox.Postback{{
			ID: "global", Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal,
			URL: server.URL + "/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}&cid={Sub5}",
		}},
		Sleep: func(context.Context, time.Duration) error { return tracker.Answer(sandbox.HookAnswer{Status: 200}) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tracker.Answer(sandbox.HookAnswer{Status: 503}); err != nil {
		fmt.Println(err)
		return
	}
	sale := sandbox.Conversion{Type: sandbox.TypeConversion, TransactionID: "9f2c", ConversionID: "c1", Payout: "42.50"}
	sale.Sub[4] = "01jd click"
	fires, err := everflow.Convert(context.Background(), sale)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fires[0].Outcome, "at try", fires[0].Last.Try)
	fmt.Println(tracker.Requests()[0].URL)
	// Output:
	// delivered at try 2
	// /conversion?click_id=01jd%20click&payout=42.50&tx_id=9f2c&cid={Sub5}
}
