package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"subfive/config"
)

// automaticConfig is what certificates by ACME need.
type automaticConfig struct {
	domains domains
	ca      string // a directory's URL, config.CAStaging, or "": Let's Encrypt
	email   string
	storage certmagic.Storage
	local   certmagic.Storage // a copy to serve from while storage does not answer; may be nil
	// tlsAddr and httpAddr are our listeners; httpAddr nil: no challenge by HTTP.
	tlsAddr, httpAddr net.Addr
	roots             *x509.CertPool // of the CA's own site; nil: the system's
	log               *slog.Logger
	failed            func(host string)
}

// automatic gets and renews certificates of the listed hosts, and of no others.
type automatic struct {
	cfg   automaticConfig
	cache *certmagic.Cache
	// managed are the names that are listed; serving adds, when they are first
	// asked for, the same names with or without www.
	managed, serving *certmagic.Config
	issuer           *certmagic.ACMEIssuer
}

// errNotOurs is why a name gets no certificate.
var errNotOurs = errors.New("the name is neither public_url's nor one of domains")

func newAutomatic(c automaticConfig) (*automatic, error) {
	a := &automatic{cfg: c}
	quiet := zap.NewNop() // what matters comes as events
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.managed, nil },
		Logger:           quiet,
	})
	template := certmagic.Config{Storage: c.storage, LocalCache: c.local, DefaultServerName: c.domains.public, Logger: quiet, OnEvent: a.event}
	a.managed = certmagic.New(a.cache, template)
	issuer := certmagic.ACMEIssuer{CA: directory(c.ca), Email: c.email, Agreed: true, TrustedRoots: c.roots, Logger: quiet}
	if err := a.listeners(&issuer); err != nil {
		return nil, err
	}
	a.issuer = certmagic.NewACMEIssuer(a.managed, issuer)
	a.managed.Issuers = []certmagic.Issuer{a.issuer}
	template.OnDemand = &certmagic.OnDemandConfig{DecisionFunc: func(_ context.Context, name string) error {
		if !c.domains.ours(name) {
			return errNotOurs
		}
		return nil
	}}
	template.Issuers = a.managed.Issuers
	a.serving = certmagic.New(a.cache, template)
	return a, nil
}

// directory is the address of a certificate authority.
func directory(ca string) string {
	switch ca {
	case "":
		return certmagic.LetsEncryptProductionCA
	case config.CAStaging:
		return certmagic.LetsEncryptStagingCA
	}
	return ca
}

// listeners tells the issuer that challenges arrive at ours.
func (a *automatic) listeners(i *certmagic.ACMEIssuer) error {
	secure, ok := a.cfg.tlsAddr.(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("listener %v is none of TCP", a.cfg.tlsAddr)
	}
	i.ListenHost, i.AltTLSALPNPort = host(secure), secure.Port
	plain, ok := a.cfg.httpAddr.(*net.TCPAddr)
	if !ok {
		i.DisableHTTPChallenge = true
		return nil
	}
	i.AltHTTPPort = plain.Port
	return nil
}

// host is a listener's own address; "" for all addresses.
func host(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return ""
	}
	return a.IP.String()
}

// event logs what matters, and counts failures. What failed is tried again;
// meanwhile the old certificate is served.
func (a *automatic) event(ctx context.Context, name string, data map[string]any) error {
	id, _ := data["identifier"].(string)
	switch name {
	case "cert_obtained":
		a.cfg.log.InfoContext(ctx, "got a certificate", "host", id, "renewal", data["renewal"])
	case "cert_failed":
		a.cfg.log.ErrorContext(ctx, "no certificate: is the host's DNS record ours, and are ports 80 and 443 open to the world? it is tried again",
			"host", id, "renewal", data["renewal"], "err", data["error"])
		a.cfg.failed(id)
	}
	return nil
}

func (a *automatic) encryption() *encryption {
	c := a.serving.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return &encryption{
		config:    c,
		challenge: func(next http.Handler) http.Handler { return a.issuer.HTTPChallengeHandler(next) },
		expires:   a.expires,
		run: func(ctx context.Context) {
			defer a.cache.Stop()
			if err := a.managed.ManageAsync(ctx, a.cfg.domains.names); err != nil {
				a.cfg.log.ErrorContext(ctx, "look after the certificates", "err", err)
			}
			<-ctx.Done()
		},
	}
}

func (a *automatic) expires() map[string]time.Time {
	all := map[string]time.Time{}
	for _, name := range a.cfg.domains.names {
		for _, c := range a.cache.AllMatchingCertificates(name) {
			if c.Leaf != nil && c.Leaf.NotAfter.After(all[name]) {
				all[name] = c.Leaf.NotAfter
			}
		}
	}
	return all
}

// certificatesFolder is where certificates are, below the data folder.
const certificatesFolder = "certs"

// certificateStorage is the data folder with SQLite, and the database, which all
// nodes share, with PostgreSQL.
func (t *tracker) certificateStorage() certmagic.Storage {
	if t.file.Server.DatabaseURL == "" {
		return &certmagic.FileStorage{Path: filepath.Join(t.file.Server.DataDir, certificatesFolder)}
	}
	return newSharedStorage(func() (certificateStore, bool) {
		st := t.store.Load()
		return st, st != nil
	}, t.app.now)
}

// certificateCache is this node's copy of what all nodes share: with it TLS is
// spoken though the database is down at the start.
func (t *tracker) certificateCache() certmagic.Storage {
	if t.file.Server.DatabaseURL == "" {
		return nil
	}
	return &certmagic.FileStorage{Path: filepath.Join(t.file.Server.DataDir, certificatesFolder)}
}
