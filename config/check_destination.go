package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// destination checks one destination. polls: a network's API can be asked, so
// that approvals become known.
func (c checker) destination(r resource, d *subfive.Destination, polls bool) {
	r.platform("platform", d.Platform)
	r.oneOf("mode", string(d.Mode), string(subfive.ModeDryRun), string(subfive.ModeTest), string(subfive.ModeLive))
	r.sendOn(d, polls)
	r.unmatched(d.Unmatched)
	r.value(d)
	r.reactions(d)
	for goal, event := range sorted(d.Goals) {
		if goal == "" || event == "" {
			r.wrong("goals", fmt.Sprintf("the goal %q maps to nothing", goal), "name the platform's event, or delete the line")
		}
	}
	if d.MaxBatch < 1 {
		r.wrong("max_batch", fmt.Sprintf("max_batch %d sends nothing", d.MaxBatch), "write 1 or more")
	}
	p, known := c.platforms[d.Platform]
	r.consent(d, p.LimitedUse || !known)
	if !known {
		return
	}
	r.testsCount(d, p)
	r.confirmed(d, p)
	if p.MaxBatch > 0 && d.MaxBatch > p.MaxBatch {
		r.wrong("max_batch", fmt.Sprintf("max_batch %d is more than %s takes in one request", d.MaxBatch, d.Platform), "write "+strconv.Itoa(p.MaxBatch)+" or less")
	}
	for goal, event := range sorted(d.Goals) {
		if d.Value.From == subfive.ValueNone && slices.Contains(p.NeedsValue, event) {
			r.wrong("value", fmt.Sprintf("%s refuses %s without a value, and value.from is none", d.Platform, event),
				fmt.Sprintf("write from: payout, or map %s to another event", goal))
		}
	}
}

// sorted returns the pairs of m in the order of their keys.
func sorted(m map[string]string) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

func (r resource) sendOn(d *subfive.Destination, polls bool) {
	if len(d.SendOn) == 0 {
		r.wrong("send_on", "send_on is empty, so nothing would ever be sent", "leave it out, or write mode: dry_run")
		return
	}
	for i, status := range d.SendOn {
		if status != subfive.StatusPending && status != subfive.StatusApproved {
			polls = true // one trouble at a time
		}
		r.oneOf(fmt.Sprintf("send_on[%d]", i), string(status), string(subfive.StatusPending), string(subfive.StatusApproved))
	}
	if !slices.Contains(d.SendOn, subfive.StatusPending) && !polls {
		r.wrong("send_on", "it waits for approvals, of which postbacks may never tell, and no network has an api_key to ask with",
			"set the network's api_key, or add pending to send_on")
	}
}

func (r resource) unmatched(u subfive.Unmatched) {
	send, wait := u.Hold()
	switch {
	case u == "never" || u == "send":
	case send && wait > 0 && wait <= 30*24*time.Hour:
	case strings.HasPrefix(string(u), "hold"):
		r.wrong("unmatched", fmt.Sprintf("unmatched %q does not say how long to hold", clip(string(u))), "write hold 24h, at most hold 30d")
	default:
		r.oneOf("unmatched", string(u), "never", "send", "hold 24h")
	}
}

func (r resource) value(d *subfive.Destination) {
	v := &d.Value
	r.oneOf("value.from", v.From, subfive.ValuePayout, subfive.ValueSaleAmount, subfive.ValueFixed, subfive.ValueNone)
	r.currency(r.path+".value.currency", r.name+": value.currency", &v.Currency)
	r.amount("value.amount", v.Amount)
	if v.Multiply != nil && *v.Multiply <= 0 {
		r.wrong("value.multiply", fmt.Sprintf("value.multiply %s makes every value nothing or less", v.Multiply), `write "1" to leave values as they are, or from: none`)
	}
	switch {
	case v.From == subfive.ValueFixed && (v.Amount == nil || v.Currency == ""):
		r.wrong("value", "value.from is fixed, and amount or currency is missing", `write {from: fixed, amount: "30", currency: USD}`)
	case v.From != subfive.ValueFixed && v.Amount != nil:
		r.wrong("value.amount", "value.amount is used with from: fixed only", "write from: fixed, or delete the amount")
	}
}

// reactions checks the words and event names of what a destination says later.
func (r resource) reactions(d *subfive.Destination) {
	r.oneOf("on_payout_change", d.OnPayoutChange, subfive.PayoutChangeNone, subfive.PayoutRestate)
	for field, word := range map[string]string{"on_reversal": d.OnReversal, "on_approved": d.OnApproved} {
		switch strings.ToLower(word) {
		case "no", "off", "false", "never", "true", "yes", "on":
			r.wrong(field, fmt.Sprintf("%s %q would be an event of that name", field, word), offWord(field))
		}
	}
	if word := nearest(d.OnReversal, []string{subfive.ReversalRetract, subfive.ReversalNone}); word != "" && word != d.OnReversal {
		r.wrong("on_reversal", fmt.Sprintf("on_reversal %q would be an event of that name", clip(d.OnReversal)), "did you mean "+word+"?")
	}
}

func offWord(field string) string {
	if field == "on_reversal" {
		return "write retract, none, or an event's name"
	}
	return `write "" for none, or an event's name`
}
