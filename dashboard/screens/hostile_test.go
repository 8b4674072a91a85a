package screens

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"subfive/internal/chrometest"
)

// hostile is what the world may write into whatever it can fill.
var hostile = []string{
	`"><img src=x onerror="window.struck=1"><script>window.struck=1</script>`,
	`javascript:window.struck=1//`,
	`'-window.struck-' onmouseover=window.struck=1 {{.}} </textarea></pre></title><svg onload=window.struck=1>`,
}

// struck is an API's answer whose every text is hostile; moments stay, and words
// that choose a shape keep their beginning.
func struck(answer, by string) string {
	status, body, refused := strings.Cut(answer, " {")
	if refused {
		body = "{" + body
	} else {
		status, body = "", answer
	}
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return answer
	}
	out, err := json.Marshal(strike(v, by))
	if err != nil {
		return answer
	}
	return strings.TrimSpace(status + " " + string(out))
}

func strike(v any, by string) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = strike(value, by)
		}
	case []any:
		for i, value := range v {
			v[i] = strike(value, by)
		}
	case string:
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return by + v
		}
	}
	return v
}

// struckStates are all pages with hostile answers, one state for each way.
func struckStates(t testing.TB) []state {
	var all []state
	for _, st := range states(t) {
		for i, by := range hostile {
			hit := st
			hit.name = fmt.Sprintf("%s, struck %d", st.name, i)
			hit.answers = map[string]string{}
			for key, answer := range st.answers {
				hit.answers[key] = struck(answer, by)
			}
			all = append(all, hit)
		}
	}
	return all
}

// Whatever the world writes into a field, it stays text: no element, no handler,
// no address that runs.
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, st := range struckStates(t) {
		w := httptest.NewRecorder()
		st.handler(t).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", st.path, nil))
		for _, wrong := range runs(w.Body.String()) {
			t.Errorf("%s: %s", st.name, wrong)
		}
	}
}

// runs lists what a browser would run of a page beside our own scripts.
func runs(body string) (all []string) {
	z := html.NewTokenizer(strings.NewReader(body))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		token := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"img", "iframe", "object", "embed", "base"}, token.Data) {
			all = append(all, token.String())
		}
		for _, a := range token.Attr {
			address := strings.ToLower(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc", strings.HasPrefix(a.Key, "hx-on"):
				all = append(all, token.String())
			case slices.Contains([]string{"href", "src", "action", "formaction", "hx-get", "hx-post"}, a.Key) && strings.HasPrefix(address, "javascript:"):
				all = append(all, token.String())
			case token.Data == "script" && a.Key == "src" && !strings.HasPrefix(a.Val, assetRoot):
				all = append(all, token.String())
			}
		}
	}
	return all
}

// And a browser runs none of it.
func TestHostileTextInABrowser(t *testing.T) {
	t.Parallel()
	all := struckStates(t)
	server := gallery(t, all)
	tab := chrometest.Open(t)
	for i, st := range all {
		if err := chromedp.Do(tab, chromedp.Navigate(fmt.Sprintf("%s/%d", server.URL, i))); err != nil {
			t.Fatalf("%s: %v", st.name, err)
		}
		hit, err := chromedp.Run(tab, chromedp.Evaluate[bool]("!!window.struck || !!document.querySelector('img, iframe')"))
		if err != nil || hit {
			t.Errorf("%s: something ran, or came in: %t, %v", st.name, hit, err)
		}
	}
}
