package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// maxBody is more than any call needs.
const maxBody = 64 << 10

// decode reads the request's body, a JSON object, into the struct that into
// points to. An empty body is an object without fields.
func decode(c *gin.Context, into any) error { return decodeUpTo(c, into, maxBody) }

// decodeUpTo is decode for a body of at most limit bytes.
func decodeUpTo(c *gin.Context, into any, limit int64) error {
	body, err := bodyOf(c, limit)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeObject(body, into)
}

// bodyOf reads the request's body, at most limit bytes, which it must say is
// JSON unless it is empty.
func bodyOf(c *gin.Context, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d KiB", limit>>10), "send less at once"}
	}
	if err != nil {
		return nil, bad("send it again", "the body broke off")
	}
	if len(body) == 0 {
		return nil, nil
	}
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != contentJSON {
		return nil, problem{http.StatusUnsupportedMediaType, "the body is not said to be JSON", "send the header Content-Type: application/json"}
	}
	return body, nil
}

// decodeObject is strict: an unknown field is an error, and so is one that is
// empty. A script whose variable was unset means something narrower than what
// is asked for without it.
func decodeObject(body []byte, into any) error {
	var compact bytes.Buffer // so that "[ ]" is seen to be empty
	var object map[string]json.RawMessage
	if json.Compact(&compact, body) != nil || json.Unmarshal(compact.Bytes(), &object) != nil || object == nil {
		return bad(`send one JSON object, such as {"name": "value"}`, "the body is not a JSON object")
	}
	known := fieldsOf(into)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			do := "use some of " + strings.Join(known, ", ")
			if len(known) == 0 {
				do = "send no body"
			}
			return bad(do, "there is no field %q", name)
		}
		if slices.Contains([]string{`null`, `""`, `[]`}, string(object[name])) {
			return bad("give it a value, or leave it out", "%s is empty", name)
		}
	}
	err := json.Unmarshal(body, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return bad("see /api/v1/openapi.json for its type", "%s can't be a %s", wrong.Field, wrong.Value)
	}
	return err
}

// fieldsOf returns the JSON names of the fields of the struct that v points to.
func fieldsOf(v any) []string {
	t := reflect.TypeOf(v).Elem()
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("json"))
	}
	return names
}
