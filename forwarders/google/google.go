// Package google speaks the dialect of Google's Data Manager API: offline
// conversions of an ad click, sent to one conversion action of a Google Ads
// account.
//
// It translates and interprets. It does not send, does not retry, and decides
// neither which event a conversion is nor what it is worth. What Google takes it
// judges later, so that the destination is a forwarders.Confirmer. The older
// upload of the Google Ads API is not spoken here, and a conversion can't be
// taken back.
//
// README.md has what Google calls things, and where each rule comes from.
package google

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"subfive"
	"subfive/forwarders"
)

//go:embed sample.yaml
var sample string

const (
	host = "https://datamanager.googleapis.com/v1/"
	// scope is what the credentials must have been given.
	scope = "https://www.googleapis.com/auth/datamanager"
	// maxAge is how long after its click Google takes a conversion.
	maxAge = 90 * 24 * time.Hour
	// reference is what an event calls the one destination of its request.
	reference = "action"
)

// Platform describes Google.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name: "google",
		// No retraction: the Data Manager API has none.
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRestatement},
		Goals:       map[string]string{subfive.GoalBase: "Purchase"}, // a label: the conversion action says what it is
		ClickParams: []string{paramGCLID, paramGBRAID, paramWBRAID},
		MaxBatch:    2000,
		MaxBytes:    8 << 20,            // ours: Google names no limit
		MaxAge:      maxAge - time.Hour, // their clock, a queue before us, and the way there
		DedupWindow: maxAge,             // a transaction ID is never forgotten, as far as Google says
		PerSecond:   4,                  // 300 a minute and project, questions included
		Sample:      sample,
		New:         newForwarder,
	}
}

type forwarder struct {
	settings settings
	tokens   *tokens
	head     []byte // the request up to its events, without the closing brace
}

func newForwarder(decode func(into any) error, c *http.Client) (forwarders.Forwarder, error) {
	var s settings
	if err := decode(&s); err != nil {
		return nil, fmt.Errorf("read settings of google: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	source, err := s.Credentials.source()
	if err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	head, err := json.Marshal(struct {
		Destinations []destination `json:"destinations"`
		Encoding     string        `json:"encoding"`
	}{[]destination{s.destination()}, "HEX"})
	if err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	return &forwarder{settings: s, tokens: newTokens(source, c), head: head[:len(head)-1]}, nil
}

// destination is the conversion action that events go to.
type destination struct {
	Reference string   `json:"reference"`
	Operating account  `json:"operatingAccount"`
	Login     *account `json:"loginAccount,omitempty"`
	ActionID  string   `json:"productDestinationId"`
}

type account struct {
	Type string `json:"accountType"`
	ID   string `json:"accountId"`
}

// Account returns the Google Ads account and its conversion action.
func (f *forwarder) Account() string {
	return "google:" + f.settings.CustomerID + "/" + f.settings.ConversionActionID
}

// Request puts events into one request. A test is validated and goes no
// further.
func (f *forwarder) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no events")
	}
	var body bytes.Buffer
	body.Write(f.head)
	if b.Test {
		body.WriteString(`,"validateOnly":true`)
	}
	body.WriteString(`,"events":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString(`]}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"events:ingest", bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// Ask asks what became of an earlier request, by the ID that Google gave it.
func (f *forwarder) Ask(ctx context.Context, ref string) (*http.Request, error) {
	if ref == "" {
		return nil, errors.New("make question: no request ID")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"requestStatus:retrieve?requestId="+url.QueryEscape(ref), nil)
	if err != nil {
		return nil, fmt.Errorf("make question: %w", err)
	}
	return r, nil
}

// Authorize adds an access token, which it gets when there is none that still
// holds, or with fresh in any case.
func (f *forwarder) Authorize(ctx context.Context, r *http.Request, fresh bool) error {
	t, err := f.tokens.token(ctx, fresh)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t)
	return nil
}
