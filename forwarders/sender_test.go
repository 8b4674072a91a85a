package forwarders_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"subfive"
	"subfive/forwarders"
)

func TestSend(t *testing.T) {
	var got []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(body))
		w.Header().Set("X-Trace", "abc "+token)
		w.Header().Set("Set-Cookie", "session=1")
		w.Header().Set("Date", "")
		fmt.Fprint(w, "accepted\nrejected")
	})
	s := newSender(t, nil)
	set(t, s, &fake{}, server.URL+"/gate%2Fway/")
	x := s.Send(context.Background(), "main", deliveries("a", "b"))

	want := forwarders.Exchange{
		Outcomes: []subfive.Outcome{{Class: subfive.Accepted, HTTP: 200}, {Class: subfive.Rejected, HTTP: 200}},
		Attempt: &subfive.Attempt{
			ID: "at_1", DestinationID: "main", StartedAt: noon, Method: "POST",
			URL: server.URL + "/gate%2Fway/v1/events?pixel=1", RequestHeader: "User-Agent: subfive/" + subfive.Version + "\n",
			RequestBody:  "a  \nb  ",
			AnswerHeader: "Content-Length: 17\nContent-Type: text/plain; charset=utf-8\nDate: \nX-Trace: abc ***\n",
			AnswerBody:   "accepted\nrejected",
			Outcome:      subfive.Outcome{Class: subfive.Rejected, HTTP: 200},
			Items: []subfive.AttemptItem{
				{DeliveryID: "dl_a", Outcome: subfive.Outcome{Class: subfive.Accepted, HTTP: 200}},
				{DeliveryID: "dl_b", Outcome: subfive.Outcome{Class: subfive.Rejected, HTTP: 200}},
			},
		},
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("exchange (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"POST /gate%2Fway/v1/events?pixel=1 Bearer minted-false a  \nb  "}, got); diff != "" {
		t.Errorf("what arrived (-want +got):\n%s", diff)
	}
}

func TestOutcomes(t *testing.T) {
	hijack := func(then func(conn io.Writer)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			then(conn)
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	refused := &fake{auth: fmt.Errorf("token for %s at https://id.example/?k=%s: %w", token, "x", subfive.ErrUnauthorized)}
	tests := map[string]struct {
		fake   *fake
		answer http.HandlerFunc
		want   subfive.Outcome
		fresh  []bool
	}{
		"accepted": {&fake{}, answering(200, "accepted"), subfive.Outcome{Class: subfive.Accepted, HTTP: 200}, []bool{false}},
		"still unauthorized": {
			&fake{}, answering(401, "unauthorized "+token+" is wrong, see https://x.example/?t=1"),
			subfive.Outcome{Class: subfive.Unauthorized, HTTP: 401, Message: "*** is wrong, see [url]"},
			[]bool{false, true},
		},
		"minted token is not kept either": {
			&fake{}, answering(400, "rejected minted-false"),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Message: "***"},
			[]bool{false},
		},
		"credentials refused for good": {
			refused, nil,
			subfive.Outcome{Class: subfive.Unauthorized, Code: "authorize", Message: "token for *** at [url] credentials refused"},
			[]bool{false, true},
		},
		"token endpoint is down": {
			&fake{auth: errors.New("502")}, nil,
			subfive.Outcome{Class: subfive.Transient, Code: "authorize", Message: "502"},
			[]bool{false},
		},
		"no token for the second try": {
			&fake{freshAuth: errors.New("502")}, answering(401, "unauthorized"),
			subfive.Outcome{Class: subfive.Transient, Code: "authorize", Message: "502"},
			[]bool{false, true},
		},
		"reset after it was sent": {
			&fake{}, hijack(func(io.Writer) {}),
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "reset", Message: "EOF"},
			[]bool{false},
		},
		"success cut off": {
			&fake{}, hijack(func(c io.Writer) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\naccepted") }),
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "reset", Message: "read the answer: unexpected EOF"},
			[]bool{false},
		},
		"refusal cut off": {
			&fake{}, hijack(func(c io.Writer) { fmt.Fprint(c, "HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\nrejected") }),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400},
			[]bool{false},
		},
		"throttled until a date": {
			&fake{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", noon.Add(time.Minute).Format(http.TimeFormat))
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprint(w, "throttled")
			},
			subfive.Outcome{Class: subfive.Throttled, HTTP: 429, RetryAfter: time.Minute},
			[]bool{false},
		},
		"more outcomes than events": {
			&fake{}, answering(200, "accepted\naccepted"),
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, HTTP: 200, Code: "unreadable", Message: "the answer could not be assigned to the events"},
			[]bool{false},
		},
		"class forgotten": {
			&fake{}, answering(200, ""),
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, HTTP: 200, Code: "unreadable", Message: "the answer could not be assigned to the events"},
			[]bool{false},
		},
		"message no database takes": {
			&fake{}, answering(400, "rejected \xff\x00"+strings.Repeat("é", 1000)),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Message: "\uFFFD\uFFFD" + strings.Repeat("é", 509) + "…"},
			[]bool{false},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.answer == nil {
					t.Error("a request was made")
					return
				}
				tt.answer(w, r)
			})
			s := newSender(t, nil)
			set(t, s, tt.fake, server.URL)
			x := s.Send(context.Background(), "main", deliveries("a"))
			if diff := cmp.Diff([]subfive.Outcome{tt.want}, x.Outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if x.Attempt == nil || !cmp.Equal(tt.want, x.Attempt.Outcome) {
				t.Errorf("attempt %+v does not show the outcome", x.Attempt)
			}
			if diff := cmp.Diff(tt.fresh, tt.fake.fresh); diff != "" {
				t.Errorf("fresh credentials asked for (-want +got):\n%s", diff)
			}
			if text := fmt.Sprintf("%+v %+v", x, x.Attempt); strings.Contains(text, token) || strings.Contains(text, "minted") {
				t.Errorf("a credential is kept: %s", text)
			}
		})
	}
}

func TestFreshCredentialsHelp(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer minted-true" {
			answering(200, "accepted")(w, r)
			return
		}
		answering(401, "unauthorized")(w, r)
	})
	s := newSender(t, nil)
	f := &fake{}
	set(t, s, f, server.URL)
	x := s.Send(context.Background(), "main", deliveries("a"))
	want := []subfive.Outcome{{Class: subfive.Accepted, HTTP: 200}}
	if diff := cmp.Diff(want, x.Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestWhatCanNotGo(t *testing.T) {
	long := subfive.Delivery{ID: "dl_long", EventID: strings.Repeat("x", 90)}
	half := func(id string) subfive.Delivery {
		return subfive.Delivery{ID: "dl_" + id, EventID: id + strings.Repeat("x", 30)}
	}
	impossible := subfive.Delivery{ID: "dl_no", EventName: "impossible"}
	sealed := subfive.Delivery{ID: "dl_key", Click: &subfive.Click{UserData: map[string]subfive.Sealed{"email": {Box: "other key"}}}}
	dry := subfive.Delivery{ID: "dl_dry", Mode: subfive.ModeDryRun}
	ok := subfive.Outcome{Class: subfive.Accepted, HTTP: 200}
	full := subfive.Outcome{Class: subfive.Deferred, Code: "batch_full", Message: "the request was full; it goes with the next one"}
	no := func(code, message string) subfive.Outcome {
		return subfive.Outcome{Class: subfive.Rejected, Named: true, Code: code, Message: message}
	}
	tests := map[string]struct {
		ds   []subfive.Delivery
		want []subfive.Outcome
		sent []string
	}{
		"none":              {nil, []subfive.Outcome{}, nil},
		"impossible alone":  {[]subfive.Delivery{impossible}, []subfive.Outcome{no("unsendable", "no such event")}, nil},
		"a bad one between": {append(deliveries("a"), impossible, deliveries("b")[0]), []subfive.Outcome{ok, no("unsendable", "no such event"), ok}, []string{"dl_a", "dl_b"}},
		"too large":         {append(deliveries("a"), long), []subfive.Outcome{ok, no("too_large", "the event is 92 bytes, fake takes 80")}, []string{"dl_a"}},
		"too many bytes":    {[]subfive.Delivery{half("a"), half("b"), half("c")}, []subfive.Outcome{ok, ok, full}, []string{"dl_a", "dl_b"}},
		"too many events":   {deliveries("a", "b", "c", "d"), []subfive.Outcome{ok, ok, ok, full}, []string{"dl_a", "dl_b", "dl_c"}},
		"sealed with another key": {
			[]subfive.Delivery{sealed},
			[]subfive.Outcome{no("user_data", "open the user data email: it was sealed with another key")},
			nil,
		},
		"a dry run's": {[]subfive.Delivery{dry}, []subfive.Outcome{no("dry_run", "a dry run's delivery is never sent")}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, answering(200, "accepted"))
			s := newSender(t, nil)
			set(t, s, &fake{}, server.URL)
			x := s.Send(context.Background(), "main", tt.ds)
			if diff := cmp.Diff(tt.want, x.Outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			var sent []string
			if x.Attempt != nil {
				for _, item := range x.Attempt.Items {
					sent = append(sent, item.DeliveryID)
				}
			}
			if diff := cmp.Diff(tt.sent, sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserDataOfClickAndConversion(t *testing.T) {
	sealed := func(email, phone string) map[string]subfive.Sealed {
		m := map[string]subfive.Sealed{}
		if email != "" {
			m["email"] = subfive.Sealed{Box: "sealed " + email}
		}
		if phone != "" {
			m["phone"] = subfive.Sealed{Box: "sealed " + phone}
		}
		return m
	}
	tests := map[string]struct {
		via  string
		want string
	}{
		"a server's postback wins":             {subfive.ViaS2S, "id postback 123"},
		"the network's API wins":               {subfive.ViaAPI, "id postback 123"},
		"a pixel only adds what is not there ": {subfive.ViaPixel, "id click 123"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSender(t, nil)
			set(t, s, &fake{}, "")
			c, err := s.Preview(context.Background(), "main", subfive.Delivery{
				EventID:    "id",
				Click:      &subfive.Click{UserData: sealed("click", "")},
				Conversion: subfive.Conversion{Via: tt.via, UserData: sealed("postback", "123")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreviewHidesWhatAForwarderLeaks(t *testing.T) {
	var log bytes.Buffer
	s := forwarders.NewSender(forwarders.SenderConfig{Opener: opener{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	t.Cleanup(s.Close)
	set(t, s, &fake{leak: true}, "")
	c, err := s.Preview(context.Background(), "main", subfive.Delivery{})
	if err != nil {
		t.Fatal(err)
	}
	want := "https://api.fake.example/v1/events?pixel=1&oops=***"
	if c.URL != want {
		t.Errorf("URL is %s, want %s", c.URL, want)
	}
	if !strings.Contains(log.String(), "destination=main") || strings.Contains(log.String(), token) {
		t.Errorf("log is %q", log.String())
	}
}

func TestPreviewErrors(t *testing.T) {
	s := newSender(t, nil)
	set(t, s, &fake{}, "")
	if _, err := s.Preview(context.Background(), "other", subfive.Delivery{}); !errors.Is(err, subfive.ErrNotFound) {
		t.Errorf("unknown destination: error is %v", err)
	}
	if _, err := s.Preview(context.Background(), "main", subfive.Delivery{EventName: "impossible"}); err == nil {
		t.Error("an event that can't be sent has a preview")
	}
}

func TestUnknownDestinationWaits(t *testing.T) {
	s := newSender(t, nil)
	want := forwarders.Exchange{Outcomes: []subfive.Outcome{{
		Class: subfive.Deferred, Code: "not_configured", RetryAfter: time.Minute, Message: "the destination is not configured here",
	}}}
	if diff := cmp.Diff(want, s.Send(context.Background(), "main", deliveries("a"))); diff != "" {
		t.Errorf("send (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, s.Ask(context.Background(), "main", deliveries("a"))); diff != "" {
		t.Errorf("ask (-want +got):\n%s", diff)
	}
}

func TestAsk(t *testing.T) {
	ds := deliveries("a", "b")
	ds[0].Ref, ds[1].Ref = "ref-7", "ref-7"
	tests := map[string]struct {
		forwarder forwarders.Forwarder
		answer    http.HandlerFunc
		want      subfive.Outcome
	}{
		"done": {asker{&fake{}}, answering(200, "accepted"), subfive.Outcome{Class: subfive.Accepted, HTTP: 200}},
		"no answer is not ambiguous": {
			asker{&fake{}},
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			subfive.Outcome{Class: subfive.Transient, Code: "reset", Message: "EOF"},
		},
		"can't be asked": {&fake{}, nil, subfive.Outcome{Class: subfive.Misconfigured, Code: "no_verdict", Message: "fake can't be asked for a verdict with these settings"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/status/ref-7" {
					t.Errorf("path is %s", r.URL.Path)
				}
				tt.answer(w, r)
			})
			s := newSender(t, nil)
			set(t, s, tt.forwarder, server.URL)
			x := s.Ask(context.Background(), "main", ds)
			if diff := cmp.Diff([]subfive.Outcome{tt.want, tt.want}, x.Outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if x.Attempt != nil {
				want := subfive.Attempt{Method: "GET", URL: server.URL + "/status/ref-7"}
				ignore := cmpopts.IgnoreFields(subfive.Attempt{}, "ID", "DestinationID", "StartedAt", "RequestHeader", "AnswerHeader", "AnswerBody", "Outcome", "Items")
				if diff := cmp.Diff(want, *x.Attempt, ignore); diff != "" {
					t.Errorf("attempt (-want +got):\n%s", diff)
				}
			}
		})
	}
}
