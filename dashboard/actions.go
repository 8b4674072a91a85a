package dashboard

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"subfive"
)

// pathID reads the ID in the path. One that no database can hold is none of
// ours.
func pathID(c *gin.Context) (string, error) {
	id, err := url.PathUnescape(c.Param("id"))
	if err != nil || !isText(id) {
		return "", subfive.ErrNotFound
	}
	return id, nil
}

func (d *Dashboard) story(kind string) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		id, err := pathID(c)
		if err != nil {
			return nil, err
		}
		return d.cfg.Backend.Story(c.Request.Context(), kind, foldClickID(id))
	}
}

// settlement is the body of a call that decides a possible duplicate.
type settlement struct {
	As string `json:"as"`
}

func (d *Dashboard) settle(c *gin.Context) (any, error) {
	var s settlement
	id, err := read(c, &s)
	if err != nil {
		return nil, err
	}
	if err := oneOf("as", s.As, settlements()); err != nil {
		return nil, err
	}
	return d.cfg.Backend.Settle(c.Request.Context(), id, s.As, actor(c))
}

// nothing is the body of a call that needs none.
type nothing struct{}

func (d *Dashboard) accept(c *gin.Context) (any, error) {
	id, err := read(c, &nothing{})
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Accept(c.Request.Context(), id, actor(c))
}

// attachment is the body of a call that gives a conversion to a click.
type attachment struct {
	ClickID string `json:"click_id"`
}

func (d *Dashboard) attach(c *gin.Context) (any, error) {
	var a attachment
	id, err := read(c, &a)
	switch {
	case err != nil:
		return nil, err
	case a.ClickID == "":
		return nil, bad("name the click that it belongs to", "click_id is missing")
	case !isText(a.ClickID):
		return nil, subfive.ErrNotFound
	}
	return d.cfg.Backend.Attach(c.Request.Context(), id, foldClickID(a.ClickID), actor(c))
}

// switched says how far a destination is switched on now.
type switched struct {
	DestinationID string       `json:"destination_id"`
	Mode          subfive.Mode `json:"mode"`
}

func (d *Dashboard) setMode(c *gin.Context) (any, error) {
	var m subfive.Switch
	id, err := read(c, &m)
	if err != nil {
		return nil, err
	}
	if err := oneOf("mode", string(m.Mode), plain(modes())); err != nil {
		return nil, err
	}
	return switched{id, m.Mode}, d.cfg.Backend.SetMode(c.Request.Context(), id, m, actor(c))
}

// paused says whether a destination is paused now.
type paused struct {
	DestinationID string `json:"destination_id"`
	Paused        bool   `json:"paused"`
	Reason        string `json:"reason,omitempty"`
}

// pauseReason is the body of a call that pauses a destination.
type pauseReason struct {
	Reason string `json:"reason"`
}

func (d *Dashboard) pause(c *gin.Context) (any, error) {
	var p pauseReason
	id, err := read(c, &p)
	if err != nil {
		return nil, err
	}
	if !isText(p.Reason) {
		return nil, bad("leave out characters that are no text", "reason has a NUL")
	}
	return paused{id, true, p.Reason}, d.cfg.Backend.Pause(c.Request.Context(), id, p.Reason, actor(c))
}

func (d *Dashboard) resume(c *gin.Context) (any, error) {
	id, err := read(c, &nothing{})
	if err != nil {
		return nil, err
	}
	return paused{DestinationID: id}, d.cfg.Backend.Resume(c.Request.Context(), id, actor(c))
}

// Check says how a destination is checked.
type Check struct {
	DryRun bool `json:"dry_run"` // render the event, send nothing
	Send   bool `json:"send"`    // send even what is not harmless
}

func (d *Dashboard) check(c *gin.Context) (any, error) {
	var how Check
	id, err := read(c, &how)
	if err != nil {
		return nil, err
	}
	if how.DryRun && how.Send {
		return nil, bad("leave one of them out", "dry_run and send exclude each other")
	}
	return d.cfg.Backend.Check(c.Request.Context(), id, how)
}

// errors answers what codes mean.
func (d *Dashboard) errors(c *gin.Context) (any, error) {
	given, err := queryOf(c, "platform", "code")
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Errors(given["platform"], given["code"])
}

// read reads the ID in the path and the body.
func read(c *gin.Context, body any) (id string, err error) {
	if id, err = pathID(c); err != nil {
		return "", err
	}
	return id, decode(c, body)
}
