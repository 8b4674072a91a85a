package dashboard_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gin-gonic/gin"

	"subfive/dashboard"
)

// tracker has one dead delivery; what it embeds it does not implement.
type tracker struct{ dashboard.Backend }

func (tracker) List(_ context.Context, q dashboard.ListQuery) (dashboard.Page, error) {
	return dashboard.Page{Items: []map[string]any{{"delivery_id": "dl_1", "status": q.Filters["status"][0]}}}, nil
}

func Example() {
	gin.SetMode(gin.ReleaseMode)
	api := dashboard.New(dashboard.Config{
		Backend: tracker{},
		Token:   "keep-me-secret",
		Metrics: http.NotFoundHandler(),
		Log:     slog.New(slog.DiscardHandler),
		Now:     func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) },
	}).Handler()

	for _, query := range []string{"status=dead&since=7d", "state=dead"} {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/deliveries?"+query, nil)
		r.Header.Set("Authorization", "Bearer keep-me-secret")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 {"items":[{"delivery_id":"dl_1","status":"dead"}],"next":""}
	// 400 {"error":{"what":"deliveries can't be asked for by \"state\"","do":"use some of delivery_id, conversion_id, click_id, destination_id, platform, kind, status, reason_code, mode, event_name, event_id, since, until, limit, cursor"}}
}
