package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/sandbox"
)

// The demo fails on every difference between what should be and what is.
func TestDemoFindsWhatDiffers(t *testing.T) {
	tests := map[string]struct {
		change func(*demoAccount)
		want   string
	}{
		"nothing differs":            {func(*demoAccount) {}, ""},
		"one was not delivered":      {func(c *demoAccount) { c.delivered-- }, "meta: 2 are delivered, and 3 should be"},
		"one was refused":            {func(c *demoAccount) { c.dead++ }, "meta: 2 are refused, and 1 should be"},
		"none waits":                 {func(c *demoAccount) { c.waiting-- }, "meta: 0 are waiting, and 1 should be"},
		"one is there twice":         {func(c *demoAccount) { c.twice++ }, "meta: 1 are there twice, and 0 should be"},
		"skipped for another reason": {func(c *demoAccount) { c.reasons["surprise"]++ }, "meta: 1 are skipped as surprise, and 0 should be"},
		"not skipped":                {func(c *demoAccount) { delete(c.reasons, sandbox.WhyOld) }, "meta: 0 are skipped as outside_window, and 1 should be"},
		"its stand-in lacks one":     {func(c *demoAccount) { c.has["Purchase 1.00 USD"]-- }, `meta: its stand-in has "Purchase 1.00 USD" 1 times, and 2 were owed`},
		"its stand-in has another":   {func(c *demoAccount) { c.has["Purchase 2.00 USD"]++ }, `meta: its stand-in has "Purchase 2.00 USD" 1 times, and 0 were owed`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := sandbox.Owed{
				Events: map[string]int{"Purchase 1.00 USD": 2, "Refund 1.00 USD": 1}, Skipped: map[sandbox.Why]int{sandbox.WhyOld: 1},
			}
			c := demoAccount{
				destination: subfive.Destination{ID: "meta"}, want: want, wantDead: 1, wantWaiting: 1,
				delivered: 3, dead: 1, waiting: 1, skipped: 1, reasons: maps.Clone(want.Skipped), has: maps.Clone(want.Events),
			}
			test.change(&c)
			got := ""
			if err := c.check(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What a destination's configuration means for what it is owed.
func TestDemoListeners(t *testing.T) {
	goals := map[string]string{"base": "Purchase", "Upgrade": "Lead"}
	tests := map[string]struct {
		destination subfive.Destination
		want        sandbox.Listener
	}{
		"Meta, with events of its own": {
			subfive.Destination{Platform: "meta", Goals: goals, OnApproved: "Approved", OnReversal: "Refund", Unmatched: "never"},
			sandbox.Listener{Platform: "meta", Events: goals, Approved: "Approved", Rejected: "Refund"},
		},
		"TikTok, which keeps all": {
			subfive.Destination{Platform: "tiktok", Goals: goals, OnReversal: subfive.ReversalNone},
			sandbox.Listener{Platform: "tiktok", Events: goals, Kept: sandbox.WhyNotWanted},
		},
		"Reddit, by its own names": {
			subfive.Destination{Platform: "reddit", Goals: goals, OnReversal: "Refund"},
			sandbox.Listener{Platform: "reddit", Events: map[string]string{"base": "PURCHASE", "Upgrade": "LEAD"}, Rejected: "Refund"},
		},
		"Google, without names": {
			subfive.Destination{Platform: "google", Goals: goals, OnReversal: subfive.ReversalRetract},
			sandbox.Listener{Platform: "google", Events: map[string]string{"base": "WEB", "Upgrade": "WEB"}, Kept: sandbox.WhyUnsupported},
		},
		"a sheet, late and of all": {
			subfive.Destination{Platform: "sheets", Goals: goals, Delay: subfive.Duration(time.Minute), Unmatched: "send", OnReversal: "Gone"},
			sandbox.Listener{Events: goals, Patient: true, Unmatched: true, Rejected: "Gone"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, listenerOf(test.destination)); diff != "" {
				t.Errorf("listener (-want +got):\n%s", diff)
			}
		})
	}
}

// The clock is moved only when nothing is under way.
func TestDemoRests(t *testing.T) {
	tests := map[string]struct {
		u    pendingDelivery
		want bool
	}{
		"never tried":           {pendingDelivery{status: "scheduled"}, false},
		"leased":                {pendingDelivery{status: "scheduled", in: 2 * time.Minute}, false},
		"leased for a retry":    {pendingDelivery{status: "scheduled", attempts: 1, in: 2 * time.Minute}, false},
		"backing off":           {pendingDelivery{status: "scheduled", attempts: 1, in: 3 * time.Second}, true},
		"about to try again":    {pendingDelivery{status: "scheduled", attempts: 1, in: time.Millisecond}, false},
		"delayed":               {pendingDelivery{status: "scheduled", in: 10 * time.Minute}, true},
		"behind another":        {pendingDelivery{status: "scheduled", waitsFor: "dl_1"}, true},
		"waiting for a verdict": {pendingDelivery{status: "submitted", in: 30 * time.Minute}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.u.rests(); got != test.want {
				t.Errorf("rests: %t, want %t", got, test.want)
			}
		})
	}
}

// The webhook is read as its owner's program would read it.
func TestDemoReadsTheWebhook(t *testing.T) {
	const secret, body = "0123456789abcdef", `{"event_id":"1","event_name":"Sale","value":"20.01","value_currency":"USD"}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("1795520455." + body))
	request := func(body string) sandbox.HookRequest {
		return sandbox.HookRequest{Body: body, Header: http.Header{"X-Subfive-Signature": {"t=1795520455,v1=" + hex.EncodeToString(mac.Sum(nil))}}}
	}
	events, copies, err := hookReceived([]sandbox.HookRequest{request(body), request(body)}, secret)
	if err != nil {
		t.Fatal(err)
	}
	sale := []sandbox.Event{{EventID: "1", EventName: "Sale", Value: "20.01", Currency: "USD"}}
	if diff := cmp.Diff(sale, events) + cmp.Diff(sale, copies); diff != "" {
		t.Errorf("events and copies (-want +got):\n%s", diff)
	}
	for name, bad := range map[string]sandbox.HookRequest{
		"another body": request(body + " "), "no signature": {Body: body},
		"no hex": {Body: body, Header: http.Header{"X-Subfive-Signature": {"t=1,v1=zz"}}},
	} {
		if _, _, err := hookReceived([]sandbox.HookRequest{bad}, secret); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, _, err := hookReceived([]sandbox.HookRequest{request(body)}, "another secret of 16"); err == nil {
		t.Error("signed with another secret: taken")
	}
}
