package dashboard

import "github.com/gin-gonic/gin"

// specimen is the body of a call that examines a postback URL.
type specimen struct {
	URL string `json:"url"`
}

func (d *Dashboard) checkUp(c *gin.Context) (any, error) {
	return d.cfg.Backend.CheckUp(c.Request.Context())
}

func (d *Dashboard) examine(c *gin.Context) (any, error) {
	var s specimen
	switch err := decode(c, &s); {
	case err != nil:
		return nil, err
	case s.URL == "":
		return nil, bad("send the postback URL, or the query that arrived", "url is missing")
	case !isText(s.URL):
		return nil, bad("leave out characters that are no text", "url is not valid UTF-8, or has a NUL")
	}
	return d.cfg.Backend.Examine(c.Request.Context(), s.URL)
}
