// Package reddit speaks the dialect of Reddit's Conversions API, version 3:
// events of a website, sent to a pixel.
//
// It translates and interprets. It does not send, does not retry, and decides
// neither which event a conversion is nor what it is worth. Reddit has no
// retraction: a reversal is told as an event of its own, if the buyer names one.
//
// README.md has what Reddit calls things, and where each rule comes from.
package reddit

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"subfive"
	"subfive/forwarders"
)

//go:embed sample.yaml
var sample string

const (
	// dialect is the version of what this package says, which Reddit is told
	// with each request: a release that says the same says so.
	dialect = "1"
	// maxAge is the age that an event must not have reached: one that has fails
	// the whole request.
	maxAge = 168 * time.Hour
)

// Platform describes Reddit.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name: "reddit",
		// No retraction: on_reversal can name an event of its own, which is a
		// retraction by its kind and rendered like any other event.
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval},
		Goals:       map[string]string{subfive.GoalBase: purchase},
		ClickParams: []string{paramClickID, paramUUID},
		MaxBatch:    500,     // Reddit takes 1000; half of it while its other limits are in doubt
		MaxBytes:    4 << 20, // ours: Reddit names no limit
		LimitedUse:  true,
		MaxAge:      maxAge - time.Hour, // their clock, a queue before us, and the way there
		DedupWindow: 48 * time.Hour,     // it remembers longer, but wants repeats within two days
		PerSecond:   5,                  // sources differ; all allow that
		Sample:      sample,
		Errors:      dictionary(),
		Check: forwarders.Check{
			Event: "SubfiveCheck",
			Code:  "Events Manager → Event Testing shows the ID: put it into test_id, and apply.",
			Harmless: "It carries test_id, so that it appears in Events Manager under Event Testing alone. SubfiveCheck is a custom event " +
				"without a value.",
			Domains: "Reddit documents no list of allowed domains for events of a server.",
		},
		Keys:  keys(),
		Rules: rules(),
		New:   newForwarder,
	}
}

type forwarder struct {
	settings settings
	url      string
	agent    string
	account  string
}

func newForwarder(decode func(into any) error, _ *http.Client) (forwarders.Forwarder, error) {
	var s settings
	if err := decode(&s); err != nil {
		return nil, fmt.Errorf("read settings of reddit: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("settings of reddit: %w", err)
	}
	return &forwarder{
		settings: s,
		url:      "https://ads-api.reddit.com/api/v3/pixels/" + s.PixelID + "/conversion_events",
		// Reddit asks for a name of one's own, in this shape, and turns clients
		// away that have none.
		agent:   "subfive:conversions-api:" + dialect + " (by " + s.PixelID + ")",
		account: "reddit:" + s.PixelID,
	}, nil
}

// Account returns the pixel: two pixels never share a history.
func (f *forwarder) Account() string { return f.account }

// Request puts events into one request. Test events carry the test ID; without
// one they would count as real, so there is no such request.
func (f *forwarder) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no events")
	}
	if b.Test && f.settings.TestID == "" {
		return nil, errors.New("make request: " + noTestID)
	}
	envelope := struct {
		TestID         string `json:"test_id,omitempty"`
		Partner        string `json:"partner"`
		PartnerVersion string `json:"partner_version"`
	}{Partner: f.settings.Partner, PartnerVersion: dialect}
	if b.Test {
		envelope.TestID = f.settings.TestID
	}
	head, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	var body bytes.Buffer
	body.WriteString(`{"data":`)
	body.Write(head[:len(head)-1]) // all but its closing brace
	body.WriteString(`,"events":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString(`]}}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", f.agent)
	return r, nil
}

// Authorize adds the conversion access token. It does not expire: fresh changes
// nothing.
func (f *forwarder) Authorize(_ context.Context, r *http.Request, _ bool) error {
	r.Header.Set("Authorization", "Bearer "+f.settings.AccessToken)
	return nil
}
