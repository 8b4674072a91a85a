package google

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

// adsFault is one error as Google writes it; field is its row, "" for none.
func adsFault(group, code, field string, more ...string) string {
	location := ""
	if field != "" {
		location = `,"location":{"fieldPathElements":[{"fieldName":"operations"},` + field + `]}`
	}
	return `{"errorCode":{"` + group + `":"` + code + `"},"message":"no"` + location + strings.Join(more, "") + `}`
}

func adsPartly(results string, errors ...string) string {
	return `{"results":` + results + `,"partialFailureError":{"code":3,"message":"m","details":[{"@type":"x.GoogleAdsFailure","requestId":"r1","errors":[` +
		strings.Join(errors, ",") + `]}]}}`
}

// TestAdsOutcomes looks at all that an outcome says; the files in testdata cover
// each code's class.
func TestAdsOutcomes(t *testing.T) {
	const up, adj = groupUpload, groupAdjustment
	taken := subfive.Outcome{Class: subfive.Accepted, HTTP: 200}
	row := func(class subfive.Class, code, group string) subfive.Outcome {
		return subfive.Outcome{Class: class, HTTP: 200, Code: code, Subcode: group, Message: "no", TraceID: "r1", Named: class == subfive.Rejected}
	}
	after := func(o subfive.Outcome, d time.Duration) subfive.Outcome { o.RetryAfter = d; return o }
	each := func(all ...subfive.Outcome) forwarders.Result { return forwarders.Result{Each: all} }
	tests := map[string]struct {
		answer forwarders.Answer
		want   forwarders.Result
	}{
		"both taken": {answer(200, `{"results":[{"gclid":"a"},{"orderId":"b"}]}`), each(taken, taken)},
		"too recent, in the first row": {
			answer(200, adsPartly(`[{},{"gclid":"a"}]`, adsFault(up, "TOO_RECENT_EVENT", `{"fieldName":"conversions"}`))),
			each(after(row(subfive.Deferred, "TOO_RECENT_EVENT", up), 6*time.Hour), taken),
		},
		"a change too soon, and one of nothing": {
			answer(200, adsPartly(`[{},{}]`, adsFault(adj, "TOO_RECENT_CONVERSION", `{"fieldName":"conversionAdjustments","index":1}`), adsFault(adj, "CONVERSION_NOT_FOUND", `{"fieldName":"conversion_adjustments","index":0}`))),
			each(after(row(subfive.Deferred, "CONVERSION_NOT_FOUND", adj), 6*time.Hour), after(row(subfive.Deferred, "TOO_RECENT_CONVERSION", adj), 24*time.Hour)),
		},
		"twice in one request: they part": {
			answer(200, adsPartly(`[{},{}]`, adsFault(up, "DUPLICATE_ORDER_ID", `{"fieldName":"conversions","index":"1"}`), adsFault(up, "DUPLICATE_ORDER_ID", `{"fieldName":"conversions"}`))),
			each(after(row(subfive.Deferred, "DUPLICATE_ORDER_ID", up), time.Minute), after(row(subfive.Deferred, "DUPLICATE_ORDER_ID", up), 2*time.Minute)),
		},
		"quota of a row": {
			answer(200, adsPartly(`[{},{"gclid":"a"}]`, adsFault("quotaError", "RESOURCE_EXHAUSTED", `{"fieldName":"conversions"}`, `,"details":{"quotaErrorDetails":{"retryDelay":"42s"}}`))),
			each(after(row(subfive.Throttled, "RESOURCE_EXHAUSTED", "quotaError"), 42*time.Second), taken),
		},
		"quota of all, for how long is not said": {
			answer(429, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"x.GoogleAdsFailure","requestId":"r2","errors":[`+adsFault("quotaError", "RESOURCE_EXHAUSTED", "")+`]}]}}`),
			forwarders.Result{All: subfive.Outcome{Class: subfive.Throttled, HTTP: 429, Code: "RESOURCE_EXHAUSTED", Subcode: "quotaError", Message: "no", TraceID: "r2", RetryAfter: 30 * time.Second}},
		},
		"broken inside": {
			answer(500, `{"error":{"code":500,"status":"INTERNAL","details":[{"@type":"x.GoogleAdsFailure","errors":[`+adsFault("internalError", "INTERNAL_ERROR", "")+`]}]}}`),
			forwarders.Result{All: subfive.Outcome{Class: subfive.Transient, HTTP: 500, Code: "INTERNAL_ERROR", Subcode: "internalError", Message: "no", Ambiguous: true}},
		},
		"another's type": {
			answer(200, `{"results":[{},{}],"partialFailureError":{"message":"m","details":[{"@type":"x.Other","errors":[`+adsFault(up, "EXPIRED_EVENT", `{"fieldName":"conversions"}`)+`]}]}}`),
			forwarders.Result{All: subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "partial_failure", Message: "m"}},
		},
		"no result and no reason": {
			answer(200, `{"results":[{"gclid":"a"},{}]}`),
			each(taken, subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "no_result", Ambiguous: true, Message: "Google says neither that it took the row nor why it did not"}),
		},
		"no answer, not sent": {
			forwarders.Answer{Err: http.ErrServerClosed, At: noon},
			forwarders.Result{All: subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer"}},
		},
	}
	f := newGoogle(t, adsAPI)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, f.Read(2, tt.answer)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A test is only validated: it has no results, and left nothing that could be
// taken back.
func TestAdsReadOfATest(t *testing.T) {
	partial := func(errors ...string) string {
		return strings.Replace(adsPartly("[]", errors...), `"results":[],`, "", 1)
	}
	tests := map[string]struct {
		body string
		want []subfive.Class
	}{
		"good":              {`{}`, []subfive.Class{subfive.Accepted, subfive.Accepted}},
		"one is wrong":      {partial(adsFault(groupUpload, "EXPIRED_EVENT", `{"fieldName":"conversions","index":1}`)), []subfive.Class{subfive.Accepted, subfive.Rejected}},
		"nothing to change": {partial(adsFault(groupAdjustment, "CONVERSION_NOT_FOUND", `{"fieldName":"conversionAdjustments"}`)), []subfive.Class{subfive.Accepted, subfive.Accepted}},
		"wrong in no row":   {partial(adsFault("requestError", "UNKNOWN", "")), []subfive.Class{subfive.Rejected, subfive.Rejected}},
	}
	f := newGoogle(t, adsAPI)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := answer(200, tt.body)
			a.Test = true
			r := f.Read(2, a)
			if r.Each == nil {
				r.Each = []subfive.Outcome{r.All, r.All}
			}
			if got := []subfive.Class{r.Each[0].Class, r.Each[1].Class}; !cmp.Equal(tt.want, got) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// TestErrorsAreAll holds the dictionary against the number of values that the
// enums have.
func TestErrorsAreAll(t *testing.T) {
	count := map[string]int{}
	for _, e := range Platform().Errors {
		count[e.Subcode]++
		for _, text := range []string{e.Means, e.Do} {
			if len(text) < 8 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s/%s: %q", e.Code, e.Subcode, text)
			}
		}
	}
	if up, adj := count[groupUpload], count[groupAdjustment]; up != 46 || adj != 27 {
		t.Errorf("%d upload errors and %d of adjustments, want 46 and 27", up, adj)
	}
}

// What can't be asked with these credentials is no reason to stop.
func TestAdsAsksWhatDataManagerTook(t *testing.T) {
	c, ok := newGoogle(t, adsAPI).(forwarders.Confirmer)
	if !ok {
		t.Fatal("what was submitted before api changed can't be asked about")
	}
	denied := answer(403, `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}`)
	if got := c.ReadStatus(1, denied).All.Class; got != subfive.Transient {
		t.Errorf("denied: %s", got)
	}
	failed := answer(200, `{"requestStatusPerDestination":[{"requestStatus":"FAILED","errorInfo":{"errorCounts":[{"reason":"PROCESSING_ERROR_REASON_INVALID_OPERATING_ACCOUNT_FOR_CLICK"}]}}]}`)
	if got := c.ReadStatus(1, failed).All.Class; got != subfive.Misconfigured {
		t.Errorf("failed: %s", got)
	}
}

// FuzzAdsRead holds that no answer breaks the reader, and that no row passes for
// taken that has no result.
func FuzzAdsRead(f *testing.F) {
	f.Add(200, []byte(`{"results":[{"gclid":"a"},{},{"x":null}]}`))
	f.Add(200, []byte(adsPartly(`[{},{},{}]`, adsFault(groupUpload, "EXPIRED_EVENT", `{"fieldName":"conversions","index":2}`))))
	f.Add(429, []byte(`{"error":{"details":[{"@type":"x.GoogleAdsFailure","errors":[{"errorCode":{"quotaError":"X"},"details":{"quotaErrorDetails":{"retryDelay":"9e9s"}}}]}]}}`))
	f.Add(400, []byte(`{"error":{"details":[{"@type":".GoogleAdsFailure","errors":[{"errorCode":{"a":1},"location":{"fieldPathElements":[{"fieldName":"conversions","index":-1}]}}]}]}}`))
	g := newGoogle(f, adsAPI)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := g.Read(3, answer(status, string(body)))
		if got.Each != nil && len(got.Each) != 3 || got.Each == nil && got.All.Class == "" {
			t.Fatalf("%+v", got)
		}
		var said struct{ Results []map[string]any }
		readable := json.Unmarshal(body, &said) == nil
		for i, o := range append(got.Each, got.All) {
			known := o.Code != "" // that it is there already is an error, too
			if o.Class == subfive.Accepted && !known && (!readable || i >= len(said.Results) || len(said.Results[i]) == 0) {
				t.Errorf("HTTP %d %q: row %d is taken", status, body, i)
			}
			if o.RetryAfter < 0 || o.RetryAfter > 24*time.Hour {
				t.Errorf("%q: wait %s", body, o.RetryAfter)
			}
		}
	})
}

func BenchmarkAdsRead(b *testing.B) {
	var results []string
	var faults []string
	for i := range 2000 {
		results = append(results, `{}`)
		faults = append(faults, adsFault(groupUpload, "TOO_RECENT_EVENT", fmt.Sprintf(`{"fieldName":"conversions","index":%d}`, i)))
	}
	f, a := newGoogle(b, adsAPI), answer(200, adsPartly("["+strings.Join(results, ",")+"]", faults...))
	b.ReportAllocs()
	for b.Loop() {
		if r := f.Read(2000, a); len(r.Each) != 2000 {
			b.Fatal(len(r.Each))
		}
	}
}
