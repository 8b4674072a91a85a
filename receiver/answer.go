package receiver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"subfive"
)

// answer is the one line that a person reads in the network's debug view.
type answer struct {
	Status  string          `json:"status"` // accepted, probe or unavailable
	ID      string          `json:"id,omitempty"`
	Reading subfive.Reading `json:"reading,omitempty"`
	Hint    string          `json:"hint,omitempty"`
	// Durable is "journal" when the database was to be waited for and did not
	// answer in time.
	Durable string `json:"durable,omitempty"`
}

func answerJSON(c *gin.Context, code int, a answer) {
	line, err := json.Marshal(a)
	if err != nil { // strings alone always encode
		line = []byte(`{"status":"accepted"}`)
	}
	c.Header("Cache-Control", "no-store")
	c.Data(code, "application/json; charset=utf-8", append(line, '\n'))
}

// unavailable tells a network to come again: nothing durable could be written.
func unavailable(c *gin.Context) {
	c.Header("Retry-After", "5")
	answerJSON(c, http.StatusServiceUnavailable, answer{Status: "unavailable", Hint: "nothing could be written down; send it again"})
}

// answered tells how a postback was answered, whatever became of it.
func (r *Receiver) answered(in *intake) {
	if in.counts && r.cfg.Answered != nil {
		r.cfg.Answered(in.endpoint, in.c.Writer.Status())
	}
}

// transparentGIF is one transparent pixel.
var transparentGIF = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00" +
	",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

func answerGIF(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Access-Control-Allow-Origin", "*")
	c.Data(http.StatusOK, "image/gif", transparentGIF)
}

func redirect(c *gin.Context, location string) {
	c.Header("Cache-Control", "no-store")
	c.Header("Location", ascii(location))
	c.Status(http.StatusFound)
	c.Writer.WriteHeaderNow()
}

// ascii escapes what a header can't carry: a link may have been pasted with
// letters of any language.
func ascii(location string) string {
	strange := func(c rune) bool { return c < ' ' || c > '~' }
	if !strings.ContainsFunc(location, strange) {
		return location
	}
	var b strings.Builder
	for i := range len(location) {
		if c := location[i]; strange(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
