// Package chrometest gives tests a real Chromium, for what no fake can show:
// that a page's security policy lets our script run, and what a browser really
// sends.
//
// It is for tests only, and it never skips: a machine without Chromium fails
// them and says what to install. The browser reaches nothing but this machine:
// every name leads to 127.0.0.1.
package chrometest

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// limit bounds one test's time in the browser: some look at every page, on a busy
// machine.
const limit = 8 * time.Minute

// Open starts a browser for one test and returns its first tab, for
// chromedp.Do and chromedp.Run. The browser ends with the test. It has no
// cookies and no storage of another test.
func Open(t testing.TB) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; this test needs a browser: scripts/deps.sh installs it, or apt-get install -y --no-install-recommends chromium", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options,
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
	)
	allocator, free := chromedp.NewExecAllocator(ctx, options...)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		closeTab()
		free()
		cancel()
	})
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return tab
}
