// Package meta speaks the dialect of Meta's Conversions API: events of a
// website, sent to a dataset (a pixel).
//
// It translates and interprets. It does not send, does not retry, and decides
// neither which event a conversion is nor what it is worth. Meta has no true
// retraction: a reversal is told as an event of its own, if the buyer names one.
//
// README.md has what Meta calls things, and where each rule comes from.
package meta

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
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

// maxAge is how old an event Meta takes: one that is older fails the whole
// request.
const maxAge = 7 * 24 * time.Hour

// Platform describes Meta.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name: "meta",
		// No retraction: on_reversal can name an event of its own, which is a
		// retraction by its kind and rendered like any other event.
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval},
		NeedsValue:  []string{purchase},
		ClickParams: []string{paramFbclid, paramFbc, paramFbp},
		MaxBatch:    1000,
		MaxBytes:    4 << 20, // ours: Meta names no limit
		LimitedUse:  true,
		MaxAge:      maxAge - 5*time.Minute, // their clock, and the way there
		DedupWindow: 48 * time.Hour,
		Sample:      sample,
		Errors:      dictionary(),
		Check: forwarders.Check{
			Event: "SubfiveCheck",
			Real:  true,
			Code:  "Events Manager → Test events shows the code: put it into test_event_code.",
			Harmless: "Meta counts test events like real ones. SubfiveCheck is a custom event without a value that no campaign optimizes for, " +
				"so that it changes nothing. With test_event_code it appears in Events Manager under Test events.",
			Domains: "Events Manager → the dataset → Settings → Traffic permissions: if there is an allow list, all of these must be on it, " +
				"for Meta drops events of other domains in silence.",
		},
		TestsCount: standardEvents(),
		Keys:       keys(),
		Rules:      rules(),
		New:        newForwarder,
	}
}

type forwarder struct {
	settings settings
	url      string
	proof    string // appsecret_proof, or ""
}

func newForwarder(decode func(into any) error, _ *http.Client) (forwarders.Forwarder, error) {
	var s settings
	if err := decode(&s); err != nil {
		return nil, fmt.Errorf("read settings of meta: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("settings of meta: %w", err)
	}
	f := &forwarder{settings: s, url: "https://graph.facebook.com/" + s.APIVersion + "/" + s.DatasetID + "/events"}
	if s.AppSecret != "" {
		h := hmac.New(sha256.New, []byte(s.AppSecret))
		h.Write([]byte(s.AccessToken))
		f.proof = hex.EncodeToString(h.Sum(nil))
	}
	return f, nil
}

// Account returns the dataset: two datasets never share a history.
func (f *forwarder) Account() string { return "meta:" + f.settings.DatasetID }

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
		TestEventCode string `json:"test_event_code,omitempty"`
		PartnerAgent  string `json:"partner_agent"`
	}{PartnerAgent: f.settings.PartnerAgent}
	if b.Test {
		envelope.TestEventCode = f.settings.TestEventCode
	}
	rest, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	var body bytes.Buffer
	body.WriteString(`{"data":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString("],")
	body.Write(rest[1:]) // all but its opening brace
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// Authorize adds the token, as a header so that no URL holds it, and the proof
// of the app's secret if there is one. Neither expires here: fresh changes
// nothing.
func (f *forwarder) Authorize(_ context.Context, r *http.Request, _ bool) error {
	r.Header.Set("Authorization", "Bearer "+f.settings.AccessToken)
	if f.proof != "" {
		q := r.URL.Query()
		q.Set("appsecret_proof", f.proof)
		r.URL.RawQuery = q.Encode()
	}
	return nil
}
