package forwardertest

import (
	"path/filepath"
	"slices"
	"strings"

	"subfive"
	"subfive/forwarders"
)

// checkDictionary demands that a person can look up what every answer of the
// files means, and that no entry lacks its words. A platform without a
// dictionary is explained by classes alone.
func checkDictionary(t T, k *kit) {
	t.Helper()
	if len(k.platform.Errors) == 0 {
		return
	}
	f, err := k.forwarder(k.config)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	lookUp(t, k, "answers", f.Read)
	if c, ok := f.(forwarders.Confirmer); ok {
		lookUp(t, k, "status", c.ReadStatus)
	}
	for i, e := range k.platform.Errors {
		if e.Code == "" || !sentence(e.Means) || !sentence(e.Do) {
			t.Errorf("entry %s/%s: it needs a code, and two texts that end with a period", e.Code, e.Subcode)
		}
		twice := func(other forwarders.Entry) bool { return other.Code == e.Code && other.Subcode == e.Subcode }
		if slices.IndexFunc(k.platform.Errors, twice) != i {
			t.Errorf("entry %s/%s: it is there twice", e.Code, e.Subcode)
		}
	}
}

func sentence(s string) bool { return len(s) > 1 && strings.HasSuffix(s, ".") }

func lookUp(t T, k *kit, folder string, read func(int, forwarders.Answer) forwarders.Result) {
	t.Helper()
	all, err := answers(filepath.Join(k.data, folder))
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	entries := slices.Concat(k.platform.Errors, forwarders.OwnErrors())
	for _, a := range all {
		n := len(a.classes)
		for _, o := range each(t, a.name, n, read(n, a.Answer)) {
			if o.Class == subfive.Accepted || o.Class == subfive.Submitted {
				continue
			}
			if _, found := forwarders.Find(entries, o.Code, o.Subcode); !found {
				t.Errorf("%s: the dictionary has no entry for %s/%s", a.name, o.Code, o.Subcode)
			}
		}
	}
}
