package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"subfive/everflow"
	"subfive/forwarders"
)

// selfTestTimeout bounds each call of our own public URL.
const selfTestTimeout = 8 * time.Second

// selfTest calls our own public URL as Everflow would, and says what stands
// before the tracker. The postback path is called by HEAD: nothing is credited.
func selfTest(ctx context.Context, a *app, publicURL string) []everflow.Finding {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return nil // public_url is not set, which is said elsewhere
	}
	sender := forwarders.NewSender(forwarders.SenderConfig{Now: a.now, Log: a.log()})
	defer sender.Close()
	client := sender.AuthClient(u.Host) // the operator named the host
	for _, call := range []struct{ method, path string }{
		{http.MethodGet, "/readyz"},
		{http.MethodHead, "/conversion?click_id=probe"},
	} {
		if f, bad := selfCall(ctx, client, call.method, strings.TrimRight(publicURL, "/")+call.path); bad {
			return []everflow.Finding{f}
		}
	}
	return nil
}

// selfCall makes one call and judges its answer.
func selfCall(ctx context.Context, client *http.Client, method, target string) (f everflow.Finding, bad bool) {
	ctx, cancel := context.WithTimeout(ctx, selfTestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return everflow.NewFinding("self_unreachable", "public_url", err.Error(), "set public_url to a URL"), true
	}
	req.Header.Set("User-Agent", "subfive-doctor")
	res, err := client.Do(req)
	if err != nil {
		return unreachable(method, target, err), true
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return unreachable(method, target, err), true
	}
	return judgeSelf(method+" "+target, res, body)
}

func unreachable(method, target string, err error) everflow.Finding {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	code, fix := "self_unreachable", "check DNS, the firewall, the proxy, and that subfive serve runs; a machine that can't reach its own public address may need --offline"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		code, fix = "self_tls", "renew the certificate, or serve its whole chain; check the host's name in it"
	} else if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		code, fix = "self_tls", "what answers there speaks no TLS: put the proxy with the certificate before it, or set tls.mode files"
	}
	return everflow.NewFinding(code, "public_url", method+" "+target+": "+err.Error(), fix)
}

// judgeSelf judges who answered.
func judgeSelf(call string, res *http.Response, body []byte) (f everflow.Finding, bad bool) {
	html := strings.Contains(res.Header.Get("Content-Type"), "text/html")
	page := strings.ToLower(string(body))
	challenge := res.Header.Get("Cf-Mitigated") == "challenge" || html && (strings.Contains(page, "just a moment") ||
		strings.Contains(page, "cf-challenge") || strings.Contains(page, "captcha") || strings.Contains(page, "checking your browser"))
	switch {
	case challenge:
		return everflow.NewFinding("self_challenge", "public_url", call+" is answered with a challenge page",
			"except the tracker's host, or at least /conversion and /c/, from bot protection (Cloudflare: a WAF rule that skips; turn Bot Fight Mode off)"), true
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return everflow.NewFinding("self_redirect", "public_url", fmt.Sprintf("%s is redirected (%d) to %s", call, res.StatusCode, plain(res.Header.Get("Location"))),
			"set public_url to where it leads, or take the redirect off these paths"), true
	case html:
		return everflow.NewFinding("self_other_answer", "public_url", fmt.Sprintf("%s is answered with a web page (%d)", call, res.StatusCode),
			"send the host's requests to subfive: its answers are JSON"), true
	case res.StatusCode != http.StatusOK:
		return everflow.NewFinding("self_other_answer", "public_url", fmt.Sprintf("%s is answered with %d", call, res.StatusCode),
			"see the tracker's log; 503 means that it can write nothing down, any other status is another program's"), true
	}
	var answer struct {
		Status string `json:"status"`
	}
	if res.Request.Method != http.MethodHead && (json.Unmarshal(body, &answer) != nil || answer.Status == "") {
		return everflow.NewFinding("self_other_answer", "public_url", call+" is answered with 200, and not by subfive", "send the host's requests to subfive"), true
	}
	return everflow.Finding{}, false
}
