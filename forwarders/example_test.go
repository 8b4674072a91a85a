package forwarders_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
	"subfive/forwarders/relay"
)

// A Sender shows what would go out without sending it: credentials are added
// only afterwards.
func ExampleSender_Preview() {
	const settings = `
url: https://hooks.example.com/conversion
headers: {Authorization: "Bearer {secret.hook_token}"}
body: '{"click": {click_id}, "payout": {payout}, "goal": "{goal}"}'
secrets: {hook_token: not-to-be-seen}
`
	s := forwarders.NewSender(forwarders.SenderConfig{
		SiteURL: "https://trk.example.com", Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	defer s.Close()
	hook, err := relay.Platform().New(forwardertest.Decode([]byte(settings)), s.AuthClient())
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.SetDestinations([]forwarders.Configured{{ID: "hook", Platform: relay.Platform(), Forwarder: hook}})
	if err != nil {
		fmt.Println(err)
		return
	}

	payout := subfive.Micros(42_500_000)
	request, err := s.Preview(context.Background(), "hook", subfive.Delivery{
		Conversion: subfive.Conversion{ReceivedClickID: "01k9zzzzzzzzzzzzzzzzzzzzzz", Payout: &payout},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header = "" // the User-Agent changes with each release
	fmt.Print(request)
	// Output:
	// POST https://hooks.example.com/conversion
	//
	// {
	//   "click": "01k9zzzzzzzzzzzzzzzzzzzzzz",
	//   "payout": 42.50,
	//   "goal": "base"
	// }
}
