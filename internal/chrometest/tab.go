package chrometest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is a browser's tab with a person before it: what fails ends the test, and
// says what the page shows.
type Tab struct {
	t testing.TB
	// do and the rest act in the browser's tab.
	do      func(...chromedp.Action[chromedp.Void]) error
	is      func(expression string) (bool, error)
	text    func(expression string) (string, error)
	run     func(script string) error
	look    func(emulation.SetDeviceMetricsOverrideParams, emulation.SetEmulatedMediaParams) error
	picture func() ([]byte, error)
}

// patience is how long a page may take to show what is waited for.
const patience = 20 * time.Second

// Sit opens a browser and sits down before it. Violations of a page's security
// policy are kept, for Violations.
func Sit(t testing.TB) *Tab {
	t.Helper()
	tab := Open(t)
	const watch = `(() => {
	const kept = JSON.parse(sessionStorage.getItem('violations') ?? '[]')
	addEventListener('securitypolicyviolation', e => { kept.push(location.pathname + ': ' + e.violatedDirective + ' ' + e.blockedURI); sessionStorage.setItem('violations', JSON.stringify(kept)) })
})()`
	if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatal(err)
	}
	return &Tab{
		t: t,
		do: func(steps ...chromedp.Action[chromedp.Void]) error {
			ctx, cancel := context.WithTimeout(tab, patience)
			defer cancel()
			return chromedp.Do(ctx, steps...)
		},
		is: func(expression string) (bool, error) { return chromedp.Run(tab, chromedp.Evaluate[bool](expression)) },
		text: func(expression string) (string, error) {
			return chromedp.Run(tab, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
		},
		run: func(script string) error {
			_, err := chromedp.Run(tab, chromedp.Evaluate[bool](`(async () => { `+script+`; return true })()`, chromedp.EvalAwaitPromise))
			return err
		},
		look: func(size emulation.SetDeviceMetricsOverrideParams, media emulation.SetEmulatedMediaParams) error {
			if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, size); err != nil {
				return err
			}
			_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media)
			return err
		},
		picture: func() ([]byte, error) { return chromedp.Run(tab, chromedp.CaptureScreenshot()) },
	}
}

// Open goes to an address.
func (b *Tab) Open(url string) {
	b.t.Helper()
	b.must("open "+url, chromedp.Navigate(url))
}

// Click clicks the first element of a CSS selector, once it is there.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.must("click "+selector, chromedp.Click(selector))
}

// Press clicks the link or button that says text, and waits for the page that
// follows.
func (b *Tab) Press(text string) {
	b.t.Helper()
	b.Until("there is "+text, `!!(`+pressable(text)+`)`)
	before := b.Text("String(performance.timeOrigin)")
	b.Run(`(` + pressable(text) + `).click()`)
	b.Until("another page follows "+text, `String(performance.timeOrigin) !== '`+before+`' && document.readyState === 'complete'`)
}

func pressable(text string) string {
	return `[...document.querySelectorAll('a, button, summary')].find(e => e.checkVisibility() && e.textContent.trim().replace(/\s+/g, ' ').startsWith(` + quote(text) + `))`
}

// Fill writes into a field, as typing does.
func (b *Tab) Fill(selector, text string) {
	b.t.Helper()
	b.Until("there is "+selector, `!!document.querySelector(`+quote(selector)+`)`)
	b.Run(`(() => { const f = document.querySelector(` + quote(selector) + `); f.focus(); f.value = ` + quote(text) + `; f.dispatchEvent(new Event('input', { bubbles: true })); f.dispatchEvent(new Event('change', { bubbles: true })) })()`)
}

// Key presses a key.
func (b *Tab) Key(key string) {
	b.t.Helper()
	b.must("press "+key, chromedp.KeyEvent(key))
}

// Sees waits until the page shows a text.
func (b *Tab) Sees(text string) {
	b.t.Helper()
	b.Until("the page says "+text, `document.body?.innerText.includes(`+quote(text)+`)`)
}

// OpenUntil opens an address again and again until its page shows a text.
func (b *Tab) OpenUntil(url, text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		b.Open(url)
		if yes, err := b.is(`document.body.innerText.includes(` + quote(text) + `)`); err == nil && yes {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.t.Fatalf("%s never said %s\n%s", url, text, b.shown())
}

// Until waits until an expression is true, on whatever page that is.
func (b *Tab) Until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ; ; time.Sleep(50 * time.Millisecond) {
		yes, err := b.is(`!!(` + expression + `)`)
		if err == nil && yes {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("it did not happen: %s (%v)\n%s", what, err, b.shown())
		}
	}
}

// Run runs a script in the page.
func (b *Tab) Run(script string) {
	b.t.Helper()
	if err := b.run(script); err != nil {
		b.t.Fatalf("%s: %v\n%s", script, err, b.shown())
	}
}

// Text is a string that an expression of the page comes to.
func (b *Tab) Text(expression string) string {
	b.t.Helper()
	text, err := b.text(expression)
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", expression, err, b.shown())
	}
	return text
}

// Look sets the window's width and the colors that the person likes.
func (b *Tab) Look(width int64, scheme string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1}
	if err := b.look(size, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		b.t.Fatal(err)
	}
}

// Picture is what the window shows, as PNG.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	picture, err := b.picture()
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}

// Violations are what the pages' policies forbade since the tab was opened.
func (b *Tab) Violations() string {
	b.t.Helper()
	return b.Text(`sessionStorage.getItem('violations') ?? ''`)
}

func (b *Tab) must(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.do(steps...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.shown())
	}
}

// shown is what the page shows now.
func (b *Tab) shown() string {
	text, err := b.text(`location.href + '\n' + (document.querySelector('main') ?? document.body).innerText.slice(0, 3000)`)
	if err != nil {
		return err.Error()
	}
	return text
}

func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(text) + "'"
}
