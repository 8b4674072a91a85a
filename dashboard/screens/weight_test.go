package screens

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
)

// firstLoad is the most that a page may bring the first time, with all that it
// loads, as it goes over the wire.
const firstLoad = 150_000 // bytes

func TestFirstLoadIsLight(t *testing.T) {
	t.Parallel()
	linked := regexp.MustCompile(`(?:href|src|data-library|data-style)="(` + assetRoot + `/[^"]+)"`)
	for _, st := range states(t) {
		h := st.handler(t)
		weigh := func(path string) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			plain := httptest.NewRecorder()
			h.ServeHTTP(plain, r.Clone(t.Context()))
			r.Header.Set("Accept-Encoding", "gzip")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Body.Len(), plain.Body.String()
		}
		sum, page := weigh(st.path)
		for _, found := range linked.FindAllStringSubmatch(page, -1) {
			n, _ := weigh(found[1])
			sum += n
		}
		if sum > firstLoad || sum < 10_000 {
			t.Errorf("%s brings %d bytes, at most %d", st.name, sum, firstLoad)
		}
		if st.name == "now/full" || st.name == "reports/full" {
			t.Logf("%s brings %d bytes", st.name, sum)
		}
	}
}
