package forwardertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

// errUnsendable marks an error of Event: it is a case's result, not a fault.
var errUnsendable = errors.New("cannot be sent")

// render returns the request for n times the same event.
func render(f forwarders.Forwarder, c Case, n int) (*http.Request, error) {
	d := c.delivery()
	event, err := f.Event(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsendable, err)
	}
	b := forwarders.Batch{Kind: d.Kind, Test: c.Test}
	for range n {
		b.Events = append(b.Events, slices.Clone(event))
	}
	r, err := f.Request(context.Background(), b)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for _, e := range b.Events {
		if !slices.Equal(e, event) {
			return nil, errors.New("the forwarder's Request changed the events it was given")
		}
	}
	return r, nil
}

// text renders a case as its golden file shows it.
func (k *kit) text(dir string) (string, error) {
	_, r, err := k.request(dir, 1)
	if errors.Is(err, errUnsendable) {
		return err.Error() + "\n", nil
	}
	if err != nil {
		return "", err
	}
	c, err := forwarders.Capture(r)
	return c.String(), err
}

func checkGolden(t T, k *kit) {
	t.Helper()
	if len(k.cases) == 0 {
		t.Errorf("no case: %s has no folder with a conversion.json", k.data)
	}
	for _, dir := range k.cases {
		name := filepath.Base(dir)
		got, err := k.text(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join(dir, "request.golden")
		if k.update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v (go test -update writes it)", name, err)
			continue
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: the request is not request.golden (-want +got):\n%s", name, diff)
		}
	}
}

func checkPure(t T, k *kit) {
	t.Helper()
	for _, dir := range k.cases {
		name := filepath.Base(dir)
		checkUntouched(t, k, dir)
		first, err := k.text(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// A few times: the order of a map differs only now and then.
		for range 8 {
			again, err := k.text(dir)
			if err != nil || again != first {
				t.Errorf("%s: rendered again it differs: err %v\n%s", name, err, cmp.Diff(first, again))
				break
			}
		}
		checkSize(t, k, dir)
	}
}

// checkUntouched renders a delivery and compares it with one that was not.
func checkUntouched(t T, k *kit, dir string) {
	t.Helper()
	name := filepath.Base(dir)
	used, err := k.load(dir)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	fresh, err := k.load(dir)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	f, err := k.forwarder(k.settings(dir))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	first, firstErr := f.Event(used.delivery())
	kept := slices.Clone(first)
	if diff := cmp.Diff(fresh, used); diff != "" {
		t.Errorf("%s: the forwarder's Event changed the delivery (-before +after):\n%s", name, diff)
	}
	// One Forwarder renders many deliveries: no buffer may be shared.
	second, secondErr := f.Event(used.delivery())
	if !slices.Equal(kept, second) || (firstErr == nil) != (secondErr == nil) {
		t.Errorf("%s: one Forwarder renders the same delivery twice and differently:\n%s\n%s", name, kept, second)
	}
	if !slices.Equal(kept, first) {
		t.Errorf("%s: rendering again overwrote the event that was returned before", name)
	}
}

// checkSize holds a full request to be possible: one event is under the byte
// limit, and as many as a request takes can be put into one.
func checkSize(t T, k *kit, dir string) {
	t.Helper()
	name := filepath.Base(dir)
	for _, n := range []int{1, min(3, k.platform.MaxBatch)} {
		_, r, err := k.request(dir, n)
		if errors.Is(err, errUnsendable) {
			return
		}
		if err != nil {
			t.Errorf("%s: %d events: %v", name, n, err)
			return
		}
		c, err := forwarders.Capture(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if len(c.Body) > k.platform.MaxBytes {
			t.Errorf("%s: %d events are %d bytes, more than MaxBytes %d", name, n, len(c.Body), k.platform.MaxBytes)
		}
		if r.ContentLength != int64(len(c.Body)) {
			t.Errorf("%s: Content-Length is %d for a body of %d bytes", name, r.ContentLength, len(c.Body))
		}
		if r.URL.Scheme != "https" || r.URL.Host == "" {
			t.Errorf("%s: the request goes to %s://%s; platforms are https", name, r.URL.Scheme, r.URL.Host)
		}
	}
}

func checkPlatform(t T, k *kit) {
	t.Helper()
	p := k.platform
	if p.Name == "" || p.Name != strings.ToLower(p.Name) {
		t.Errorf("platform name %q: want lower case", p.Name)
	}
	if len(p.Kinds) == 0 {
		t.Errorf("Kinds is empty: the platform can be told nothing")
	}
	all := []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement}
	for _, kind := range p.Kinds {
		if !slices.Contains(all, kind) {
			t.Errorf("kind %q is none of %v", kind, all)
		}
	}
	if p.MaxBatch < 1 || p.MaxBytes < 1 || p.MaxAge < 0 || p.DedupWindow < 0 || p.PerSecond < 0 {
		t.Errorf("limits: MaxBatch %d and MaxBytes %d must be positive; MaxAge %v, DedupWindow %v, PerSecond %v not negative",
			p.MaxBatch, p.MaxBytes, p.MaxAge, p.DedupWindow, p.PerSecond)
	}
}

func checkSettings(t T, k *kit) {
	t.Helper()
	if _, err := k.forwarder([]byte(k.platform.Sample)); err != nil {
		t.Errorf("the sample is refused: %v", err)
	}
	if _, err := k.forwarder(k.config); err != nil {
		t.Errorf("config.yaml is refused: %v", err)
	}
	const unknown = "no_such_setting"
	_, err := k.forwarder([]byte(string(k.config) + "\n" + unknown + ": 1\n"))
	if err == nil || !strings.Contains(err.Error(), unknown) {
		t.Errorf("an unknown setting must be an error that names it; got %v", err)
	}
}

func checkAccount(t T, k *kit) {
	t.Helper()
	f, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	g, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	account := f.Account()
	if rest, ok := strings.CutPrefix(account, k.platform.Name+":"); !ok || rest == "" {
		t.Errorf("account %q: want %s: and what it writes to", account, k.platform.Name)
	}
	if again := g.Account(); again != account {
		t.Errorf("account is %q, then %q", account, again)
	}
	for _, s := range secrets(t, k.config) {
		if leaks(account, s) {
			t.Errorf("account %q holds a credential", account)
		}
	}
}
