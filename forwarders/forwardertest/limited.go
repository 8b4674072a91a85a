package forwardertest

import (
	"bytes"
	"path/filepath"
)

// checkLimitedUse holds that a platform with limited data use says so in an
// event when the delivery asks for it, and that no other renders anything else.
func checkLimitedUse(t T, k *kit) {
	t.Helper()
	differs := ""
	for _, dir := range k.cases {
		plain, limited, err := k.bothUses(dir)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(dir), err)
			return
		}
		if !bytes.Equal(plain, limited) {
			differs = filepath.Base(dir)
		}
	}
	switch {
	case k.platform.LimitedUse && differs == "":
		t.Errorf("it has LimitedUse, and no case is rendered differently when the delivery asks for it")
	case !k.platform.LimitedUse && differs != "":
		t.Errorf("%s: it is rendered differently with LimitedUse, which the platform says it has not", differs)
	}
}

// bothUses renders a case's event without and with limited use. An event that is
// refused, as one whose country is missing, is its refusal.
func (k *kit) bothUses(dir string) (plain, limited []byte, err error) {
	c, err := k.load(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := k.forwarder(k.settings(dir))
	if err != nil {
		return nil, nil, err
	}
	event := func(limit bool) []byte {
		d := c.delivery()
		d.LimitedUse = limit
		b, err := f.Event(d)
		if err != nil {
			return []byte(err.Error())
		}
		return bytes.Clone(b)
	}
	return event(false), event(true), nil
}
