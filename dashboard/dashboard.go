// Package dashboard is what an operator calls: the REST API below /api/v1 and
// the metrics, behind one bearer token.
//
// It checks who asks and what is asked for, strictly, and hands it to a Backend.
// It knows no SQL and decides nothing about conversions; what the world may call
// is package receiver's. The API's contract is openapi.json, served beside it.
package dashboard

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Backend is what the API needs of the tracker. An error that wraps
// subfive.ErrNotFound, ErrConflict or ErrBadData, or is a Refusal, is explained
// to the caller; any other is logged and stays here. A value it returns is
// shown as JSON. by is who asks, for the audit.
type Backend interface {
	// List returns one page of what a ListQuery asks for, newest first.
	List(ctx context.Context, q ListQuery) (Page, error)
	// Story returns all that is known about one thing.
	Story(ctx context.Context, kind, id string) (any, error)
	// Replay sends again what r names, or says what that would do.
	Replay(ctx context.Context, r Replay) (any, error)
	// Settle decides a possible duplicate: as duplicate, new or correction.
	Settle(ctx context.Context, postbackID, as, by string) (any, error)
	// Accept credits a quarantined postback.
	Accept(ctx context.Context, postbackID, by string) (any, error)
	// Attach gives the conversion that a postback speaks of to a click.
	Attach(ctx context.Context, postbackID, clickID, by string) (any, error)
	// SetMode switches a destination.
	SetMode(ctx context.Context, destinationID string, to subfive.Switch, by string) error
	// Pause stops sending to a destination until Resume; reason may be empty.
	Pause(ctx context.Context, destinationID, reason, by string) error
	Resume(ctx context.Context, destinationID, by string) error
	// Check makes the platform's own harmless check of a destination.
	Check(ctx context.Context, destinationID string, how Check) (any, error)
	// Errors looks up what answers mean: those of a platform, or one code of it;
	// both may be empty.
	Errors(platform, code string) (any, error)
	// Alerts are those that are open, and those that were. A Story of kind alerts
	// is one of them.
	Alerts(ctx context.Context) (any, error)
	// MuteAlert says nothing of one for so long; 0 ends it.
	MuteAlert(ctx context.Context, id string, d time.Duration) (any, error)
	// ReplaceCosts keeps what ads cost, in place of what was known of the days of
	// the sources that are named; Costs and Rates show what is kept.
	ReplaceCosts(ctx context.Context, costs []Cost) (any, error)
	Costs(ctx context.Context, q CostQuery) (any, error)
	// PutRates keeps rates of exchange; source is who says so.
	PutRates(ctx context.Context, source string, rates []Rate) (any, error)
	Rates(ctx context.Context, q RateQuery) (any, error)
	// Reconciliations are the comparisons with networks' books. A Story of kind
	// reconciliations is one of them, with what differed.
	Reconciliations(ctx context.Context) (any, error)
	// Reconcile begins one, and returns it as it runs.
	Reconcile(ctx context.Context, r Reconciliation) (any, error)
	// Standing says where one stands with each network.
	Standing(ctx context.Context) (any, error)
	// CheckUp says what is wrong with the set-up and its traffic.
	CheckUp(ctx context.Context) (any, error)
	// Examine says what is wrong with a postback URL or a captured query.
	Examine(ctx context.Context, text string) (any, error)
	// Resources are those of a kind, archived ones only if asked for; Resource is
	// one of them, archived or not. Neither shows a secret.
	Resources(ctx context.Context, kind string, archived bool) (any, error)
	Resource(ctx context.Context, kind, id string) (any, error)
	// ChangeResource stores or archives one, or says what that would change.
	ChangeResource(ctx context.Context, change ResourceChange) (any, error)
	// Links is a campaign's link, ready to be pasted.
	Links(ctx context.Context, campaignID string) (any, error)
	// Audit is a page of who changed what.
	Audit(ctx context.Context, q AuditQuery) (any, error)
	Accounts
	Checks
	Outlook
	SettingUp
	Reports
	Logs
}

// Config is what a Dashboard needs. All but Token, ClientAddr and Stopping must be given.
type Config struct {
	Backend Backend
	// Token is the bearer token. Without one every call is refused.
	Token string
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     *slog.Logger
	Now     func() time.Time
	// ClientAddr says where a request comes from; nil: nobody knows.
	ClientAddr func(*http.Request) string
	// Stopping, if set, reports whether the tracker is about to end: what lasts long
	// ends then.
	Stopping func() bool
}

// Dashboard answers an operator's requests.
type Dashboard struct {
	cfg    Config
	token  [sha256.Size]byte
	engine *gin.Engine
	tails  chan struct{} // one for each that is followed
}

// patience is how long a call may take. It ends before the server's own limit
// on writing, so that a caller is told.
const patience = 50 * time.Second

//go:embed openapi.json
var openAPI []byte

// New returns a Dashboard.
func New(cfg Config) *Dashboard {
	d := &Dashboard{cfg: cfg, token: sha256.Sum256([]byte(cfg.Token)), tails: make(chan struct{}, maxTails)}
	d.engine = d.newEngine()
	return d
}

// Handler returns the handler of /api/v1/ and /metrics.
func (d *Dashboard) Handler() http.Handler { return d.engine }

func (d *Dashboard) stopping() bool { return d.cfg.Stopping != nil && d.cfg.Stopping() }

// newEngine routes. The path stays escaped until pathID reads it: a network's
// ID may hold a slash.
func (d *Dashboard) newEngine() *gin.Engine {
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.HandleMethodNotAllowed = true
	e.UseEscapedPath = true
	e.UnescapePathValues = false
	e.Use(d.recover, secure, limitTime, d.authenticate, d.authorize)
	e.NoRoute(d.run(noRoute))
	e.NoMethod(d.run(noMethod))

	e.GET("/metrics", gin.WrapH(d.cfg.Metrics))
	api := e.Group("/api/v1")
	for _, col := range collections() {
		api.GET("/"+col.kind, d.run(d.list(col)))
	}
	api.GET("/errors", d.run(d.errors))
	api.GET("/costs", d.run(d.costs))
	api.GET("/rates", d.run(d.rates))
	d.routeResources(api)
	api.GET("/views", d.run(d.views))
	d.routeNow(api)
	d.routeSetup(api)
	d.routeReports(api)
	d.routeLogs(api)
	api.Use(d.refuseQuery) // whatever follows takes none
	d.routeAccounts(api)
	d.routeLongReports(api)
	api.POST("/costs", d.run(d.replaceCosts))
	api.POST("/rates", d.run(d.putRates))
	for _, col := range collections() {
		api.GET("/"+col.kind+"/:id", d.run(d.story(col.kind)))
	}
	for _, kind := range resourceKinds() {
		api.GET("/"+kind+"/:id", d.run(d.resource(kind)))
	}
	api.GET("/campaigns/:id/links", d.run(d.links))
	api.GET("/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, contentJSON, openAPI) })
	api.GET("/doctor", d.run(d.checkUp))
	api.POST("/doctor", d.run(d.examine))
	api.GET("/alerts", d.run(d.alerts))
	api.GET("/alerts/:id", d.run(d.story("alerts")))
	api.POST("/alerts/:id/mute", d.run(d.mute))
	api.GET("/reconciliations", d.run(d.reconciliations))
	api.GET("/reconciliations/:id", d.run(d.story("reconciliations")))
	api.POST("/reconciliations", d.run(d.reconcile))
	api.GET("/standing", d.run(d.standing))
	api.POST("/replays", d.run(d.replay))
	api.POST("/postbacks/:id/settle", d.run(d.settle))
	api.POST("/postbacks/:id/accept", d.run(d.accept))
	api.POST("/postbacks/:id/attach", d.run(d.attach))
	api.PUT("/destinations/:id/mode", d.run(d.setMode))
	api.POST("/destinations/:id/pause", d.run(d.pause))
	api.POST("/destinations/:id/resume", d.run(d.resume))
	api.POST("/destinations/:id/check", d.run(d.check))
	d.routeChecks(api)
	return e
}

// run answers with what h returns.
func (d *Dashboard) run(h func(*gin.Context) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		v, err := h(c)
		if err != nil {
			d.fail(c, err)
			return
		}
		d.answer(c, v)
	}
}
