// Package sheets tells conversions to a Google Sheet, through a small Apps Script
// that the buyer deploys as a web app.
//
// It translates and interprets. It is not for the Sheets API, which needs a
// service account, and not for ad platforms. Like a relay it carries no personal
// data: neither user data nor the visitor's address or browser.
//
// README.md has the script to paste, and where each rule comes from.
package sheets

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"subfive"
	"subfive/forwarders"
)

//go:embed sample.yaml
var sample string

const (
	// maxRows is ours: the script holds a lock while it writes a request's rows.
	maxRows = 20
	// remembers is ours too: the script looks for an ID in the whole column, as
	// long as nobody deletes the row.
	remembers = 366 * 24 * time.Hour
)

// Platform describes a sheet.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name:        "sheets",
		Kinds:       []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement},
		MaxBatch:    maxRows,
		MaxBytes:    1 << 20, // ours: far below what Apps Script takes
		DedupWindow: remembers,
		PerSecond:   1, // Apps Script runs few scripts at once and counts their minutes a day
		// The script has run when this is answered; its words are on the other host.
		Redirects: []string{"script.googleusercontent.com"},
		Sample:    sample,
		Errors:    dictionary(),
		Check: forwarders.Check{
			Event:    "SubfiveCheck",
			Harmless: "It leaves one row in the sheet, whose column test is true. A later check finds its ID and writes none.",
		},
		Rules: rules(),
		New: func(decode func(into any) error, _ *http.Client) (forwarders.Forwarder, error) {
			var s settings
			if err := decode(&s); err != nil {
				return nil, fmt.Errorf("read settings of sheets: %w", err)
			}
			if err := s.complete(); err != nil {
				return nil, fmt.Errorf("settings of sheets: %w", err)
			}
			return &forwarder{s}, nil
		},
	}
}

type forwarder struct{ settings settings }

// Account returns the deployment: a new one is taken for another sheet.
func (f *forwarder) Account() string { return "sheets:" + f.settings.deployment() }

// Request puts rows into one request.
func (f *forwarder) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) == 0 {
		return nil, errors.New("make request: no rows")
	}
	var body bytes.Buffer
	body.WriteString(`{"rows":[`)
	body.Write(bytes.Join(b.Events, []byte(",")))
	body.WriteString(`]}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.settings.URL, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// Authorize puts the secret into the body: a script sees no headers, and a
// header would travel on to the host that Google redirects to. There is nothing
// to refresh.
func (f *forwarder) Authorize(ctx context.Context, r *http.Request, _ bool) error {
	if r.GetBody == nil {
		return errors.New("add the secret: the request has no body")
	}
	rest, err := r.GetBody()
	if err != nil {
		return fmt.Errorf("add the secret: %w", err)
	}
	body, err := io.ReadAll(rest)
	if err := errors.Join(err, rest.Close()); err != nil {
		return fmt.Errorf("add the secret: %w", err)
	}
	tail, ok := bytes.CutPrefix(body, []byte("{"))
	if !ok {
		return errors.New("add the secret: the body is no object")
	}
	head, err := forwarders.EncodeEvent(map[string]any{"secret": f.settings.Secret})
	if err != nil {
		return fmt.Errorf("add the secret: %w", err)
	}
	full := append(append(head[:len(head)-1], ','), tail...)
	with, err := http.NewRequestWithContext(ctx, r.Method, f.settings.URL, bytes.NewReader(full))
	if err != nil {
		return fmt.Errorf("add the secret: %w", err)
	}
	r.Body, r.GetBody, r.ContentLength = with.Body, with.GetBody, with.ContentLength
	return nil
}
