// Package google speaks the dialects of Google's two ways to take an offline
// conversion of an ad click: the Data Manager API, and the older upload of the
// Google Ads API, which takes no new users but can take conversions back. Either
// way a destination is one conversion action of one Google Ads account.
//
// It translates and interprets. It does not send, does not retry, and decides
// neither which event a conversion is nor what it is worth. What goes to Data
// Manager is judged later, so that the destination is a forwarders.Confirmer.
//
// README.md has what Google calls things, and where each rule comes from.
package google

import (
	"context"
	_ "embed"
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
	// maxAge is how long after its click Google takes a conversion.
	maxAge = 90 * 24 * time.Hour
	// maxBatch is how many events a request takes, of either API.
	maxBatch = 2000
)

// Platform describes Google.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name: "google",
		// What one destination can be told hangs on its api: see the forwarders' Kinds.
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement},
		Goals:       map[string]string{subfive.GoalBase: "Purchase"}, // a label: the conversion action says what it is
		ClickParams: []string{paramGCLID, paramGBRAID, paramWBRAID},
		MaxBatch:    maxBatch,
		MaxBytes:    8 << 20,            // ours: Google names no limit
		MaxAge:      maxAge - time.Hour, // their clock, a queue before us, and the way there
		DedupWindow: maxAge,             // a transaction or order ID is never forgotten, as far as Google says
		PerSecond:   4,                  // Data Manager: 300 a minute and project, questions included
		Sample:      sample,
		Errors:      dictionary(),
		Check:       forwarders.Check{Event: "Purchase", Harmless: "Google checks a test with validateOnly, and keeps nothing of it."},
		BeforeLive:  beforeLive(),
		Keys:        keys(),
		Rules:       rules(),
		New:         newForwarder,
	}
}

func newForwarder(decode func(into any) error, c *http.Client) (forwarders.Forwarder, error) {
	var s settings
	if err := decode(&s); err != nil {
		return nil, fmt.Errorf("read settings of google: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	source, err := s.Credentials.source(s.scopes())
	if err != nil {
		return nil, fmt.Errorf("settings of google: %w", err)
	}
	a := account{settings: s, tokens: newTokens(source, c)}
	if s.API == apiGoogleAds {
		return &ads{account: a}, nil
	}
	return newDataManager(a)
}

// account is what both dialects have in common: whom a destination writes to,
// and with which credentials.
type account struct {
	settings settings
	tokens   *tokens
}

// Account returns the Google Ads account and its conversion action. It is the
// same for both APIs: a destination may change from one to the other.
func (a account) Account() string {
	return "google:" + a.settings.CustomerID + "/" + a.settings.ConversionActionID
}

// Authorize adds an access token, which it gets when there is none that still
// holds, or with fresh in any case. The Google Ads API is given the developer
// token, too, where there is one.
func (a account) Authorize(ctx context.Context, r *http.Request, fresh bool) error {
	t, err := a.tokens.token(ctx, fresh)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t)
	if a.settings.DeveloperToken != "" {
		r.Header.Set("Developer-Token", a.settings.DeveloperToken)
	}
	return nil
}

// Ask asks Data Manager what became of an earlier request, by the ID that it
// gave it.
func (account) Ask(ctx context.Context, ref string) (*http.Request, error) {
	if ref == "" {
		return nil, errors.New("make question: no request ID")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, dataManagerHost+"requestStatus:retrieve?requestId="+url.QueryEscape(ref), nil)
	if err != nil {
		return nil, fmt.Errorf("make question: %w", err)
	}
	return r, nil
}
