package sandbox

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxBody is the largest request body that a stand-in reads.
const maxBody = 32 << 20

// hugeSize is how much a client must be ready not to read.
const hugeSize = 32 << 20

const htmlPage = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"

// reset cuts the connection so that the client sees a reset rather than an end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way, for HTTP/2
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it fails on a connection that is gone already
	}
	_ = conn.Close() // as above: gone is what was wanted
}

// hang answers nothing until the client leaves or the failures are cleared.
func hang(w http.ResponseWriter, r *http.Request, released <-chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-released:
	}
	reset(w)
}

// pause waits, until the client leaves or the failures are cleared at the most.
func pause(ctx context.Context, d time.Duration, released <-chan struct{}) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-released:
	case <-ctx.Done():
	}
}

// truncated promises the whole body and sends half of it.
func truncated(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	reply(w, body[:len(body)/2])
}

// huge sends a valid JSON answer of hugeSize bytes: head, a long text, tail.
func huge(w http.ResponseWriter, head, tail string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	pour(w, head, tail)
}

// gzipBomb sends the same, packed to some kilobytes.
func gzipBomb(w http.ResponseWriter, head, tail string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusOK)
	z := gzip.NewWriter(w)
	pour(z, head, tail)
	_ = z.Close() // fails when the client stopped reading, as it should
}

func pour(w io.Writer, head, tail string) {
	chunk := make([]byte, 1<<18)
	for i := range chunk {
		chunk[i] = 'x'
	}
	ok := reply(w, []byte(head))
	for sent := 0; ok && sent < hugeSize; sent += len(chunk) {
		ok = reply(w, chunk)
	}
	if ok {
		reply(w, []byte(tail))
	}
}

func htmlError(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadGateway)
	reply(w, []byte(htmlPage))
}
