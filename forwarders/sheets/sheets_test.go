package sheets

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestPlatform(t *testing.T) { forwardertest.Run(t, Platform(), ".") }

const (
	secret  = `s3cret"with\quotes&more`
	address = "https://script.google.com/macros/s/AKfycbSANDBOX/exec"
)

func newSheet(t testing.TB) forwarders.Forwarder {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte("url: "+address+"\nsecret: '"+secret+"'\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// sale returns the delivery of a sale.
func sale() subfive.Delivery {
	const id = "cv_1"
	payout := subfive.Micros(42_500_000)
	return subfive.Delivery{
		ID: "dl_" + id, ConversionID: id, Kind: subfive.KindConversion, Mode: subfive.ModeLive, EventName: "Purchase", EventID: id, EventTime: noon,
		Value:      &subfive.Money{Amount: payout, Currency: "USD"},
		Conversion: subfive.Conversion{ID: id, NetworkID: "everflow", Seq: 1, ConvertedAt: noon, Payout: &payout, Currency: "USD", Subs: map[string]string{"sub1": "secret-taste"}},
		Click:      &subfive.Click{ID: "01jd8q3v5m9w2x7y4z6a8b0c1d", ClickedAt: noon.Add(-time.Hour), Params: map[string]string{"fbclid": "IwAR2F4"}},
	}
}

// The script is in three places, because people look in each; there is one.
func TestScriptIsTheSameEverywhere(t *testing.T) {
	script, err := os.ReadFile("Code.gs")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```js\n"+string(script)+"```\n") {
		t.Error("README.md has not the script of Code.gs")
	}
	_, after, _ := strings.Cut(sample, "# Code.gs:\n#\n")
	var lines []string
	for line := range strings.Lines(after) {
		lines = append(lines, strings.TrimSuffix(strings.TrimPrefix(line, "#   "), "#\n"))
		if line == "#\n" {
			lines[len(lines)-1] = "\n"
		}
	}
	if diff := cmp.Diff(string(script), strings.Join(lines, "")); diff != "" {
		t.Errorf("sample.yaml has not the script of Code.gs (-script +sample):\n%s", diff)
	}
}

// What the script makes of a new sheet are columns that rows have.
func TestScriptKnowsTheColumns(t *testing.T) {
	script, err := os.ReadFile("Code.gs")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "const COLUMNS = [")
	list, _, _ = strings.Cut(list, "]")
	got := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		got[strings.Trim(name, " '\n")] = true
	}
	d := sale()
	d.Conversion = subfive.Conversion{
		NetworkID: "x", TransactionID: "x", OrderID: "x", GoalName: "x", Status: "x", ConvertedAt: noon, Currency: "x",
		Payout: &d.Value.Amount, SaleAmount: &d.Value.Amount, Seq: 1, CampaignID: "x", SourceID: "x", OfferID: "x", NetworkOfferID: "x",
	}
	d.Click = &subfive.Click{ID: "x", ClickedAt: noon, Platform: "x", LandingID: "x"}
	want := map[string]bool{}
	for name := range cells(t, newSheet(t), d) {
		want[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-rows +script):\n%s", diff)
	}
}

func cells(t testing.TB, f forwarders.Forwarder, d subfive.Delivery) map[string]any {
	t.Helper()
	event, err := f.Event(d)
	if err != nil {
		t.Fatal(err)
	}
	var row map[string]any
	if err := json.Unmarshal(event, &row); err != nil {
		t.Fatal(err)
	}
	return row
}

func TestSettingsThatAreRefused(t *testing.T) {
	good := "url: " + address + "\nsecret: 0123456789abcdef\n"
	at := func(url string) string { return "url: " + url + "\nsecret: 0123456789abcdef\n" }
	tests := map[string]struct{ settings, says string }{
		"least":                    {good, ""},
		"of a Workspace domain":    {at("https://script.google.com/a/macros/acme.example/s/AKfycbX/exec"), ""},
		"nothing":                  {"", "url is missing"},
		"no secret":                {"url: " + address, "secret is missing"},
		"short secret":             {"url: " + address + "\nsecret: fifteen-letters", "shorter than 16"},
		"secret with a space":      {"url: " + address + "\nsecret: two words and more", "white space"},
		"developer's URL":          {at("https://script.google.com/macros/s/AKfycbX/dev"), "/exec"},
		"the spreadsheet":          {at("https://docs.google.com/spreadsheets/d/1x/edit"), "form"},
		"plain http":               {at("http://script.google.com/macros/s/AKfycbX/exec"), "form"},
		"with a query":             {at("https://script.google.com/macros/s/AKfycbX/exec?secret=x"), "form"},
		"another host":             {at("https://script.google.com.evil.example/macros/s/AKfycbX/exec"), "form"},
		"two accounts in the path": {at("https://script.google.com/macros/u/1/s/AKfycbX/exec"), "form"},
		"unknown key":              {good + "sheet: x", "sheet"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Platform().New(forwardertest.Decode([]byte(tt.settings)), nil)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want one with %q", err, tt.says)
			}
		})
	}
}

func TestAuthorizeAddsTheSecretToTheBody(t *testing.T) {
	f := newSheet(t)
	r, err := f.Request(context.Background(), forwarders.Batch{Events: [][]byte{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Authorize(context.Background(), r, false); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"secret": secret, "rows": []any{map[string]any{"id": "a"}, map[string]any{"id": "b"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(http.Header{"Content-Type": {"application/json"}}, r.Header); diff != "" || r.URL.String() != address {
		t.Errorf("sent to %s, headers (-want +got):\n%s", r.URL, diff)
	}
}

func TestAuthorizeRefusesOtherBodies(t *testing.T) {
	f := newSheet(t)
	for _, body := range []string{"", "[]"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Authorize(context.Background(), r, false); err == nil {
			t.Errorf("%q was authorized", body)
		}
	}
	if _, err := f.Request(context.Background(), forwarders.Batch{}); err == nil {
		t.Error("a request without rows")
	}
}

func TestEventIsRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*subfive.Delivery)
		says   string
	}{
		"no ID":            {func(d *subfive.Delivery) { d.EventID = "" }, "no event ID"},
		"no time":          {func(d *subfive.Delivery) { d.EventTime = time.Time{} }, "no event time"},
		"a cell too long":  {func(d *subfive.Delivery) { d.Click.Params["fbclid"] = strings.Repeat("ä", maxCell+1) }, "param.fbclid has more"},
		"a cell that fits": {func(d *subfive.Delivery) { d.Click.Params["fbclid"] = strings.Repeat("ä", maxCell) }, ""},
		"no click":         {func(d *subfive.Delivery) { d.Click = nil }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := sale()
			tt.change(&d)
			_, err := newSheet(t).Event(d)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want one with %q", err, tt.says)
			}
		})
	}
}

// Each restatement is a row, whatever their common event ID.
func TestEachRestatementHasAnID(t *testing.T) {
	f := newSheet(t)
	got := map[any]bool{}
	for _, generation := range []int{1, 2, 2, 3} {
		d := sale()
		d.Kind, d.EventID, d.Generation = subfive.KindRestatement, "cv_1-restatement", generation
		got[cells(t, f, d)["id"]] = true
	}
	want := map[any]bool{"cv_1-restatement": true, "cv_1-restatement-2": true, "cv_1-restatement-3": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	replayed := sale()
	replayed.Generation = 2
	if id := cells(t, f, replayed)["id"]; id != "cv_1" {
		t.Errorf("a replayed conversion has the id %v, want cv_1", id)
	}
}

// Whatever a network sends stays inside its own cell, and the personal data
// that travel with a delivery stay at home.
func FuzzEvent(f *testing.F) {
	f.Add(`=HYPERLINK("x")`, "a\"b", "jane@example.com")
	f.Add("\u2028\x00\xff", "]}", "+16505551212")
	sheet := newSheet(f)
	f.Fuzz(func(t *testing.T, order, param, email string) {
		order, param = strings.ToValidUTF8(order, "?"), strings.ToValidUTF8(param, "?")
		d := sale()
		d.Conversion.OrderID, d.Click.Params["fbclid"] = order, param
		d.Click.Request.UserAgent = "agent"
		d.User = map[string]string{subfive.UserEmail: email}
		got := cells(t, sheet, d)
		for name, want := range map[string]string{"order_id": order, "param.fbclid": param} {
			if v, ok := got[name]; ok != (want != "") || ok && v != want {
				t.Errorf("%s is %q, want %q", name, v, want)
			}
			delete(got, name)
		}
		fixed := sale()
		delete(fixed.Click.Params, "fbclid")
		if diff := cmp.Diff(cells(t, sheet, fixed), got); diff != "" {
			t.Errorf("other cells (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	f, d := newSheet(b), sale()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Event(d); err != nil {
			b.Fatal(err)
		}
	}
}
