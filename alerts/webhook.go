package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// SignatureHeader bears "t=SECONDS,v1=HEX": the HMAC-SHA256 of "SECONDS.BODY".
const SignatureHeader = "Subfive-Signature"

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// webhook posts a message as JSON.
type webhook struct {
	client *http.Client
	url    string
	secret string
}

// NewWebhook returns a Sender that posts to an address, signed with the secret
// unless it is empty.
func NewWebhook(c *http.Client, address, secret string) Sender {
	return webhook{client(c), address, secret}
}

// client follows no redirect: it would carry the message elsewhere.
func client(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// post is the webhook's body.
type post struct {
	Title  string    `json:"title"`
	Text   string    `json:"text"`
	Host   string    `json:"host,omitempty"`
	SentAt time.Time `json:"sent_at"`
	Alerts []Item    `json:"alerts"`
}

// Send implements Sender.
func (w webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(post{m.Title(), m.Text(), m.Host, m.SentAt, m.Items})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if w.secret != "" {
		at := strconv.FormatInt(m.SentAt.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(w.secret))
		mac.Write([]byte(at + "."))
		mac.Write(body)
		header.Set(SignatureHeader, "t="+at+",v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	status, answer, err := exchange(ctx, w.client, w.url, header, body)
	switch {
	case status == 0:
		return err
	case status/100 != 2:
		return refused(status, answer, "")
	}
	return nil // though its body may have broken off
}

type answer struct {
	header http.Header
	body   []byte
}

// exchange posts. An error without a status says that there was no answer, one
// with it that its body broke off. Errors hold no address: that may be a secret.
func exchange(ctx context.Context, c *http.Client, address string, header http.Header, body []byte) (status int, a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, a, errors.New("the address can't be used")
	}
	req.Header = header
	res, err := c.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if err != nil {
		return 0, a, fmt.Errorf("post: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	a.header = res.Header
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return res.StatusCode, a, fmt.Errorf("read the answer: %w", err)
	}
	return res.StatusCode, a, nil
}

// refused is the error for an answer that is no success.
func refused(status int, a answer, why string) error {
	text := fmt.Sprintf("answered %d %s", status, http.StatusText(status))
	if why != "" {
		text += ": " + why
	}
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && seconds > 0 {
		return Later{text, min(time.Duration(seconds)*time.Second, giveUpAfter)}
	}
	return errors.New(text)
}
