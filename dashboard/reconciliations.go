package dashboard

import (
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Reconciliation says what is to be compared with a network's books.
type Reconciliation struct {
	NetworkID string        // "": the only one with an API key
	Since     time.Duration // how far back
	DryRun    bool          // compare, and mend nothing
}

// maxReconciled is how far back a network tells.
const maxReconciled = 365 * 24 * time.Hour

// comparison is the body of a call that begins one.
type comparison struct {
	NetworkID string `json:"network_id"`
	Since     string `json:"since"`
	DryRun    bool   `json:"dry_run"`
}

func (d *Dashboard) reconciliations(c *gin.Context) (any, error) {
	return d.cfg.Backend.Reconciliations(c.Request.Context())
}

func (d *Dashboard) reconcile(c *gin.Context) (any, error) {
	var body comparison
	if err := decode(c, &body); err != nil {
		return nil, err
	}
	if body.Since == "" {
		body.Since = "7d"
	}
	since, err := subfive.ParseDuration(body.Since)
	switch {
	case err != nil:
		return nil, bad("write how far back, such as 24h or 30d", "since: %v", err)
	case since <= 0 || since >= maxReconciled:
		return nil, bad("networks tell of less than 365 days", "since is %s", body.Since)
	case !isText(body.NetworkID):
		return nil, bad("name a network of the setup", "network_id is no text")
	}
	return d.cfg.Backend.Reconcile(c.Request.Context(), Reconciliation{NetworkID: body.NetworkID, Since: since, DryRun: body.DryRun})
}

func (d *Dashboard) standing(c *gin.Context) (any, error) {
	return d.cfg.Backend.Standing(c.Request.Context())
}
