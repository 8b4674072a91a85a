package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What TikTok refused for good is mended there, looked at, and sent again from
// the screen.
func TestDeadIsSentAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	b := d.signIn(t)
	b.Open(d.base + "/admin/")
	b.Sees("1 delivery is dead")
	b.Open(d.base + "/admin/outbound?status=dead")
	b.Sees("tiktok")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, d.sandbox+"/_sandbox/tiktok/fail", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatalf("mend TikTok: %v, %v", res, err)
	}
	_ = res.Body.Close()
	b.Key("j")
	b.Key("\r")
	b.Sees("40002")
	b.Press("Send this one again")
	b.Sees("Send 1 delivery again?")
	b.Press("Send 1 delivery")
	b.Until("it can be taken back", `document.querySelector('.toast form button')?.innerText === 'Undo'`)
	b.Press("Undo")
	b.OpenUntil(d.base+"/admin/outbound?status=dead", "the event is refused")
	order := d.says(`TikTok will not take order (order-\d+)`)
	if told := text(t, d.sandbox+"/_sandbox/tiktok/events"); strings.Contains(told, `"`+order+`"`) {
		t.Fatalf("TikTok was told of %s, which was taken back", order)
	}
	b.Press("Send again: all that match (")
	b.Press("Send 1 delivery")
	b.Open(d.base + "/admin/")
	b.Until("nothing is dead", `!document.body.innerText.includes('is dead')`)
	for until := time.Now().Add(30 * time.Second); !strings.Contains(text(t, d.sandbox+"/_sandbox/tiktok/events"), `"`+order+`"`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("TikTok was not told of %s", order)
		}
	}
}

// The log moves by itself while one looks at it, and stops when one says so.
func TestTail(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	b := d.signIn(t)
	b.Open(d.base + "/admin/inbound")
	b.Until("the tail runs", `document.querySelector('[data-tail-state]')?.textContent === 'live'`)
	text(t, d.base+"/conversion?click_id=tail-1&payout=1&tx_id=tail-1")
	b.Sees("tail-1")
	b.Key("P")
	b.Until("the tail rests", `document.querySelector('[data-tail-state]')?.textContent === 'paused'`)
	text(t, d.base+"/conversion?click_id=tail-2&payout=1&tx_id=tail-2")
	time.Sleep(2500 * time.Millisecond) // longer than the tail looks for news
	b.Until("a tail that rests shows nothing new", `!document.body.innerText.includes('tail-2')`)
	b.OpenUntil(d.base+"/admin/inbound", "tail-2")
}

// A report leads from a source to its campaigns by a click, keeps the way in its
// address, and explains its numbers.
func TestReportDrillDown(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	b := d.signIn(t)
	b.Open(d.base + "/admin/reports")
	b.Sees("rows by Campaign")
	csv := b.Text(`fetch([...document.querySelectorAll('a')].find(a => a.innerText.startsWith('CSV')).href).then(r => r.text())`)
	if !strings.Contains(csv, "spring-tiktok") {
		t.Errorf("the CSV is %s", csv)
	}
	b.Press("spring-tiktok")
	b.Until("the way is in the address", `location.search.includes('spring-tiktok')`)
	b.Until("and goes one deeper", `!document.querySelector('main table tbody')?.innerText.includes('spring-reddit')`)
	deeper := b.Text("location.href")
	b.Key("X")
	b.Until("compared with the time before", `location.search.includes('compare=')`)
	b.Run("history.back()")
	b.Until("back is where it was", `location.href === '`+deeper+`'`)
	b.Press("?Explain Conversions")
	b.Sees("SELECT")
	if v := b.Violations(); v != "" {
		t.Error("the policy was violated:", v)
	}
}
