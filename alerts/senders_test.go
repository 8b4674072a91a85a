package alerts

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// message tells of an alert that fired.
func message() Message {
	return Message{SentAt: noon, Host: "host-1", Items: []Item{{
		Event: subfive.EventFired, ID: "al_1", Rule: "backlog", Subject: "mé\r\nta", What: "7 deliveries are due.", Do: "Look.", See: "subfive deliveries",
		Link: "https://trk.example.com/api/v1/alerts/al_1", Since: noon.Add(-time.Hour), At: noon,
	}}}
}

const messageText = `7 deliveries are due.
Since: 2026-11-24 11:30 UTC
What to do: Look.
See: subfive deliveries
https://trk.example.com/api/v1/alerts/al_1
-- subfive on host-1
`

func TestMessages(t *testing.T) {
	fired := message().Items[0]
	fired.Subject = "meta"
	over := fired
	over.Event, over.At = subfive.EventRecovered, noon.Add(25*time.Hour)
	tests := map[string]struct {
		message     Message
		title, text string
	}{
		"fired":     {message(), "subfive: alert backlog mé\r\nta", messageText},
		"recovered": {Message{Items: []Item{over}}, "subfive: recovered backlog meta", "It is over since 2026-11-25 13:30 UTC, after 26h00m. It was: 7 deliveries are due.\n"},
		"test": {
			Message{Items: []Item{{Event: subfive.EventTest, What: "A test.", Do: "Nothing.", See: "subfive alerts"}}},
			"subfive: test", "A test.\nWhat to do: Nothing.\nSee: subfive alerts\n",
		},
		"digest": {
			Message{Host: "h", Items: []Item{over, fired}},
			"subfive: 2 alerts",
			"recovered backlog meta\nIt is over since 2026-11-25 13:30 UTC, after 26h00m. It was: 7 deliveries are due.\n\n" +
				"alert backlog meta\n" + strings.Replace(messageText, "host-1", "h", 1),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]string{test.title, test.text}, []string{test.message.Title(), test.message.Text()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestWebhook(t *testing.T) {
	for name, secret := range map[string]string{"signed": "s3cret", "not signed": ""} {
		t.Run(name, func(t *testing.T) {
			var body []byte
			var header http.Header
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				header = r.Header
				if r.Method != http.MethodPost || r.URL.Path != "/hook" {
					w.WriteHeader(http.StatusNotFound)
				}
			})
			if err := NewWebhook(http.DefaultClient, address+"/hook?token=t0ken", secret).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			want := `{"title":"subfive: alert backlog mé\r\nta","text":"7 deliveries are due.\nSince: 2026-11-24 11:30 UTC\nWhat to do: Look.\nSee: subfive deliveries\nhttps://trk.example.com/api/v1/alerts/al_1\n-- subfive on host-1\n","host":"host-1","sent_at":"2026-11-24T12:30:00Z","alerts":[{"event":"fired","alert_id":"al_1","rule":"backlog","subject":"mé\r\nta","what":"7 deliveries are due.","do":"Look.","see":"subfive deliveries","link":"https://trk.example.com/api/v1/alerts/al_1","since":"2026-11-24T11:30:00Z","at":"2026-11-24T12:30:00Z"}]}`
			if diff := cmp.Diff(want, string(body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			signature := ""
			if secret != "" {
				mac := hmac.New(sha256.New, []byte(secret))
				fmt.Fprintf(mac, "%d.%s", noon.Unix(), body)
				signature = fmt.Sprintf("t=%d,v1=%s", noon.Unix(), hex.EncodeToString(mac.Sum(nil)))
			}
			if got := header.Get(SignatureHeader); got != signature || header.Get("Content-Type") != "application/json" {
				t.Errorf("signature %q, want %q; content type %q", got, signature, header.Get("Content-Type"))
			}
		})
	}
}

// Whoever answered 2xx has the message, even if the answer breaks off.
func TestWebhookBreaksOff(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	if err := NewWebhook(http.DefaultClient, address, "").Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
}

// What goes wrong is said, and no secret with it.
func TestPostsThatFail(t *testing.T) {
	answer := func(status int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const token = "123:AAs3cret"
	webhook := func(base string) Sender { return NewWebhook(http.DefaultClient, base+"/"+token, "") }
	telegram := func(base string) Sender { return NewTelegram(http.DefaultClient, base, token, "-100") }
	tests := map[string]struct {
		sender func(base string) Sender
		answer http.HandlerFunc
		want   error
	}{
		"webhook 500":                     {webhook, answer(500, "", token), errors.New("answered 500 Internal Server Error")},
		"webhook moved":                   {webhook, answer(302, "Location: http://127.0.0.1:1/"+token, ""), errors.New("answered 302 Found")},
		"webhook says when":               {webhook, answer(429, "Retry-After: 60", ""), Later{"answered 429 Too Many Requests", time.Minute}},
		"webhook says never":              {webhook, answer(503, "Retry-After: 99999999", ""), Later{"answered 503 Service Unavailable", giveUpAfter}},
		"telegram, no such chat":          {telegram, answer(400, "", `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`), errors.New("answered 400 Bad Request: Bad Request: chat not found")},
		"telegram, wrong token":           {telegram, answer(401, "", `{"ok":false,"error_code":401,"description":"Unauthorized `+token+`"}`), errors.New("answered 401 Unauthorized: Unauthorized ***")},
		"telegram says when":              {telegram, answer(429, "", `{"ok":false,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`), Later{"answered 429 Too Many Requests: Too Many Requests: retry after 5", 5 * time.Second}},
		"telegram, not the API":           {telegram, answer(200, "", `<html>`), errors.New("answered 200 OK: not an answer of the Bot API")},
		"telegram, an object of another":  {telegram, answer(200, "", `{}`), errors.New("answered 200 OK: not an answer of the Bot API")},
		"telegram, a wait beyond all use": {telegram, answer(429, "", `{"ok":false,"description":"x","parameters":{"retry_after":9223372036854775807}}`), Later{"answered 429 Too Many Requests: x", giveUpAfter}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.sender(serve(t, test.answer)).Send(t.Context(), message())
			if err == nil || err.Error() != test.want.Error() {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			got, _ := errors.AsType[Later](err)
			want, _ := errors.AsType[Later](test.want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, s := range map[string]Sender{"webhook": webhook("http://127.0.0.1:1"), "telegram": telegram("http://127.0.0.1:1"), "no address": webhook("http://\x7f")} {
		if err := s.Send(t.Context(), message()); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s, nobody there: %v", name, err)
		}
	}
}

func TestTelegram(t *testing.T) {
	long := message()
	long.Items[0].What = strings.Repeat("é", 5000)
	for name, m := range map[string]Message{"short": message(), "long": long} {
		t.Run(name, func(t *testing.T) {
			var body, path string
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				body, path = string(b), r.URL.Path
				_, _ = io.WriteString(w, `{"ok":true,"result":{"message_id":7}}`)
			})
			if err := NewTelegram(http.DefaultClient, base, "123:AA", "-100200").Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			want := `{"chat_id":"-100200","link_preview_options":{"is_disabled":true},"text":"subfive: alert backlog mé\r\nta\n\n` + strings.ReplaceAll(messageText, "\n", `\n`) + `"}`
			if name == "long" {
				if len(body) > 4400 || !strings.HasSuffix(body, `é\n…"}`) {
					t.Errorf("%d bytes, …%s", len(body), body[len(body)-20:])
				}
			} else if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if path != "/bot123:AA/sendMessage" {
				t.Errorf("path %s", path)
			}
		})
	}
}

// mailServer is a strict SMTP server for one conversation.
type mailServer struct {
	cert     tls.Certificate
	startTLS bool
	implicit bool
	auth     string // what it offers: "PLAIN", "LOGIN", ""
	refuse   string // the command that it refuses
	silent   bool   // it says nothing at all

	secure bool
	log    []string
	data   string
}

func (s *mailServer) run(conn net.Conn) (err error) {
	defer func() { err = errors.Join(err, conn.Close()) }()
	if s.silent {
		_, err := io.Copy(io.Discard, conn)
		return err
	}
	if s.implicit {
		conn, s.secure = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}), true
	}
	in := bufio.NewReader(conn)
	say := func(line string) { _, err = io.WriteString(conn, line+"\r\n") }
	read := func() string {
		line, readErr := in.ReadString('\n')
		err = errors.Join(err, readErr)
		return strings.TrimSuffix(line, "\r\n")
	}
	decode := func(text string) string {
		b, decodeErr := base64.StdEncoding.DecodeString(text)
		err = errors.Join(err, decodeErr)
		return string(b)
	}
	say("220 mail.example.com ready")
	for err == nil {
		line := read()
		command := strings.ToUpper(strings.Fields(line + " -")[0])
		if s.refuse != "" && strings.HasPrefix(strings.ToUpper(line), s.refuse) {
			s.log = append(s.log, "refused "+command)
			say("550 5.7.1 no: " + line)
			continue
		}
		switch command {
		case "EHLO":
			say("250-mail.example.com")
			if s.startTLS && !s.secure {
				say("250-STARTTLS")
			}
			if s.auth != "" {
				say("250-AUTH " + s.auth)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			conn, s.secure = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}), true
			in = bufio.NewReader(conn)
			s.log = append(s.log, "TLS")
		case "AUTH":
			parts := strings.Fields(line)
			if parts[1] == "PLAIN" {
				s.log = append(s.log, "PLAIN "+strings.ReplaceAll(decode(parts[2]), "\x00", " "))
			} else {
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Username:")))
				name := decode(read())
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
				s.log = append(s.log, "LOGIN "+name+" "+decode(read()))
			}
			say("235 in")
		case "MAIL", "RCPT":
			s.log = append(s.log, line)
			say("250 ok")
		case "DATA":
			say("354 go on")
			for {
				line := read()
				if line == "." || err != nil {
					break
				}
				s.data += strings.TrimPrefix(line, ".") + "\n"
			}
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return err
		default:
			say("500 what")
		}
	}
	if errors.Is(err, io.EOF) {
		return nil // the client may leave at any time
	}
	return err
}

// listenMail serves one conversation, and returns the address and how to wait
// for its end.
func listenMail(t *testing.T, s *mailServer) (address string, wait func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = s.run(conn) // what matters is in its log
	}()
	return l.Addr().String(), func() {
		_ = l.Close()
		<-ended
	}
}

// certificate is for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: noon.AddDate(-5, 0, 0), NotAfter: noon.AddDate(50, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestEmail(t *testing.T) {
	cert, pool := certificate(t)
	envelope := []string{"MAIL FROM:<sub@five.example.com> BODY=8BITMIME", "RCPT TO:<me@example.com>", "RCPT TO:<you@example.com>"}
	with := func(first ...string) []string { return append(first, envelope...) }
	tests := map[string]struct {
		server *mailServer
		login  bool
		log    []string
		err    string // part of it; "": none
	}{
		"a relay":                     {&mailServer{}, false, envelope, ""},
		"STARTTLS and PLAIN":          {&mailServer{startTLS: true, auth: "LOGIN PLAIN"}, true, with("TLS", "PLAIN  ann p4ss"), ""},
		"STARTTLS and LOGIN":          {&mailServer{startTLS: true, auth: "LOGIN"}, true, with("TLS", "LOGIN ann p4ss"), ""},
		"TLS from the start":          {&mailServer{implicit: true, auth: "PLAIN"}, true, with("PLAIN  ann p4ss"), ""},
		"LOGIN in the clear":          {&mailServer{auth: "LOGIN"}, true, nil, "log in: unencrypted connection"},
		"no login there":              {&mailServer{startTLS: true}, true, []string{"TLS"}, "log in: the server takes no login here"},
		"login refused":               {&mailServer{startTLS: true, auth: "PLAIN", refuse: "AUTH"}, true, []string{"TLS", "refused AUTH"}, "log in: the server answers 550"},
		"one recipient refused":       {&mailServer{refuse: "RCPT TO:<ME"}, false, []string{envelope[0], "refused RCPT", envelope[2]}, "recipient 1 of 2: 550"},
		"all recipients refused":      {&mailServer{refuse: "RCPT"}, false, []string{envelope[0], "refused RCPT", "refused RCPT"}, "; recipient 2 of 2: 550"},
		"sender refused":              {&mailServer{refuse: "MAIL"}, false, []string{"refused MAIL"}, "sender: 550"},
		"message refused":             {&mailServer{refuse: "DATA"}, false, with()[:3:3], "data: 550"},
		"says nothing":                {&mailServer{silent: true}, false, nil, "greet: "},
		"a certificate we don't know": {&mailServer{startTLS: true}, false, []string{"TLS"}, "start TLS: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.server.cert = cert
			address, wait := listenMail(t, test.server)
			e := Email{To: "Me <me@example.com>, you@example.com", From: "Sub Five <sub@five.example.com>", Server: address, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
			if test.login {
				e.Username, e.Password = "ann", "p4ss"
			}
			if name == "a certificate we don't know" {
				e.TLS = nil
			}
			s, err := NewEmail(e)
			if err != nil {
				t.Fatal(err)
			}
			if test.server.implicit { // the port can't be 465 here
				own := s.(email)
				own.implicit = true
				s = own
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if test.server.silent {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
			}
			err = s.Send(ctx, message())
			wait()
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) || err != nil && strings.Contains(err.Error(), "p4ss") {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if name == "message refused" {
				test.log = append(test.log, "refused DATA")
			}
			if diff := cmp.Diff(test.log, test.server.log); diff != "" {
				t.Errorf("conversation (-want +got):\n%s", diff)
			}
			if _, partly := errors.AsType[Partly](err); partly != (name == "one recipient refused") {
				t.Errorf("partly %t: %v", partly, err)
			} else if partly || test.err == "" {
				checkMail(t, test.server.data)
			}
		})
	}
}

// checkMail reads an e-mail as its reader would.
func checkMail(t *testing.T, data string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	date, err := m.Header.Date()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"from": m.Header.Get("From"), "to": m.Header.Get("To"), "subject": subject, "date": date.UTC().String(), "kind": m.Header.Get("Content-Type"),
		"text": strings.ReplaceAll(string(body), "\r\n", "\n"),
	}
	want := map[string]string{
		"from": `"Sub Five" <sub@five.example.com>`, "to": `"Me" <me@example.com>, <you@example.com>`, "subject": "subfive: alert backlog mé ta",
		"date": noon.String(), "kind": "text/plain; charset=utf-8", "text": messageText,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("e-mail (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(m.Header.Get("Message-ID"), "@five.example.com>") {
		t.Errorf("message ID %s", m.Header.Get("Message-ID"))
	}
}

func TestBadEmailSettings(t *testing.T) {
	for name, e := range map[string]Email{
		"smtp: ": {To: "a@b.example", From: "a@b.example", Server: "mail"},
		"from: ": {To: "a@b.example", From: "nobody", Server: "mail:25"},
		"to: ":   {To: "nobody", From: "a@b.example", Server: "mail:25"},
	} {
		if _, err := NewEmail(e); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s%v", name, err)
		}
	}
}

func TestTest(t *testing.T) {
	ok, broken := &ear{start: time.Now()}, &ear{err: errors.New("answered 500")}
	got := Test(t.Context(), []Channel{{"webhook", ok}, {"email", broken}}, "h", noon)
	if len(got) != 2 || got[0] != (Tried{"webhook", nil}) || got[1].Channel != "email" || got[1].Err == nil || ok.tries != 1 || broken.tries != 1 {
		t.Errorf("%v, %d and %d tries", got, ok.tries, broken.tries)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("aé\xff…", 5)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 8 || most > 1<<20 {
			return
		}
		got := cut(s, most)
		if len(got) > most || len(s) <= most && got != s {
			t.Errorf("cut %q to %d: %q", s, most, got)
		}
	})
}
