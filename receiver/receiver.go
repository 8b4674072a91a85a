// Package receiver takes in postbacks, clicks and what landing pages tell over
// HTTP: it turns each request into a Record, appends it to the journal, and only
// then answers. It serves the landing pages' script.
//
// It reads the request alone. It never touches a database, knows no click but
// the one it mints, and judges nothing: which click a postback belongs to, and
// whether it counts, is decided by package attribution. It routes from a table
// in memory that SetSetup replaces.
//
// A network gets 200 for all that could be written down, nonsense included: a
// network that sees errors switches its postback off. A visitor gets the same
// answer whoever he seems to be.
package receiver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/oklog/ulid/v2"

	"subfive"
)

// Journal keeps records. When Append returns nil, the data is on disk.
type Journal interface {
	Append(ctx context.Context, kind subfive.RecordKind, data []byte) (subfive.Position, error)
}

// Sealer encrypts what nobody should read in passing.
type Sealer interface {
	// Seal seals a field of user data, UserEmail for example. country is where the
	// person is, as far as it is known: a phone number may need it to be read.
	Seal(field, value, country string) (subfive.Sealed, error)
	// SealBytes seals a request's raw bytes.
	SealBytes(b []byte) (string, error)
}

// Hinter knows what networks and trackers leave in a URL that nobody filled in.
type Hinter interface {
	// LiteralMacro reports whether value is a placeholder that arrived as it was
	// written, and says to a person what was meant.
	LiteralMacro(param, value string) (hint string, literal bool)
}

// Observer counts for the metrics.
type Observer interface {
	Postback(network string, r subfive.Reading, took time.Duration)
	Click(took time.Duration)
	// ClicksAtRisk is how many clicks whose visitors went on, and visits, are kept
	// in memory only; ClickLost counts one for which there was no room even there.
	ClicksAtRisk(n int)
	ClickLost()
}

// Recognizer knows what address and user agent say of a visitor.
type Recognizer interface {
	Recognize(addr netip.Addr, userAgent string) subfive.Visitor
}

// Config is what a Receiver needs. Journal, Sealer, Log and Now must be given.
type Config struct {
	Journal Journal
	// AckDatabase waits until the record at that position is in the database.
	// With it, a postback is answered then, or after AckTimeout with a note that
	// only the journal has it. Nil: the journal is enough.
	AckDatabase func(context.Context, subfive.Position) error
	AckTimeout  time.Duration
	Sealer      Sealer
	Hinter      Hinter   // nil: no value is a literal macro
	Observer    Observer // nil: nothing is counted
	Log         *slog.Logger
	Now         func() time.Time
	// ClickParams are all platforms' click parameters and cookies to capture.
	ClickParams []string
	// DirectParams is each platform's click parameter, by platform: what an
	// endpoint's "direct" means.
	DirectParams map[string]string
	// TrustedProxies may say in a header what the client's address is.
	TrustedProxies []netip.Prefix
	// FallbackURL is where clicks of unknown and paused campaigns go; "": 404.
	FallbackURL string
	// PublicURL is what our links are built from; hints name it.
	PublicURL string
	// Serves says what a host, with or without a port, is for; nil: each for all.
	Serves func(host string) (clicks, postbacks bool)
	// Zone is that of the days and hours in campaigns' rules; nil: UTC.
	Zone *time.Location
	// Answered is told the status that each postback was answered with, and at
	// which endpoint; probes and pixels are left out. May be nil.
	Answered func(endpoint string, status int)
	// Bot recognizes a crawler by its user agent, for reports alone. May be nil.
	Bot func(userAgent string) (reason string, bot bool)
	// ReadConsent reads what a click's consent fields say; nil: the plain words
	// and Global Privacy Control alone, no strings.
	ReadConsent func(fields map[string]string) subfive.Consent
	// Recognizer says where a click came from and from what. May be nil.
	Recognizer Recognizer
	// Ready reports whether requests can be written down (ok), and whether
	// something else is amiss (degraded). Nil: always ready.
	Ready func() (ok bool, degraded bool)
}

// Receiver answers postbacks and clicks.
type Receiver struct {
	cfg     Config
	words   vocabulary
	direct  map[string]string // folded name → a platform's click parameter
	proxies proxies
	abuse   *abuse
	atRisk  *atRisk
	table   atomic.Pointer[table]
	capped  atomic.Pointer[map[string]bool]
	engine  *gin.Engine
}

// How long a record may take to become durable. A visitor waits for less than a
// network does: his click is redirected even if nothing could be written.
const (
	postbackTimeout = 5 * time.Second
	clickTimeout    = time.Second
)

// New returns a Receiver with an empty set-up.
func New(cfg Config) *Receiver {
	if cfg.Observer == nil {
		cfg.Observer = unobserved{}
	}
	if cfg.ReadConsent == nil {
		cfg.ReadConsent = wordsAlone
	}
	r := &Receiver{
		cfg:     cfg,
		words:   newVocabulary(cfg.ClickParams),
		direct:  directNames(cfg.DirectParams),
		proxies: unmapped(cfg.TrustedProxies),
		abuse:   newAbuse(),
	}
	r.SetCapped(nil)
	r.atRisk = newAtRisk(r.appendKept, cfg.Observer, cfg.Log)
	r.SetSetup(subfive.Setup{})
	r.engine = r.newEngine()
	return r
}

// directNames are the parameters that hold a platform's click ID; Google has two
// besides the one it is known by.
func directNames(byPlatform map[string]string) map[string]string {
	all := map[string]string{"gbraid": "gbraid", "wbraid": "wbraid"}
	for _, name := range byPlatform {
		all[fold(name)] = name
	}
	return all
}

// SetSetup replaces what requests are routed by. It may be called at any time.
func (r *Receiver) SetSetup(s subfive.Setup) {
	zone := r.cfg.Zone
	if zone == nil {
		zone = time.UTC
	}
	r.table.Store(newTable(s, zone))
}

// SetCapped names the offers that have had the conversions of their day: their
// visitors go to the fallback. It may be called at any time.
func (r *Receiver) SetCapped(offers map[string]bool) { r.capped.Store(&offers) }

// Handler returns the handler of all public routes.
func (r *Receiver) Handler() http.Handler { return r.engine }

// Run rewrites, until ctx ends, clicks that could not be written down when they
// were redirected.
func (r *Receiver) Run(ctx context.Context) { r.atRisk.run(ctx) }

// Drain rewrites them once more, at shutdown. Its error says how many are lost.
func (r *Receiver) Drain(ctx context.Context) error { return r.atRisk.drain(ctx) }

// newEngine registers the two probes; all else goes through resolve, because a
// postback's path is read as forgivingly as its parameters, which no router
// does, and because a router's own redirects must never answer one.
func (r *Receiver) newEngine() *gin.Engine {
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	e.HandleMethodNotAllowed = false
	e.UseRawPath = true
	e.GET("/livez", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	e.GET("/readyz", r.readyz)
	e.NoRoute(r.serve)
	return e
}

func (r *Receiver) readyz(c *gin.Context) {
	ok, degraded := true, false
	if r.cfg.Ready != nil {
		ok, degraded = r.cfg.Ready()
	}
	switch {
	case !ok:
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "unready"})
	case degraded:
		c.JSON(http.StatusOK, gin.H{"status": "degraded"})
	default:
		c.JSON(http.StatusOK, gin.H{"status": "ok"})
	}
}

// serve reads a request, finds out what it is, and answers it.
func (r *Receiver) serve(c *gin.Context) {
	in := &intake{c: c, at: r.cfg.Now()}
	defer r.answered(in)
	defer r.recover(in)
	if c.Request.Method == http.MethodOptions {
		c.Header("Access-Control-Allow-Origin", "*")
		c.Header("Access-Control-Allow-Methods", "GET, POST, HEAD")
		c.Header("Access-Control-Allow-Headers", "Content-Type")
		c.Status(http.StatusNoContent)
		return
	}
	r.take(in)
	t := r.table.Load()
	rt := r.onHost(r.resolve(t, in), in.c.Request.Host)
	switch rt.kind {
	case routePostback:
		r.postback(t, rt, in)
	case routeClick:
		r.click(t, rt.campaign, in)
	case routeGo:
		r.goOffer(t, rt, in)
	case routeScript:
		r.script(t, in)
	case routeCollect:
		r.collect(t, in)
	case routeNowhere:
		c.String(http.StatusNotFound, "404: nothing here\n")
	}
}

// recover answers a request whose handling panicked: a postback that was stored
// is accepted, a visitor whose way is known is sent on.
func (r *Receiver) recover(in *intake) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	r.cfg.Log.Error("panic", "path", subfive.MaskAddresses(in.c.Request.URL.Path), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if in.location == "" && in.rescue != nil {
		in.location = in.rescue()
	}
	switch {
	case in.c.Writer.Written():
	case in.location != "":
		redirect(in.c, in.location)
	case in.stored != "":
		answerJSON(in.c, http.StatusOK, answer{Status: "accepted", ID: in.stored})
	default:
		unavailable(in.c)
	}
}

// append writes a record to the journal. A journal that panics has failed like
// any other.
func (r *Receiver) append(ctx context.Context, kind subfive.RecordKind, data []byte) (pos subfive.Position, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("journal panicked: %v", p)
		}
	}()
	return r.cfg.Journal.Append(ctx, kind, data)
}

func encode(rec subfive.Record) ([]byte, error) {
	data, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", rec.Kind, rec.ID, err)
	}
	return data, nil
}

// newID mints a ULID in lower case. Each has 80 bits of its own from the
// system's randomness: in ulid's monotonic mode, one ID would give the next
// away.
func newID(at time.Time) string {
	ms := max(at.UnixMilli(), 0)
	return strings.ToLower(ulid.MustNew(min(uint64(ms), ulid.MaxTime()), rand.Reader).String())
}

// literalMacro asks the Hinter, if there is one.
func (r *Receiver) literalMacro(name, value string) (hint string, literal bool) {
	if r.cfg.Hinter == nil {
		return "", false
	}
	return r.cfg.Hinter.LiteralMacro(name, value)
}

type unobserved struct{}

func (unobserved) Postback(string, subfive.Reading, time.Duration) {}
func (unobserved) Click(time.Duration)                             {}
func (unobserved) ClicksAtRisk(int)                                {}
func (unobserved) ClickLost()                                      {}
