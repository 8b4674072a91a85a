package moving

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"subfive"
)

// IsLinks reports whether a file that begins so is a list of links, one a line,
// and no table.
func IsLinks(head string) bool {
	for line := range strings.Lines(strings.TrimPrefix(head, "\ufeff")) {
		line = strings.ToLower(strings.TrimSpace(line))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		return strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://")
	}
	return false
}

// Links adds each link of a list to f. Lines that are empty or begin with # are
// none. It returns those that are refused, and an error if the list can't be read.
func (r CampaignReader) Links(f *Fragment, list io.Reader) (refused []*subfive.Rejection, err error) {
	in, err := utf8Reader(list)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxRowBytes)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		var wrong *subfive.Rejection
		if err := r.Link(f, n, text); errors.As(err, &wrong) {
			refused = append(refused, wrong)
		}
	}
	if err := lines.Err(); err != nil {
		return refused, fmt.Errorf("read the links: %w", err)
	}
	return refused, nil
}
