package dashboard

import (
	"regexp"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"subfive"
)

// newView is the body of a call that saves a view.
type newView struct {
	Page  string `json:"page"`
	Name  string `json:"name"`
	Query string `json:"query"`
}

const (
	maxViewName  = 80   // characters
	maxViewQuery = 4096 // bytes
)

// viewPage is what a page is called: reports, outbound.
var viewPage = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// viewOwner is whose views the caller's are: his own, or his token's.
func viewOwner(c *gin.Context) string {
	who := caller(c)
	if who.ID != "" {
		return who.ID
	}
	return who.Name
}

func (d *Dashboard) views(c *gin.Context) (any, error) {
	given, err := queryOf(c, "page")
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Views(c.Request.Context(), viewOwner(c), given["page"])
}

func (d *Dashboard) saveView(c *gin.Context) (any, error) {
	var v newView
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	switch {
	case !viewPage.MatchString(v.Page):
		return nil, bad("name the page as its address does, such as reports or outbound", "page is %q", subfive.Clip(v.Page))
	case v.Name == "" || utf8.RuneCountInString(v.Name) > maxViewName || !isText(v.Name):
		return nil, bad("give it a name of 1 to 80 characters", "name is %q", subfive.Clip(v.Name))
	case len(v.Query) > maxViewQuery || !isText(v.Query):
		return nil, bad("save fewer filters at once", "query is longer than %d bytes, or no text", maxViewQuery)
	}
	return d.cfg.Backend.SaveView(c.Request.Context(), subfive.View{Owner: viewOwner(c), Page: v.Page, Name: v.Name, Query: v.Query})
}

func (d *Dashboard) deleteView(c *gin.Context) (any, error) {
	id, err := read(c, &nothing{})
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.DeleteView(c.Request.Context(), viewOwner(c), id)
}
