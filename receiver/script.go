package receiver

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

//go:embed subfive.js
var scriptSource string

// scriptCache lets a page go on with the script it has for a week, and for a
// month while nobody answers here: its links need the script, not us.
const scriptCache = "public, max-age=3600, stale-while-revalidate=604800, stale-if-error=2592000"

// scriptGiven is what the script is served with for a campaign.
type scriptGiven struct {
	Campaign string            `json:"c,omitempty"`
	Hosts    map[string]string `json:"h,omitempty"` // an offer link's host → its slot
}

// plainScript is subfive.js as it is served, without a campaign's settings.
var plainScript = squeeze(scriptSource)

// script is subfive.js as one campaign's pages get it.
type script struct {
	body, zipped []byte
	tag          string
}

func newScript(body string) script {
	sum := sha256.Sum256([]byte(body))
	return script{body: []byte(body), zipped: zipped([]byte(body)), tag: `W/"` + hex.EncodeToString(sum[:8]) + `"`}
}

// writePlainScript returns the script of pages that name no campaign.
var writePlainScript = sync.OnceValues(func() (script, error) { return newScript(plainScript), nil })

// writeScript returns the script with the hosts of a campaign's offers.
func (t *table) writeScript(p plan) (script, error) {
	data, err := json.Marshal(scriptGiven{Campaign: p.ID, Hosts: t.offerHosts(p)}) // "<" and ">" escaped
	if err != nil {
		return script{}, fmt.Errorf("write the script of campaign %s: %w", p.ID, err)
	}
	return newScript(strings.TrimSuffix(plainScript, "({});") + "(" + string(data) + ");"), nil
}

// script serves subfive.js, for a campaign (?c=) with the hosts of its offers.
func (r *Receiver) script(t *table, in *intake) {
	write := writePlainScript
	if p, known := t.campaigns[strings.ToLower(first(in.params, "c"))]; known {
		write = p.script
	}
	s, err := write()
	if err != nil {
		r.cfg.Log.Error("script", "err", err)
		unavailable(in.c)
		return
	}
	h := in.c.Writer.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", scriptCache)
	h.Set("Etag", s.tag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(in.c.GetHeader("If-None-Match"), s.tag) {
		in.c.Status(http.StatusNotModified)
		in.c.Writer.WriteHeaderNow()
		return
	}
	if strings.Contains(in.c.GetHeader("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		s.body = s.zipped
	}
	in.c.Data(http.StatusOK, "text/javascript; charset=utf-8", s.body)
}

// zipped compresses in memory, where nothing can fail.
func zipped(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

// offerHosts are the hosts of all offers that a campaign's visitors may be given,
// fallbacks included, each with the slot for the click ID.
func (t *table) offerHosts(p plan) map[string]string {
	hosts := map[string]string{}
	seen := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		o, ok := t.offers[strings.ToLower(id)]
		if !ok || seen[o.ID] { // a circle of fallbacks ends here
			return
		}
		seen[o.ID] = true
		host := linkHost(o.Link)
		if _, had := hosts[host]; !had && host != "" {
			hosts[host] = slotOf(o)
		}
		add(o.Fallback)
	}
	add(p.Offer)
	for _, path := range p.AllPaths() {
		add(path.Offer)
	}
	return hosts
}

// linkHost is a link's host as browsers name it, with a port only if it is an
// unusual one.
func linkHost(link string) string {
	u, err := url.Parse(beforeQuery(link))
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// beforeQuery cuts a link's query and fragment off: networks write tokens there
// that are no URL.
func beforeQuery(link string) string {
	if i := strings.IndexAny(link, "?#"); i >= 0 {
		return link[:i]
	}
	return link
}

// landingOf is the landing page that a page's URL is of, "" for none we know.
func (t *table) landingOf(page string) string {
	address := func(u string) string {
		_, rest, _ := strings.Cut(beforeQuery(u), "://")
		return strings.TrimRight(rest, "/")
	}
	for _, l := range t.pages {
		if page != "" && strings.EqualFold(address(l.URL), address(page)) {
			return l.ID
		}
	}
	return ""
}

// squeeze takes comments, indentation and needless spaces out of the script. All
// its strings are in double quotes, and no pattern in it has a space.
func squeeze(source string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		var b []byte
		quoted := false
		for i := 0; i < len(line); i++ {
			c := line[i]
			switch {
			case c == '"':
				quoted = !quoted
			case quoted:
			case strings.HasPrefix(line[i:], "/*"):
				i += strings.Index(line[i:], "*/") + 1
				continue
			case c == ' ' && (i+1 == len(line) || len(b) == 0 || !inName(b[len(b)-1]) || !inName(line[i+1])):
				continue
			}
			b = append(b, c)
		}
		if len(b) > 0 {
			out.Write(b)
			if !strings.ContainsRune("{;,(", rune(b[len(b)-1])) {
				out.WriteByte('\n') // it may stand for a semicolon
			}
		}
	}
	return out.String()
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// first returns the first value of the parameter of exactly that name.
func first(params []param, name string) string {
	for _, p := range params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}
