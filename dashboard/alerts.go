package dashboard

import (
	"github.com/gin-gonic/gin"

	"subfive"
)

func (d *Dashboard) alerts(c *gin.Context) (any, error) {
	return d.cfg.Backend.Alerts(c.Request.Context())
}

// muting is the body of a call that mutes an alert.
type muting struct {
	For string `json:"for"`
}

func (d *Dashboard) mute(c *gin.Context) (any, error) {
	var m muting
	id, err := read(c, &m)
	if err != nil {
		return nil, err
	}
	if m.For == "" {
		return nil, bad("say how long, such as 12h or 30d; 0 ends it", "for is missing")
	}
	span, err := subfive.ParseDuration(m.For)
	if err != nil {
		return nil, bad("write 12h or 30d; 0 ends it", "for: %v", err)
	}
	return d.cfg.Backend.MuteAlert(c.Request.Context(), id, span)
}
