package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority is a certificate authority that speaks as much of ACME (RFC 8555) as
// a client needs. It asks for each name at the tracker's own listeners, as if
// they were ports 80 and 443 of that name.
type authority struct {
	*httptest.Server
	challenge string // http-01 or tls-alpn-01
	root      *x509.Certificate
	key       *ecdsa.PrivateKey
	life      time.Duration
	// told is closed once it is known where to ask for proofs: a tracker may want
	// certificates before the test has said where it listens.
	told     chan struct{}
	tellOnce sync.Once

	mu         sync.Mutex
	accounts   []string // the thumbprints of their keys: a client that begins with two names at once may make two
	orders     []*order
	plain, tls string // where the tracker listens
	failing    bool
	problems   []string
}

type order struct {
	name, token string
	thumbprint  string // of the account that ordered
	valid       bool
	chain       []byte
}

func newAuthority(t *testing.T, challenge string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{challenge: challenge, root: root, key: key, life: 12 * time.Hour, told: make(chan struct{})}
	a.Server = httptest.NewTLSServer(a)
	t.Cleanup(a.Close)
	return a
}

// names are those that were asked for.
func (a *authority) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, o := range a.orders {
		all = append(all, o.name)
	}
	return all
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/chal/") {
		select {
		case <-a.told:
		case <-r.Context().Done():
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", rand.Text())
	var signed struct{ Protected, Payload string }
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v)
	}
	var o *order
	if dir, n := path.Split(r.URL.Path); dir == "/authz/" || dir == "/chal/" || dir == "/finalize/" || dir == "/order/" || dir == "/cert/" {
		var i int
		if _, err := fmt.Sscan(n, &i); err != nil || i >= len(a.orders) {
			http.NotFound(w, r)
			return
		}
		o = a.orders[i]
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case a.failing && kind != "directory":
		answer(http.StatusInternalServerError, map[string]string{"type": "urn:ietf:params:acme:error:serverInternal", "detail": "out of order"})
	case kind == "directory":
		answer(http.StatusOK, map[string]any{
			"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account", "newOrder": a.URL + "/new-order",
			"revokeCert": a.URL + "/revoke", "keyChange": a.URL + "/key",
		})
	case kind == "nonce":
		w.WriteHeader(http.StatusOK)
	case kind == "account":
		a.accounts = append(a.accounts, thumbprint(decoded(signed.Protected)))
		w.Header().Set("Location", fmt.Sprint(a.URL, "/account/", len(a.accounts)-1))
		answer(http.StatusCreated, map[string]string{"status": "valid"})
	case kind == "new-order":
		var asked struct{ Identifiers []struct{ Value string } }
		_ = json.Unmarshal(decoded(signed.Payload), &asked)
		o := &order{name: asked.Identifiers[0].Value, token: rand.Text(), thumbprint: a.account(decoded(signed.Protected))}
		a.orders = append(a.orders, o)
		w.Header().Set("Location", a.at("order", o))
		answer(http.StatusCreated, a.shownOrder(o))
	case kind == "authz":
		answer(http.StatusOK, map[string]any{
			"status": status(o), "identifier": map[string]string{"type": "dns", "value": o.name}, "challenges": []any{a.shownChallenge(o)},
		})
	case kind == "chal":
		if err := a.validate(r.Context(), o); err != nil {
			a.problems = append(a.problems, err.Error())
		} else {
			o.valid = true
		}
		answer(http.StatusOK, a.shownChallenge(o))
	case kind == "finalize":
		var asked struct{ CSR string }
		_ = json.Unmarshal(decoded(signed.Payload), &asked)
		o.chain = a.sign(decoded(asked.CSR))
		w.Header().Set("Location", a.at("order", o))
		answer(http.StatusOK, a.shownOrder(o))
	case kind == "order":
		answer(http.StatusOK, a.shownOrder(o))
	case kind == "cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(o.chain)
	default:
		http.NotFound(w, r)
	}
}

// account is the thumbprint of the account that a request names.
func (a *authority) account(protected []byte) string {
	var header struct {
		KID string `json:"kid"`
	}
	var i int
	if json.Unmarshal(protected, &header) != nil {
		return ""
	}
	if _, err := fmt.Sscan(path.Base(header.KID), &i); err != nil || i >= len(a.accounts) {
		return ""
	}
	return a.accounts[i]
}

func (a *authority) at(kind string, o *order) string {
	for i, known := range a.orders {
		if known == o {
			return fmt.Sprint(a.URL, "/", kind, "/", i)
		}
	}
	return ""
}

func status(o *order) string {
	if o.valid {
		return "valid"
	}
	return "pending"
}

func (a *authority) shownOrder(o *order) map[string]any {
	shown := map[string]any{
		"status": "pending", "identifiers": []any{map[string]string{"type": "dns", "value": o.name}},
		"authorizations": []string{a.at("authz", o)}, "finalize": a.at("finalize", o),
	}
	switch {
	case o.chain != nil:
		shown["status"], shown["certificate"] = "valid", a.at("cert", o)
	case o.valid:
		shown["status"] = "ready"
	}
	return shown
}

func (a *authority) shownChallenge(o *order) map[string]any {
	return map[string]any{"type": a.challenge, "url": a.at("chal", o), "token": o.token, "status": status(o)}
}

// validate asks the name's host for the proof.
func (a *authority) validate(ctx context.Context, o *order) error {
	proof := o.token + "." + o.thumbprint
	if a.challenge == "http-01" {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.plain+"/.well-known/acme-challenge/"+o.token, nil)
		if err != nil {
			return err
		}
		req.Host = o.name
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		got, err := io.ReadAll(res.Body)
		if err == nil && string(bytes.TrimSpace(got)) != proof {
			err = fmt.Errorf("%d %q is no proof", res.StatusCode, got)
		}
		return err
	}
	d := tls.Dialer{Config: &tls.Config{ServerName: o.name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}}
	conn, err := d.DialContext(ctx, "tcp", a.tls)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	state := conn.(*tls.Conn).ConnectionState()
	sum := sha256.Sum256([]byte(proof))
	want, err := asn1.Marshal(sum[:])
	if err != nil {
		return err
	}
	for _, e := range state.PeerCertificates[0].Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && bytes.Equal(e.Value, want) {
			return nil
		}
	}
	return fmt.Errorf("no proof in the certificate for %s", o.name)
}

func (a *authority) sign(csr []byte) []byte {
	asked, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		a.problems = append(a.problems, err.Error())
		return nil
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(a.orders) + 1)), DNSNames: asked.DNSNames, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(a.life), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.root, asked.PublicKey, a.key)
	if err != nil {
		a.problems = append(a.problems, err.Error())
		return nil
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})...)
}

func decoded(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// thumbprint is that of the key in a protected header (RFC 7638).
func thumbprint(protected []byte) string {
	var header struct {
		JWK struct{ Crv, Kty, X, Y string }
	}
	if err := json.Unmarshal(protected, &header); err != nil {
		return ""
	}
	k := header.JWK
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, k.Crv, k.Kty, k.X, k.Y))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// client speaks TLS with the tracker at address, whatever a URL's host is, and
// trusts this authority alone. It follows no redirect.
func (a *authority) client(address string) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// selfSigned returns a certificate of its own authority and its key, in PEM.
func selfSigned(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
