package relay

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
)

const (
	signatureHeader = "X-Subfive-Signature"
	// shortestSign is the length of the shortest signing secret: whoever sees a
	// signed request can try shorter ones at home.
	shortestSign = 16
)

// Sign says how a webhook is signed.
type Sign struct {
	Secret string `yaml:"secret"`
	Header string `yaml:"header"` // "": X-Subfive-Signature
}

type signer struct {
	secret []byte
	header string
}

// newSigner returns nil where the settings ask for no signature.
func newSigner(c Config) (*signer, error) {
	if c.Sign == nil {
		return nil, nil //nolint:nilnil // no signature is a setting, not a fault
	}
	s := &signer{secret: []byte(c.Sign.Secret), header: signatureHeader}
	if c.Sign.Header != "" {
		s.header = http.CanonicalHeaderKey(c.Sign.Header)
	}
	switch {
	case c.Method == http.MethodGet:
		return nil, errors.New("a GET has no body that could be signed; use method: POST")
	case len(s.secret) < shortestSign:
		return nil, fmt.Errorf("secret needs at least %d characters", shortestSign)
	case !headerName.MatchString(s.header) || slices.Contains(ownHeaders, s.header):
		return nil, fmt.Errorf("header: %q can't be set here", c.Sign.Header)
	}
	for name := range c.Headers {
		if http.CanonicalHeaderKey(name) == s.header {
			return nil, fmt.Errorf("header: headers sets %s already", s.header)
		}
	}
	return s, nil
}

// sign adds the signature of r's body and of the moment at which the request
// expires, which is its context's deadline: a stolen request is of no use after.
func (s *signer) sign(ctx context.Context, r *http.Request) error {
	expires, ok := ctx.Deadline()
	if !ok {
		return errors.New("sign the request: it has no deadline")
	}
	var body []byte
	if r.GetBody != nil {
		reader, err := r.GetBody()
		if err != nil {
			return fmt.Errorf("sign the request: %w", err)
		}
		body, err = io.ReadAll(reader)
		if err := errors.Join(err, reader.Close()); err != nil {
			return fmt.Errorf("sign the request: %w", err)
		}
	}
	r.Header.Set(s.header, s.signature(strconv.FormatInt(expires.Unix(), 10), body))
	return nil
}

// signature returns the header's value.
func (s *signer) signature(t string, body []byte) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
