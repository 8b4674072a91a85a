package alerts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Email says how to send e-mail.
type Email struct {
	To, From string // To may be several addresses, with commas between
	Server   string // host:port; port 465 speaks TLS from the start, others by STARTTLS where offered
	Username string // "": without a login
	Password string
	// TLS is the certificates to trust, and the like; nil: the system's.
	TLS *tls.Config
}

type email struct {
	Email
	host     string
	implicit bool
	from     *mail.Address
	to       []*mail.Address
	tls      *tls.Config
}

// implicitTLS is the port where TLS comes first (RFC 8314).
const implicitTLS = "465"

// NewEmail returns a Sender of e-mail. A login is never sent without TLS but to
// this machine.
func NewEmail(e Email) (Sender, error) {
	host, port, err := net.SplitHostPort(e.Server)
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	from, err := mail.ParseAddress(e.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	to, err := mail.ParseAddressList(e.To)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.TLS != nil {
		conf = e.TLS.Clone()
	}
	conf.ServerName = host
	return email{e, host, port == implicitTLS, from, to, conf}, nil
}

// Send implements Sender.
func (e email) Send(ctx context.Context, m Message) (err error) {
	message, err := e.message(m)
	if err != nil {
		return err
	}
	conn, err := e.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the calls below know no ctx
	defer stop()
	c, err := smtp.NewClient(conn, e.host)
	if err != nil {
		return errors.Join(fmt.Errorf("greet: %w", err), conn.Close())
	}
	err = e.converse(c, message)
	if _, partly := errors.AsType[Partly](err); err != nil && !partly {
		_ = c.Close() // the error that led here is the one to tell
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return err
	}
	_ = c.Quit() // the server has the message already
	return err
}

func (e email) dial(ctx context.Context) (net.Conn, error) {
	if e.implicit {
		return (&tls.Dialer{Config: e.tls}).DialContext(ctx, "tcp", e.Server)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", e.Server)
}

// converse hands over the message for those recipients that the server takes.
// Of others it returns a Partly.
func (e email) converse(c *smtp.Client, message []byte) error {
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(e.tls); err != nil {
			return fmt.Errorf("start TLS: %w", err)
		}
	}
	if err := e.login(c); err != nil {
		return err
	}
	if err := c.Mail(e.from.Address); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	var refused []string
	for i, to := range e.to {
		if err := c.Rcpt(to.Address); err != nil {
			refused = append(refused, fmt.Sprintf("recipient %d of %d: %v", i+1, len(e.to), err))
		}
	}
	if len(refused) == len(e.to) {
		return errors.New(strings.Join(refused, "; "))
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if _, err := w.Write(message); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if len(refused) > 0 {
		return Partly{strings.Join(refused, "; ") + "; the others were told"}
	}
	return nil
}

func (e email) login(c *smtp.Client) error {
	if e.Username == "" {
		return nil
	}
	ok, kinds := c.Extension("AUTH")
	if !ok {
		return errors.New("log in: the server takes no login here; use the port for submission, 465 or 587")
	}
	offered := strings.Fields(strings.ToUpper(kinds))
	auth := smtp.PlainAuth("", e.Username, e.Password, e.host)
	if !slices.Contains(offered, "PLAIN") && slices.Contains(offered, "LOGIN") {
		auth = &loginAuth{e.Username, e.Password}
	}
	if err := c.Auth(auth); err != nil {
		// A server may repeat what it was sent; its code is enough.
		if code, ok := errors.AsType[*textproto.Error](err); ok {
			return fmt.Errorf("log in: the server answers %d", code.Code)
		}
		return fmt.Errorf("log in: %w", err)
	}
	return nil
}

// loginAuth is the login that some servers know alone; net/smtp lacks it.
type loginAuth struct{ username, password string }

// Start implements smtp.Auth.
func (l *loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errors.New("unencrypted connection")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (l *loginAuth) Next(prompt []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case bytes.HasPrefix(bytes.ToLower(prompt), []byte("username")):
		return []byte(l.username), nil
	case bytes.HasPrefix(bytes.ToLower(prompt), []byte("password")):
		return []byte(l.password), nil
	}
	return nil, errors.New("the server asks for something else")
}

// message renders an e-mail of plain text.
func (e email) message(m Message) ([]byte, error) {
	var to []string
	for _, a := range e.to {
		to = append(to, a.String())
	}
	sum := sha256.Sum256([]byte(m.Title() + m.Text() + m.SentAt.String()))
	_, domain, _ := strings.Cut(e.from.Address, "@")
	var b bytes.Buffer
	for _, line := range [][2]string{
		{"From", e.from.String()},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(m.Title()))},
		{"Date", m.SentAt.Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(sum[:16]) + "@" + domain + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{"Auto-Submitted", "auto-generated"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.Text(), "\n", "\r\n"))); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// oneLine keeps a subject from becoming two headers.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
