package receiver

import (
	"net/http"
	"time"
)

// NewServer returns a server with the limits a public listener needs. It takes
// requests of up to a MiB of header, query included, because a postback that
// net/http refuses is one we never see. Bodies are bounded by the handler.
func NewServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 20,
	}
}
