package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/everflow"
)

// hop is one request of a chain.
type hop struct {
	URL         string   `json:"url"`
	Status      int      `json:"status,omitempty"`
	Location    string   `json:"location,omitempty"`
	How         string   `json:"how,omitempty"` // redirect, meta refresh or script
	FirstByteMS int64    `json:"first_byte_ms"`
	Kept        []string `json:"kept,omitempty"` // parameters that the next URL has with the same value
	Lost        []string `json:"lost,omitempty"` // those that it has not
	Failed      string   `json:"failed,omitempty"`
	// Ours: a host of this tracker, which keeps what it does not pass on.
	Ours bool `json:"ours,omitempty"`
}

func (h hop) answer() string {
	if h.Status == 0 {
		return "none"
	}
	return fmt.Sprint(h.Status, " ", http.StatusText(h.Status))
}

// The ways in which a hop leads on.
const (
	howRedirect = "redirect"
	howMeta     = "meta refresh"
	howScript   = "script"
)

// linkReport is a whole chain, and what is wrong with it.
type linkReport struct {
	Hops    []hop  `json:"hops"`
	EndsAt  string `json:"ends_at"`
	Network bool   `json:"network"` // the chain leads to an offer's link
	Stopped bool   `json:"stopped"` // it was not called
	// Slot is the offer's slot for the click ID, SlotValue what arrives in it.
	Slot      string             `json:"slot,omitempty"`
	SlotValue string             `json:"slot_value,omitempty"`
	Findings  []everflow.Finding `json:"findings"`
}

func (r *linkReport) add(code, where, what, fix string) {
	r.Findings = append(r.Findings, everflow.NewFinding(code, where, what, fix))
}

// walker follows links.
type walker struct {
	now    func() time.Time
	offers []subfive.Offer
	flags  linkFlags
	client func(allow ...string) *http.Client
	ours   func(host string) bool
}

const (
	maxHops     = 10
	wantedHops  = 2                      // redirects that buyers allow before the offer
	slowHop     = 200 * time.Millisecond // to the first byte
	hopTimeout  = 15 * time.Second
	hopBodySize = 256 << 10
)

// walk follows a link to its end, or to the network.
func (w *walker) walk(ctx context.Context, at *url.URL) linkReport {
	r := linkReport{Hops: []hop{}, Findings: []everflow.Finding{}}
	seen := map[string]bool{}
	for {
		r.EndsAt = at.String()
		offer, network := offerAt(w.offers, at.Hostname())
		if network && !r.Network {
			r.Network, r.Slot = true, clickSlot(offer)
			r.SlotValue = at.Query().Get(r.Slot)
			if !w.flags.followNetwork {
				r.Stopped = true
				break
			}
		}
		if seen[at.String()] || len(r.Hops) == maxHops {
			r.add("link_loop", r.EndsAt, fmt.Sprintf("the chain has no end after %d hops", len(r.Hops)), "take out the redirect that leads back")
			break
		}
		seen[at.String()] = true
		h, next := w.step(ctx, at)
		r.Hops = append(r.Hops, h)
		if next == nil {
			break
		}
		at = next
	}
	w.judge(&r)
	return r
}

func clickSlot(o subfive.Offer) string {
	if o.ClickSlot == "" {
		return "sub5"
	}
	return o.ClickSlot
}

// step calls one URL, and finds out where it leads.
func (w *walker) step(ctx context.Context, at *url.URL) (h hop, next *url.URL) {
	h.URL, h.Ours = at.String(), w.ours(at.Host)
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	begun, first := w.now(), time.Time{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { first = w.now() }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		h.Failed = err.Error()
		return h, nil
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; subfive-doctor)")
	req.Header.Set("Accept", "text/html,*/*")
	var allow []string
	if w.flags.allowPrivate || w.flags.allowOurs && h.Ours {
		allow = []string{at.Host}
	}
	res, err := w.client(allow...).Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		h.Failed = err.Error()
		return h, nil
	}
	defer func() { _ = res.Body.Close() }()
	h.Status = res.StatusCode
	h.FirstByteMS = first.Sub(begun).Milliseconds()
	body, err := io.ReadAll(io.LimitReader(res.Body, hopBodySize))
	if err != nil {
		h.Failed = err.Error()
		return h, nil
	}
	target := ""
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		target, h.How = res.Header.Get("Location"), howRedirect
	case strings.Contains(res.Header.Get("Content-Type"), "html"):
		target, h.How = pageTarget(res.Header.Get("Refresh"), string(body))
	}
	if target == "" {
		h.How = ""
		return h, nil
	}
	next, err = at.Parse(target)
	if err != nil || next.Host == "" {
		h.Failed = fmt.Sprintf("it leads to %q, which is no address", plain(target))
		return h, nil
	}
	h.Location = next.String()
	h.Kept, h.Lost = passed(at.Query(), next.Query())
	return h, next
}

var (
	metaTag   = regexp.MustCompile(`(?is)<meta\b[^>]*http-equiv\s*=\s*["']?refresh["']?[^>]*>`)
	metaURL   = regexp.MustCompile(`(?is)content\s*=\s*(?:"\s*[\d.]*\s*[;,]?\s*url\s*=\s*'?([^"']+)'?\s*"|'\s*[\d.]*\s*[;,]?\s*url\s*=\s*"?([^"']+)"?\s*')`)
	scriptURL = regexp.MustCompile(`(?i)(?:\b(?:window|document|top|self|parent)\.)?\blocation(?:\.href)?\s*=\s*["']([^"']+)["']|\blocation\.(?:replace|assign)\(\s*["']([^"']+)["']`)
)

// pageTarget is where a page leads by itself: by a header, a meta element, or a
// script that names the address in one piece.
func pageTarget(refresh, page string) (target, how string) {
	if _, after, ok := strings.Cut(strings.ToLower(refresh), "url="); ok {
		return strings.Trim(refresh[len(refresh)-len(after):], `'" `), howMeta
	}
	if tag := metaTag.FindString(page); tag != "" {
		if m := metaURL.FindStringSubmatch(tag); m != nil {
			return strings.TrimSpace(html.UnescapeString(m[1] + m[2])), howMeta
		}
	}
	if m := scriptURL.FindStringSubmatch(page); m != nil {
		return strings.ReplaceAll(m[1]+m[2], `\/`, "/"), howScript
	}
	return "", ""
}

// passed says which parameters reach the next URL unchanged.
func passed(before, after url.Values) (kept, lost []string) {
	for name, values := range before {
		if slices.Equal(values, after[name]) {
			kept = append(kept, name)
		} else {
			lost = append(lost, name)
		}
	}
	slices.Sort(kept)
	slices.Sort(lost)
	return kept, lost
}

// judge says what is wrong with a chain.
func (w *walker) judge(r *linkReport) {
	for i, h := range r.Hops {
		where := fmt.Sprintf("hop %d", i+1)
		switch {
		case h.Failed != "":
			r.add("link_unreachable", where, h.URL+": "+h.Failed, "mend that address, or the link before it; a private address needs --allow-private")
		case h.Status >= 400:
			r.add("link_status", where, fmt.Sprintf("%s answers %s", h.URL, h.answer()), "check the campaign's ID in the link, and that the page is there")
		}
		if h.How == howMeta || h.How == howScript {
			r.add("link_page_redirect", where, h.URL+" is a page that leads on by "+h.How, "lead on by an HTTP redirect, or by a link that the visitor follows")
		}
		if strings.HasPrefix(h.URL, "http://") {
			r.add("link_plain_http", where, h.URL+" is plain http", "write https://")
		}
		if h.FirstByteMS > slowHop.Milliseconds() {
			r.add("link_slow", where, fmt.Sprintf("the first byte took %d ms, from this machine", h.FirstByteMS), "200 ms are what buyers ask for: serve it nearer to your visitors")
		}
	}
	redirects := 0
	for _, h := range r.Hops {
		if h.Location != "" {
			redirects++
		}
	}
	if redirects > wantedHops && (r.Stopped || !w.flags.followNetwork) {
		r.add("link_hops", "chain", fmt.Sprintf("%d redirects before the offer", redirects), "take intermediate links out")
	}
	w.judgeSlot(r)
}

// judgeSlot says whether the click ID arrives at the network.
func (w *walker) judgeSlot(r *linkReport) {
	last := hop{}
	if len(r.Hops) > 0 {
		last = r.Hops[len(r.Hops)-1]
	}
	_, ours := subfive.ParseClickID(r.SlotValue)
	switch {
	case !r.Network && len(w.offers) > 0 && last.Failed == "" && last.Status < 400:
		r.add("link_not_network", r.EndsAt, "the chain ends at "+r.EndsAt, "if that is a landing page, go on from its button: test the link that the button has")
	case r.Network && r.SlotValue == "":
		r.add("link_slot_missing", r.Slot, r.Slot+" is empty when the network is reached", "give visitors this tracker's campaign link; a page on the way must pass "+r.Slot+" on")
	case r.Network && !ours:
		r.add("link_slot_changed", r.Slot, r.Slot+"="+plain(r.SlotValue)+" is no click ID of this tracker", "find the hop that sets "+r.Slot+", and take it out")
	}
}
