package dashboard

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"
)

// Outlook is what the API needs to say how things stand.
type Outlook interface {
	// Now says how things stand, and what needs a person. Without the database it
	// says what this process knows.
	Now(ctx context.Context, q NowQuery) (any, error)
	// NowCounts is what a navigation shows of it.
	NowCounts(ctx context.Context) (any, error)
}

// NowQuery asks how things stand.
type NowQuery struct {
	Period Period
	Zone   *time.Location // nil: the reporting time zone
}

// routeNow routes what the first screen asks.
func (d *Dashboard) routeNow(api gin.IRoutes) {
	api.GET("/now", d.run(d.now))
	api.GET("/now/counts", d.refuseQuery, d.run(d.nowCounts))
}

func (d *Dashboard) now(c *gin.Context) (any, error) {
	given, err := queryOf(c, "range", "zone")
	if err != nil {
		return nil, err
	}
	q := NowQuery{}
	text := given["range"]
	if text == "" {
		text = DefaultPeriod
	}
	if q.Period, err = ParsePeriod(text); err != nil {
		return nil, err
	}
	if q.Zone, err = zoneOf(given["zone"]); err != nil {
		return nil, err
	}
	return d.cfg.Backend.Now(c.Request.Context(), q)
}

// zoneOf finds a time zone by its name; nil for "". The machine's own is none,
// as nobody else knows which that is.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, bad("name one as America/New_York or UTC", "there is no time zone %q", name)
	}
	return zone, nil
}

func (d *Dashboard) nowCounts(c *gin.Context) (any, error) {
	return d.cfg.Backend.NowCounts(c.Request.Context())
}
