package forwarders

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// EncodeEvent writes an event as JSON in which an & stays one: what a platform
// gave goes back as it was.
func EncodeEvent(event any) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(512)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event); err != nil {
		return nil, fmt.Errorf("render event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
