package screens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
)

// tail follows a list: the API's rows, each drawn as the page draws it.
func (s *Screens) tail(l list) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := s.request(c)
		c.Header(gzhttp.HeaderNoCompression, "1")
		r.pass(&tailWriter{ResponseWriter: c.Writer, view: &view{request: r}, list: l}, "/"+l.Kind+"/tail", l.query(r))
	}
}

// tailWriter draws the rows of a tail on their way to the browser.
type tailWriter struct {
	http.ResponseWriter
	view *view
	list list
	rest []byte // an event that is not whole yet
}

// Flush lets go what was written. The API's writer asks for it by this method.
func (w *tailWriter) Flush() {
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		w.view.s.cfg.Log.DebugContext(w.view.Request.Context(), "flush a tail", "err", err)
	}
}

// Unwrap leads to the connection's deadlines.
func (w *tailWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write takes a part of the API's answer.
func (w *tailWriter) Write(part []byte) (int, error) {
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		return w.ResponseWriter.Write(part) // it is no stream, but says why
	}
	w.rest = append(w.rest, part...)
	for {
		event, rest, whole := bytes.Cut(w.rest, []byte("\n\n"))
		if !whole {
			return len(part), nil
		}
		w.rest = rest
		drawn, err := w.draw(string(event))
		if err != nil {
			return 0, err
		}
		if _, err := w.ResponseWriter.Write([]byte(drawn + "\n\n")); err != nil {
			return 0, err
		}
	}
}

// draw is an event as the page wants it: a row as HTML, anything else as it is.
func (w *tailWriter) draw(event string) (string, error) {
	head, data, ok := strings.Cut(event, "\ndata: ")
	if !ok || !strings.HasPrefix(head, "event: row") {
		return event, nil
	}
	var i item
	if err := json.Unmarshal([]byte(data), &i); err != nil {
		return "", fmt.Errorf("follow %s: %w", w.list.Kind, err)
	}
	var html bytes.Buffer
	row := map[string]any{"V": w.view, "R": w.list.row(w.view, i, nil)}
	if err := w.view.s.pages["logs"].ExecuteTemplate(&html, "log row", row); err != nil {
		return "", fmt.Errorf("draw a row of %s: %w", w.list.Kind, err)
	}
	return head + "\ndata: " + strings.ReplaceAll(html.String(), "\n", " "), nil
}
