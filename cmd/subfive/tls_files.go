package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// lookAgain is how often the files are looked at for a new certificate.
const lookAgain = time.Minute

// fileCertificate is a certificate in two files that somebody else renews.
type fileCertificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu       sync.Mutex
	cert     *tls.Certificate
	stamp    string // of the files as they were read
	lookedAt time.Time
}

func openCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*fileCertificate, error) {
	f := &fileCertificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
	return f, f.load()
}

// load reads both files. On an error the certificate stays as it was.
func (f *fileCertificate) load() error {
	stamp, err := stampOf(f.certFile, f.keyFile)
	if err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	f.cert, f.stamp = &cert, stamp
	return nil
}

// stampOf changes whenever one of the files does.
func stampOf(paths ...string) (string, error) {
	stamp := ""
	for _, path := range paths {
		i, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		stamp += fmt.Sprint(i.ModTime().UnixNano(), " ", i.Size(), ";")
	}
	return stamp, nil
}

// certificate returns the files' newest certificate. While they can't be read,
// or don't belong together, the last one stays.
func (f *fileCertificate) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.lookedAt) < lookAgain {
		return f.cert, nil
	}
	f.lookedAt = now
	stamp, err := stampOf(f.certFile, f.keyFile)
	if err == nil && stamp != f.stamp {
		if err = f.load(); err == nil {
			f.log.Info("took the renewed certificate over", "expires", f.cert.Leaf.NotAfter)
		}
	}
	if err != nil {
		f.log.Error("the certificate's files can't be taken over; the last one stays", "err", err)
	}
	return f.cert, nil
}

func (f *fileCertificate) encryption() *encryption {
	return &encryption{
		config:    &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.certificate},
		challenge: func(next http.Handler) http.Handler { return next },
		expires: func() map[string]time.Time {
			f.mu.Lock()
			defer f.mu.Unlock()
			all := map[string]time.Time{}
			for _, name := range f.cert.Leaf.DNSNames {
				all[name] = f.cert.Leaf.NotAfter
			}
			return all
		},
		run: func(ctx context.Context) { <-ctx.Done() },
	}
}
