package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"subfive"
	"subfive/sandbox"
)

// standIn is who plays a destination in the demo.
type standIn string

func standInOf(d subfive.Destination) standIn { return standIn(d.Platform) }

// called is what the stand-in calls an event that the destination's settings name:
// Reddit has names of its own, and Google no names but a source.
func (s standIn) called(event string) string {
	switch {
	case s == "google":
		return "WEB"
	case s == "reddit" && (event == "Purchase" || event == "Lead"):
		return strings.ToUpper(event)
	}
	return event
}

// has returns how often the stand-in has each event, by sandbox.Told, and how many
// copies it got besides.
func (s standIn) has(d *demo) (events map[string]int, twice int, err error) {
	var got, copies []sandbox.Event
	switch s {
	case "meta":
		got, copies = d.sandbox.Meta.Events(), d.sandbox.Meta.Duplicates()
	case "tiktok":
		got, copies = d.sandbox.TikTok.Events(), d.sandbox.TikTok.Duplicates()
	case "reddit":
		got, copies = d.sandbox.Reddit.Events(), d.sandbox.Reddit.Duplicates()
	case "google":
		got, copies = d.sandbox.Google.Events(), d.sandbox.Google.Duplicates()
	case "sheets":
		got, copies = d.sandbox.Sheets.Events(), d.sandbox.Sheets.Duplicates()
	case "relay":
		got, copies, err = hookReceived(d.sandbox.Hook.Requests(), d.secret)
	}
	events = map[string]int{}
	for _, e := range got {
		events[sandbox.Told(e.EventName, e.Value, e.Currency)]++
	}
	return events, len(copies), err
}

// hookReceived reads what the webhook was sent, as its owner's program would: the
// signature first.
func hookReceived(requests []sandbox.HookRequest, secret string) (events, copies []sandbox.Event, err error) {
	seen := map[string]bool{}
	for _, r := range requests {
		if !signed(r, secret) {
			return nil, nil, fmt.Errorf("webhook: a request without our signature: %q", r.Header.Get("X-Subfive-Signature"))
		}
		var body struct {
			EventID   string `json:"event_id"`
			EventName string `json:"event_name"`
			Value     string `json:"value"`
			Currency  string `json:"value_currency"`
		}
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			return nil, nil, fmt.Errorf("webhook: %w", err)
		}
		e := sandbox.Event{EventID: body.EventID, EventName: body.EventName, Value: body.Value, Currency: body.Currency}
		if seen[e.EventID] {
			copies = append(copies, e)
			continue
		}
		seen[e.EventID] = true
		events = append(events, e)
	}
	return events, copies, nil
}

// signed reports whether the secret signed the request: t=SECONDS,v1=HMAC of
// "SECONDS.BODY".
func signed(r sandbox.HookRequest, secret string) bool {
	at, sum, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Subfive-Signature"), "t="), ",v1=")
	got, err := hex.DecodeString(sum)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "." + r.Body))
	return ok && err == nil && hmac.Equal(got, mac.Sum(nil))
}
