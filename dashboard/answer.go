package dashboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"subfive"
)

const contentJSON = "application/json"

// Refusal is a Backend's error that the caller is to read: what is in the way
// and what to do about it. It answers 409, as the state of things is against
// the call, unless a field says otherwise.
type Refusal struct {
	What, Do string
	// Invalid: it is the request that makes no sense, whatever the state: 422.
	Invalid bool
	// Unavailable: the same call may go well later: 503.
	Unavailable bool
}

// Error returns "what: do".
func (r Refusal) Error() string { return r.What + ": " + r.Do }

func (r Refusal) status() int {
	switch {
	case r.Unavailable:
		return http.StatusServiceUnavailable
	case r.Invalid:
		return http.StatusUnprocessableEntity
	}
	return http.StatusConflict
}

// problem is an answer that is no success, and the error that leads to it.
type problem struct {
	status   int
	what, do string
}

// Error returns what is wrong.
func (p problem) Error() string { return p.what + ": " + p.do }

// bad is a request that can't be read as one of ours.
func bad(do, what string, args ...any) problem {
	return problem{http.StatusBadRequest, fmt.Sprintf(what, args...), do}
}

// failure is the body of all answers that are no success.
type failure struct {
	Error failureText `json:"error"`
}

type failureText struct {
	What string `json:"what"`
	Do   string `json:"do"`
	// ID is in the log line too, if there is one.
	ID string `json:"id,omitempty"`
}

// fail answers an error. One that is not for the caller's eyes is logged, and
// the answer says where.
func (d *Dashboard) fail(c *gin.Context, err error) {
	if p, ok := explain(err); ok {
		d.refuse(c, p)
		return
	}
	ctx, id := c.Request.Context(), strings.ToLower(rand.Text())
	level, status := slog.LevelError, http.StatusInternalServerError
	text := failureText{"something went wrong here", `look for error_id "` + id + `" in the tracker's log`, id}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		level = slog.LevelInfo // the caller went away
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
		text.What, text.Do = "it took too long and was given up", "ask for less, or try again later; "+text.Do
	}
	d.cfg.Log.Log(ctx, level, "answer the API", "error_id", id, "method", c.Request.Method, "route", c.FullPath(), "err", err)
	if c.Writer.Written() {
		panic(http.ErrAbortHandler) // half an answer must not look whole
	}
	d.write(c, status, failure{text})
}

// explain says what an error means to the caller, if it is for the caller.
func explain(err error) (problem, bool) {
	if p, ok := errors.AsType[problem](err); ok {
		return p, true
	}
	if r, ok := errors.AsType[Refusal](err); ok {
		return problem{r.status(), r.What, r.Do}, true
	}
	switch {
	case errors.Is(err, subfive.ErrNotFound):
		return problem{http.StatusNotFound, "there is nothing of that ID", "check the IDs you sent; the lists, such as /api/v1/deliveries, show them"}, true
	case errors.Is(err, subfive.ErrConflict):
		return problem{http.StatusConflict, "somebody changed it at the same moment", "look at it again, then repeat the call"}, true
	case errors.Is(err, subfive.ErrBadData):
		return problem{http.StatusUnprocessableEntity, "the database can't keep one of these values", "leave out characters that are no text"}, true
	}
	return problem{}, false
}

// refuse answers a problem and ends the request.
func (d *Dashboard) refuse(c *gin.Context, p problem) {
	c.Abort()
	if p.status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "5")
	}
	d.write(c, p.status, failure{failureText{What: p.what, Do: p.do}})
}

// answer writes a value.
func (d *Dashboard) answer(c *gin.Context, v any) { d.write(c, http.StatusOK, v) }

// write encodes first: what can't be encoded is a failure, not half an answer.
func (d *Dashboard) write(c *gin.Context, status int, v any) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		d.fail(c, fmt.Errorf("encode the answer: %w", err))
		return
	}
	c.Data(status, contentJSON, body.Bytes())
}
