package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"subfive"
	"subfive/receiver"
)

// printer is a journal that shows what it is given.
type printer struct{}

func (printer) Append(_ context.Context, kind subfive.RecordKind, data []byte) (subfive.Position, error) {
	fmt.Println("kept a", kind, "of", len(data) > 0)
	return subfive.Position{Segment: "s", Pos: 1}, nil
}

func Example() {
	cfg := config(&journal{})
	cfg.Journal = printer{}
	r := receiver.New(cfg)
	r.SetSetup(subfive.Setup{
		Offers:    []subfive.Offer{{ID: "dream", Link: "https://track.example.com/A/B/?sub1=sfw"}},
		Campaigns: []subfive.Campaign{{ID: "spring", Offer: "dream"}},
	})

	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/c/spring?fbclid=IwAR", nil))
	fmt.Println(w.Code, w.Header().Get("Location")[:48])

	w = httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/conversion?click_id=01hzy3v7qk8r9t2m4n6p8s0v2x", nil))
	fmt.Println(w.Code)
	// Output:
	// kept a click of true
	// 302 https://track.example.com/A/B/?sub1=sfw&sub5=01m
	// kept a postback of true
	// 200
}

func ExampleSetSlot() {
	fmt.Println(receiver.SetSlot("https://track.example.com/A/B/?sub1=sfw&sub5={x}#top", "sub5", "01hzy3v7qk8r9t2m4n6p8s0v2x"))
	// Output: https://track.example.com/A/B/?sub1=sfw&sub5=01hzy3v7qk8r9t2m4n6p8s0v2x#top
}
