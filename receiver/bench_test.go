package receiver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"subfive"
)

// discard is a journal that costs nothing.
type discard struct{}

func (discard) Append(context.Context, subfive.RecordKind, []byte) (subfive.Position, error) {
	return subfive.Position{}, nil
}

// Benchmark compares the handlers, without disk and network, with a gin handler
// that does nothing.
func Benchmark(b *testing.B) {
	cfg := config(&journal{})
	cfg.Journal = discard{}
	h := serve(cfg)
	empty := gin.New()
	empty.GET("/c/:campaign", func(c *gin.Context) { c.Status(http.StatusOK) })
	cases := []struct {
		name, target string
		h            http.Handler
	}{
		{"empty gin handler", "/c/spring?fbclid=IwAR2F4-dbP0l7Mn1Iaw", empty},
		{"click", "/c/spring?fbclid=IwAR2F4-dbP0l7Mn1Iaw&utm_source=fb&sub1=ad", h},
		{"postback", "/conversion?click_id=" + clickID + "&payout=42.50&offer_id=7&tx_id=abc", h},
	}
	for _, bb := range cases {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, bb.target, nil))
			}
		})
	}
}
