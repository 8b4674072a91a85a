package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"subfive/config"
)

// encryption is how the public listener speaks TLS.
type encryption struct {
	config *tls.Config
	// challenge answers the certificate authority on the plain listener, before
	// what serves there.
	challenge func(http.Handler) http.Handler
	// expires is when each host's certificate runs out, of those there are.
	expires func() map[string]time.Time
	// run looks after the certificates until ctx ends.
	run func(ctx context.Context)
}

// encrypt returns how TLS is spoken by the settings, and nil where it is not. at
// and plain are the listeners; plain is nil where there is none.
func (t *tracker) encrypt(at, plain net.Addr) (*encryption, error) {
	switch s := t.file.Server; s.TLS.Mode {
	case config.TLSFiles:
		f, err := openCertificate(s.TLS.CertFile, s.TLS.KeyFile, t.app.now, t.log)
		if err != nil {
			return nil, fmt.Errorf("tls: %w; see tls.cert_file and tls.key_file", err)
		}
		return f.encryption(), nil
	case config.TLSAuto:
		roots, err := readRoots(s.TLS.CARoot)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_root: %w", err)
		}
		a, err := newAutomatic(automaticConfig{
			domains: t.domains, ca: s.TLS.CA, email: s.TLS.Email, storage: t.certificateStorage(), local: t.certificateCache(),
			tlsAddr: at, httpAddr: plain, roots: roots, log: t.log, failed: t.metrics.certificateFailed,
		})
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		return a.encryption(), nil
	}
	return nil, nil // no TLS is no error
}

// readRoots reads the certificates of a PEM file; nil without one.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil // none is no error
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return roots, nil
}

// listenPlain opens the listener beside the one with TLS; nil without TLS, or
// where the settings have none.
func (t *tracker) listenPlain(ctx context.Context) (net.Listener, error) {
	s := t.file.Server.TLS
	if s.Mode == config.TLSNone || s.HTTPListen == "" {
		return nil, nil // none is no error
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.HTTPListen)
	if err != nil {
		return nil, fmt.Errorf("listen without TLS: %w; set tls.http_listen to an address that is free and allowed, or to \"\" for none", err)
	}
	return l, nil
}

// secure prepares TLS; nil where it is not spoken.
func (t *tracker) secure(public, plain net.Listener) (*encryption, error) {
	var at net.Addr
	if plain != nil {
		at = plain.Addr()
	}
	e, err := t.encrypt(public.Addr(), at)
	t.tls.Store(e)
	return e, err
}

// closeListener closes a listener that may not be there.
func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// descCertificate is the age of what browsers and networks trust us by.
var descCertificate = desc("certificate_expires_seconds", "How long the host's certificate is still valid; negative: it ran out.", "host")

// certificates tells how long they last.
type certificates struct{ t *tracker }

func (c certificates) Describe(to chan<- *prometheus.Desc) { to <- descCertificate }

func (c certificates) Collect(to chan<- prometheus.Metric) {
	e := c.t.tls.Load()
	if e == nil {
		return
	}
	now := c.t.app.now()
	for host, at := range e.expires() {
		to <- prometheus.MustNewConstMetric(descCertificate, prometheus.GaugeValue, at.Sub(now).Seconds(), host)
	}
}
