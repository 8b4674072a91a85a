// Package tiktok speaks the dialect of TikTok's Events API 2.0: events of a
// website, sent to a pixel.
//
// It translates and interprets. It does not send, does not retry, and decides
// neither which event a conversion is nor what it is worth. TikTok has no
// retraction: a reversal is told as an event of its own, if the buyer names one.
//
// README.md has what TikTok calls things, and where each rule comes from.
package tiktok

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

// Platform describes TikTok.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name: "tiktok",
		// No retraction: on_reversal can name an event of its own, which is a
		// retraction by its kind and rendered like any other event.
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval},
		ClickParams: []string{paramTtclid, paramTtp},
		MaxBatch:    1000,
		MaxBytes:    1 << 20, // ours: TikTok names no limit
		LimitedUse:  true,
		DedupWindow: 48 * time.Hour,
		PerSecond:   1000,
		Sample:      sample,
		Errors:      dictionary(),
		Check: forwarders.Check{
			Event: "SubfiveCheck",
			Code:  "Events Manager → Test events shows the code, which changes from session to session: put it into test_event_code, and apply.",
			Harmless: "It carries test_event_code, so that it appears in Events Manager under Test events. SubfiveCheck is a custom event " +
				"without a value: TikTok optimizes for standard events only.",
			Domains: "TikTok documents no list of allowed domains for events of a server.",
		},
		Keys:  keys(),
		Rules: rules(),
		New:   newForwarder,
	}
}

type forwarder struct {
	settings settings
	url      string
}

func newForwarder(decode func(into any) error, _ *http.Client) (forwarders.Forwarder, error) {
	var s settings
	if err := decode(&s); err != nil {
		return nil, fmt.Errorf("read settings of tiktok: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("settings of tiktok: %w", err)
	}
	return &forwarder{settings: s, url: "https://business-api.tiktok.com/open_api/" + s.APIVersion + "/event/track/"}, nil
}

// Account returns the pixel: two pixels never share a history.
func (f *forwarder) Account() string { return "tiktok:" + f.settings.PixelCode }

// Request puts events into one request. Test events carry the test event code;
// without one they would count as real, so there is no such request.
func (f *forwarder) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no events")
	}
	if b.Test && f.settings.TestEventCode == "" {
		return nil, errors.New("make request: " + noTestCode)
	}
	envelope := struct {
		Source        string `json:"event_source"`
		SourceID      string `json:"event_source_id"`
		TestEventCode string `json:"test_event_code,omitempty"`
		PartnerName   string `json:"partner_name"`
	}{Source: "web", SourceID: f.settings.PixelCode, PartnerName: f.settings.PartnerName}
	if b.Test {
		envelope.TestEventCode = f.settings.TestEventCode
	}
	head, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	var body bytes.Buffer
	body.Write(head[:len(head)-1]) // all but its closing brace
	body.WriteString(`,"data":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString("]}")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// Authorize adds the token in TikTok's own header: with "Bearer" before it the
// token is refused. It does not expire here: fresh changes nothing.
func (f *forwarder) Authorize(_ context.Context, r *http.Request, _ bool) error {
	r.Header.Set("Access-Token", f.settings.AccessToken)
	return nil
}
