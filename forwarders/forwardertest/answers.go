package forwardertest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/forwarders"
)

// asked is when the answers in the files were given.
var asked = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// answer is one file of answers/ or status/.
type answer struct {
	name    string
	classes []subfive.Class // one an event
	forwarders.Answer
}

// answers reads the files of one folder; a missing folder has none.
func answers(dir string) ([]answer, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.http"))
	if err != nil {
		return nil, fmt.Errorf("list answers: %w", err)
	}
	var all []answer
	for _, path := range paths {
		a, err := readAnswer(path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
		all = append(all, a)
	}
	return all, nil
}

func readAnswer(path string) (answer, error) {
	a := answer{name: filepath.Base(path)}
	parts := strings.Split(strings.TrimSuffix(a.name, ".http"), ".")
	if len(parts) < 2 {
		return a, fmt.Errorf("its name is not NAME.CLASS.http")
	}
	for c := range strings.SplitSeq(parts[len(parts)-1], ",") {
		if !known(subfive.Class(c)) {
			return a, fmt.Errorf("%q is not a class", c)
		}
		a.classes = append(a.classes, subfive.Class(c))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
	if err != nil {
		return a, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return a, err
	}
	a.Answer = forwarders.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, At: asked, Sent: true}
	return a, nil
}

func known(c subfive.Class) bool {
	return slices.Contains([]subfive.Class{
		subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Transient,
		subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured, subfive.Rejected,
	}, c)
}

func checkAnswers(t T, k *kit) {
	t.Helper()
	f, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	checkFolder(t, filepath.Join(k.data, "answers"), f.Read)
}

// checkFolder reads each answer of a folder as its name says, and besides for
// one event and for three.
func checkFolder(t T, dir string, read func(int, forwarders.Answer) forwarders.Result) {
	t.Helper()
	all, err := answers(dir)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	if len(all) == 0 {
		t.Errorf("no answer: %s has no NAME.CLASS.http", dir)
	}
	for _, a := range all {
		n := len(a.classes)
		var got []subfive.Class
		for _, o := range each(t, a.name, n, read(n, a.Answer)) {
			got = append(got, o.Class)
		}
		if !slices.Equal(got, a.classes) {
			t.Errorf("%s: read as %v", a.name, got)
		}
		for _, n := range []int{1, 3} {
			each(t, a.name, n, read(n, a.Answer))
		}
	}
}

// each returns one outcome an event, after it checked that the result has
// either that many or one for all.
func each(t T, name string, n int, r forwarders.Result) []subfive.Outcome {
	t.Helper()
	outcomes := r.Each
	if outcomes == nil {
		outcomes = slices.Repeat([]subfive.Outcome{r.All}, n)
	}
	if len(outcomes) != n {
		t.Errorf("%s: %d outcomes for %d events", name, len(outcomes), n)
	}
	for _, o := range outcomes {
		if !known(o.Class) {
			t.Errorf("%s: %d events: class %q is none", name, n, o.Class)
		}
		if o.Class == subfive.Submitted && o.Ref == "" {
			t.Errorf("%s: %d events: submitted without a Ref: nobody can ask about it", name, n)
		}
	}
	return outcomes
}

func checkStrangeAnswers(t T, k *kit) {
	t.Helper()
	f, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	checkStrange(t, filepath.Join(k.data, "answers"), f.Read)
}

// checkStrange reads answers that no platform should give: none of them may
// pass as a success, and none may break the reader.
func checkStrange(t T, dir string, read func(int, forwarders.Answer) forwarders.Result) {
	t.Helper()
	bodies := strangeBodies()
	real, err := answers(dir)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	for _, a := range real {
		if json := bytes.TrimSpace(a.Body); bytes.HasPrefix(json, []byte("{")) {
			bodies["truncated "+a.name] = json[:len(json)-1]
			bodies["half of "+a.name] = json[:len(json)/2]
		}
	}
	for name, body := range bodies {
		for _, status := range []int{200, 202, 302, 400, 404, 500, 599} {
			for _, n := range []int{1, 3} {
				a := forwarders.Answer{Status: status, Header: http.Header{}, Body: body, At: asked, Sent: true}
				checkNotAccepted(t, fmt.Sprintf("%d with %s", status, name), n, a, read)
			}
		}
	}
	for _, sent := range []bool{false, true} {
		checkNotAccepted(t, "no answer", 1, forwarders.Answer{At: asked, Err: context.DeadlineExceeded, Sent: sent}, read)
	}
}

func checkNotAccepted(t T, name string, n int, a forwarders.Answer, read func(int, forwarders.Answer) forwarders.Result) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s, %d events: panic: %v", name, n, p)
		}
	}()
	for _, o := range each(t, name, n, read(n, a)) {
		if o.Class == subfive.Accepted || o.Class == subfive.Submitted {
			t.Errorf("%s, %d events: counts as %s", name, n, o.Class)
		}
	}
}

func strangeBodies() map[string][]byte {
	return map[string][]byte{
		"nothing":       nil,
		"white space":   []byte(" \r\n\t"),
		"noise":         []byte("\x00\xff\xfe{]garbage\x80"),
		"HTML":          []byte("<!doctype html><html><body><h1>Please wait while we check your browser</h1></body></html>"),
		"gzip":          []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab\x56\x2a\x2e\x29\x2a\x4d\x2e\x51\xb2\x52"),
		"null":          []byte("null"),
		"a number":      []byte("1"),
		"a text":        []byte(`"ok?"`),
		"empty object":  []byte("{}"),
		"empty list":    []byte("[]"),
		"open brackets": bytes.Repeat([]byte("["), 1<<16),
		"one MiB":       bytes.Repeat([]byte("a"), 1<<20),
	}
}

func checkConfirmer(t T, k *kit) {
	t.Helper()
	f, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	c, ok := f.(forwarders.Confirmer)
	if !ok {
		return
	}
	dir := filepath.Join(k.data, "status")
	checkFolder(t, dir, c.ReadStatus)
	checkStrange(t, dir, c.ReadStatus)
	r, err := c.Ask(context.Background(), "ref-1")
	if err != nil {
		t.Errorf("Ask: %v", err)
		return
	}
	checkAuthorize(t, "Ask", f, r, secrets(t, k.config))
}
