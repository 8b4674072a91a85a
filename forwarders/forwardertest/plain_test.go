package forwardertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"subfive"
	"subfive/forwarders"
)

// plain is a platform that does all as it should. Each hook lets a test break
// one thing.
type plain struct {
	token string
	count int

	account   func(p *plain) string
	event     func(p *plain, d subfive.Delivery) ([]byte, error)
	request   func(p *plain, b forwarders.Batch, r *http.Request)
	authorize func(p *plain, r *http.Request) error
	read      func(n int, a forwarders.Answer) forwarders.Result
}

func (p *plain) Account() string {
	if p.account != nil {
		return p.account(p)
	}
	return "plain:1"
}

func (p *plain) Event(d subfive.Delivery) ([]byte, error) {
	p.count++
	if p.event != nil {
		return p.event(p, d)
	}
	if d.Value == nil {
		return nil, errors.New("plain takes no event without a value")
	}
	return json.Marshal(map[string]any{"id": d.EventID, "email": d.User["email"], "fbclid": d.Click.Params["fbclid"]})
}

func (p *plain) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	body := append([]byte("["), bytes.Join(b.Events, []byte(","))...)
	body = append(body, ']')
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.plain.example/events", bytes.NewReader(body))
	if err == nil && p.request != nil {
		p.request(p, b, r)
	}
	return r, err
}

func (p *plain) Authorize(_ context.Context, r *http.Request, _ bool) error {
	if p.authorize != nil {
		return p.authorize(p, r)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	return nil
}

func (p *plain) Read(n int, a forwarders.Answer) forwarders.Result {
	if p.read != nil {
		return p.read(n, a)
	}
	var body struct{ Taken []bool }
	switch {
	case a.Status == http.StatusTooManyRequests:
		return forwarders.Result{All: subfive.Outcome{Class: subfive.Throttled}}
	case a.Status != http.StatusOK, json.Unmarshal(a.Body, &body) != nil, len(body.Taken) != n:
		return forwarders.Result{All: subfive.Outcome{Class: subfive.Transient, Ambiguous: true}}
	}
	var result forwarders.Result
	for _, taken := range body.Taken {
		class := subfive.Rejected
		if taken {
			class = subfive.Accepted
		}
		result.Each = append(result.Each, subfive.Outcome{Class: class})
	}
	return result
}

// asking is plain with a verdict that comes later.
type asking struct {
	*plain
	url string
}

func (a asking) Ask(ctx context.Context, ref string) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, a.url+ref, http.NoBody)
}

func (a asking) ReadStatus(n int, answer forwarders.Answer) forwarders.Result {
	return a.Read(n, answer)
}

func platform(change func(p *plain), wrap func(p *plain) forwarders.Forwarder) forwarders.Platform {
	return forwarders.Platform{
		Name: "plain", Kinds: []subfive.Kind{subfive.KindConversion}, MaxBatch: 10, MaxBytes: 1000,
		Sample: "access_token: abc # from your account\n",
		New: func(decode func(any) error, _ *http.Client) (forwarders.Forwarder, error) {
			var settings struct {
				AccessToken string `yaml:"access_token"`
			}
			if err := decode(&settings); err != nil {
				return nil, err
			}
			p := &plain{token: settings.AccessToken}
			if change != nil {
				change(p)
			}
			if wrap != nil {
				return wrap(p), nil
			}
			return p, nil
		},
	}
}

const conversion = `{
	"delivery": {"kind": "conversion", "event_id": "cv_1", "value": {"amount": "42.50", "currency": "USD"}},
	"click": {"id": "c1", "params": {"fbclid": "AbC"}},
	"user": {"email": "a@example.com"}
}`

func files() map[string]string {
	return map[string]string{
		"config.yaml":                          "access_token: token/of+plain\n",
		"purchase/conversion.json":             conversion,
		"purchase/request.golden":              "POST https://api.plain.example/events\n\n[\n  {\n    \"email\": \"a@example.com\",\n    \"fbclid\": \"AbC\",\n    \"id\": \"cv_1\"\n  }\n]\n",
		"free/conversion.json":                 `{"delivery": {"kind": "conversion", "event_id": "cv_2"}}`,
		"free/request.golden":                  "cannot be sent: plain takes no event without a value\n",
		"answers/taken.accepted.http":          "HTTP/1.1 200 OK\n\n{\"taken\":[true]}\n",
		"answers/mixed.accepted,rejected.http": "HTTP/1.1 200 OK\n\n{\"taken\":[true,false]}\n",
		"answers/slow-down.throttled.http":     "HTTP/1.1 429 Too Many Requests\nRetry-After: 3\n\n",
	}
}

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, "testdata", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
