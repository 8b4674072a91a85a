package relay

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"subfive"
	"subfive/forwarders"
)

const signing = "sign-with-this-0123456789"

func TestSignature(t *testing.T) {
	// Computed with: printf '1700000030.{"event_id": "ev", "key": "abc"}' | openssl dgst -sha256 -hmac sign-with-this-0123456789
	const want = "t=1700000030,v1=2dec957ebe1aa0973a64d23744f71cd92f2ba1e24216525490fc21c8b5e357fe"
	tests := map[string]struct{ more, header string }{
		"by default":      {"", "X-Subfive-Signature"},
		"another header":  {", header: x-hub-signature", "X-Hub-Signature"},
		"header repeated": {", header: X-Subfive-Signature", "X-Subfive-Signature"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := newRelay(`{url: 'https://a.example/', body: '{"event_id": {event_id}, "key": {secret.k}}', secrets: {k: abc}, sign: {secret: ` + signing + tt.more + `}}`)
			if err != nil {
				t.Fatal(err)
			}
			r := request(t, f, subfive.Delivery{EventID: "ev"})
			if got := r.Header.Get(tt.header); got != "" {
				t.Errorf("signed before Authorize: %s", got)
			}
			ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1_700_000_030, 5e8))
			defer cancel()
			if err := f.Authorize(ctx, r, false); err != nil {
				t.Fatal(err)
			}
			if got := r.Header.Get(tt.header); got != want {
				t.Errorf("signature is\n%s, want\n%s", got, want)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != `{"event_id": "ev", "key": "abc"}` {
				t.Errorf("body is %s, error %v", body, err)
			}
		})
	}
}

func TestSignatureNeedsADeadline(t *testing.T) {
	f, err := newRelay("{url: 'https://a.example/', sign: {secret: " + signing + "}}")
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, f, subfive.Delivery{EventID: "ev"})
	if err := f.Authorize(context.Background(), r, false); err == nil || r.Header.Get(signatureHeader) != "" {
		t.Errorf("error %v, header %q", err, r.Header.Get(signatureHeader))
	}
}

func TestSignSettingsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ settings, says string }{
		"no secret":         {"sign: {header: X-A}", "sign: secret needs"},
		"a short secret":    {"sign: {secret: fifteen-letters}", "sign: secret needs"},
		"a GET":             {"method: GET, sign: {secret: " + signing + "}", "a GET has no body"},
		"a tracker's GET":   {"preset: keitaro, sign: {secret: " + signing + "}", "a GET has no body"},
		"own header":        {"sign: {secret: " + signing + ", header: content-type}", "content-type"},
		"header with space": {"sign: {secret: " + signing + ", header: 'x y'}", "x y"},
		"header twice":      {"headers: {x-sig: a}, sign: {secret: " + signing + ", header: X-Sig}", "headers sets X-Sig already"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := newRelay("{url: 'https://a.example/', " + tt.settings + "}")
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want one with %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), signing) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

type nothingSealed struct{}

func (nothingSealed) Open(_, box string) (string, error) { return box, nil }

// A receiver checks what really arrives, as README.md tells it to.
func TestSignatureArrives(t *testing.T) {
	var problems []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			problems = append(problems, err.Error())
		}
		stamp, v1, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(signatureHeader), "t="), ",v1=")
		mac := hmac.New(sha256.New, []byte(signing))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		if !hmac.Equal([]byte(v1), []byte(hex.EncodeToString(mac.Sum(nil)))) {
			problems = append(problems, "the signature does not hold: "+r.Header.Get(signatureHeader))
		}
		expires, err := strconv.ParseInt(stamp, 10, 64)
		if left := time.Until(time.Unix(expires, 0)); err != nil || left < 0 || left > 31*time.Second {
			problems = append(problems, "it expires in "+left.String())
		}
	}))
	defer server.Close()
	f, err := newRelay("{url: 'https://a.example/hook', sign: {secret: " + signing + "}}")
	if err != nil {
		t.Fatal(err)
	}
	s := forwarders.NewSender(forwarders.SenderConfig{
		Opener: nothingSealed{}, Now: time.Now, NewID: func() string { return "at_1" }, Log: slog.New(slog.DiscardHandler),
	})
	defer s.Close()
	if err := s.SetDestinations([]forwarders.Configured{{
		ID: "hook", Platform: Platform(), Forwarder: f, BaseURL: server.URL, Secrets: []string{signing},
	}}); err != nil {
		t.Fatal(err)
	}
	x := s.Send(t.Context(), "hook", []subfive.Delivery{{ID: "dl_1", Kind: subfive.KindConversion, EventID: "ev"}})
	if x.Outcomes[0].Class != subfive.Accepted || len(problems) > 0 {
		t.Errorf("outcome %+v, problems %v", x.Outcomes[0], problems)
	}
	if strings.Contains(x.Attempt.RequestHeader, "v1=") {
		t.Errorf("the attempt keeps the signature: %s", x.Attempt.RequestHeader)
	}
}
