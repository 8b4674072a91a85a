package dashboard

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Logs is what the API needs of the tracker beside its lists.
type Logs interface {
	// Count says how many rows a list has, whatever its limit.
	Count(ctx context.Context, q ListQuery) (int, error)
	// Export writes all rows of a list as a file, csv or parquet.
	Export(ctx context.Context, q ListQuery, form string, w io.Writer) error
	// Search finds what any ID leads to.
	Search(ctx context.Context, text string) (any, error)
	// MarkTest says that a conversion is a test, or that it is none after all.
	MarkTest(ctx context.Context, conversionID string, m TestMark) (any, error)
	// UndoReplay takes back deliveries of a replay that are not sent yet.
	UndoReplay(ctx context.Context, deliveryIDs []string, by string) (any, error)
}

// followed reports whether the list can be followed.
func (col collection) followed() bool {
	return col.timed && col.kind != Attempts
}

// routeLogs routes what belongs to the lists: their tails and exports, the
// search, and what is done with what they show.
func (d *Dashboard) routeLogs(api gin.IRoutes) {
	for _, col := range collections() {
		if col.followed() {
			api.GET("/"+col.kind+"/tail", d.tail(col))
		}
		if col.timed {
			api.GET("/"+col.kind+"/export", d.export(col))
		}
	}
	api.GET("/search", d.run(d.search))
	api.POST("/replays/undo", d.refuseQuery, d.run(d.undoReplay))
	api.POST("/conversions/:id/test", d.refuseQuery, d.run(d.markTest))
}

// The forms of an export.
const (
	formCSV     = "csv"
	formParquet = "parquet"
)

// counted is how many rows an export has.
type counted struct {
	Rows int `json:"rows"`
}

// export writes all rows of a list as a file.
func (d *Dashboard) export(col collection) gin.HandlerFunc {
	col.others = []string{"since", "until", "format", "count"}
	return func(c *gin.Context) {
		q, err := col.parse(c.Request.URL.RawQuery, d.cfg.Now())
		form, count := c.DefaultQuery("format", formCSV), c.DefaultQuery("count", "false")
		if err == nil {
			err = oneOf("format", form, []string{formCSV, formParquet})
		}
		if err == nil {
			err = oneOf("count", count, []string{"true", "false"})
		}
		if err == nil && count == "true" {
			var n counted
			if n.Rows, err = d.cfg.Backend.Count(c.Request.Context(), q); err == nil {
				d.answer(c, n)
				return
			}
		}
		if err == nil {
			w := &file{c: c, stream: newStream(c.Writer, d.cfg.Now), kind: contentCSV, name: col.kind + "-" + d.cfg.Now().UTC().Format("20060102-150405") + "." + form}
			if form == formParquet {
				w.kind = contentParquet
			}
			if err = d.cfg.Backend.Export(c.Request.Context(), q, form, w); err == nil {
				return
			}
		}
		d.fail(c, err)
	}
}

const (
	contentCSV     = "text/csv; charset=utf-8"
	contentParquet = "application/vnd.apache.parquet"
)

// file is an answer to be kept as a file. It begins with the first byte: until
// then it can become an error.
type file struct {
	c *gin.Context
	stream
	kind, name string
	begun      bool
}

var _ io.Writer = (*file)(nil)

// Write writes a part of the file.
func (f *file) Write(part []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.c.Header("Content-Type", f.kind)
		f.c.Header("Content-Disposition", `attachment; filename="`+f.name+`"`)
		f.c.Status(http.StatusOK)
	}
	return f.stream.Write(part)
}

func (d *Dashboard) search(c *gin.Context) (any, error) {
	given, err := queryOf(c, "q")
	switch {
	case err != nil:
		return nil, err
	case given["q"] == "":
		return nil, bad("send q, such as q=01jd3c4z9y8x7w6v5t4s3r2q1p", "q is missing")
	case len(given["q"]) > maxSearch:
		return nil, bad("paste one ID, an e-mail address or a phone number", "q is longer than any ID")
	}
	return d.cfg.Backend.Search(c.Request.Context(), given["q"])
}

// maxSearch is longer than any platform's click ID.
const maxSearch = 1000

// testMark is the body of a call that says whether a conversion is a test.
type testMark struct {
	Test *bool `json:"test"`
	// Retract takes back what platforms were told already.
	Retract bool `json:"retract"`
}

func (d *Dashboard) markTest(c *gin.Context) (any, error) {
	var m testMark
	id, err := read(c, &m)
	switch {
	case err != nil:
		return nil, err
	case m.Test == nil:
		return nil, bad("say true or false", "test is missing")
	case m.Retract && !*m.Test:
		return nil, bad("leave one of them out", "what is no test is not taken back, so retract and test false exclude each other")
	}
	return d.cfg.Backend.MarkTest(c.Request.Context(), id, TestMark{Test: *m.Test, Retract: m.Retract, By: actor(c)})
}

// TestMark says whether a conversion is a test.
type TestMark struct {
	Test bool
	// Retract takes back what platforms were told of it.
	Retract bool
	By      string
}

// undoBody names the deliveries of a replay.
type undoBody struct {
	DeliveryIDs []string `json:"delivery_ids"`
}

func (d *Dashboard) undoReplay(c *gin.Context) (any, error) {
	var b undoBody
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	if len(b.DeliveryIDs) == 0 {
		return nil, bad("send the ids that POST /api/v1/replays answered", "delivery_ids is missing")
	}
	if err := checkIDs(b.DeliveryIDs, maxUndoIDs); err != nil {
		return nil, err
	}
	return d.cfg.Backend.UndoReplay(c.Request.Context(), b.DeliveryIDs, actor(c))
}

// maxUndoIDs is how many deliveries one call can take back.
const maxUndoIDs = 1000

// maxAfter bounds how long a replay may be put off.
const maxAfter = 10 * time.Minute

// after reads how long a replay is put off.
func after(given string) (time.Duration, error) {
	if given == "" {
		return 0, nil
	}
	wait, err := subfive.ParseDuration(given)
	if err != nil || wait < 0 || wait > maxAfter {
		return 0, bad("write it as 10s or 2m, at most 10m", "after is %q", given)
	}
	return wait, nil
}
