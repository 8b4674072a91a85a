package dashboard

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"subfive"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

const adminToken = "s3cret-token"

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// call is one call of the backend.
type call struct {
	Method string
	Args   []any
}

// backend keeps what it was asked for and answers what it was told to.
type backend struct {
	calls []call
	page  Page
	rows  int
	file  string
	value any
	err   error
	panic any
	block bool // until the call's context ends
}

func (b *backend) called(ctx context.Context, method string, args ...any) (any, error) {
	b.calls = append(b.calls, call{method, args})
	if b.panic != nil {
		panic(b.panic)
	}
	if b.block {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return b.value, b.err
}

func (b *backend) List(ctx context.Context, q ListQuery) (Page, error) {
	_, err := b.called(ctx, "List", q)
	return b.page, err
}

func (b *backend) Story(ctx context.Context, kind, id string) (any, error) {
	return b.called(ctx, "Story", kind, id)
}

func (b *backend) Replay(ctx context.Context, r Replay) (any, error) {
	return b.called(ctx, "Replay", r)
}

func (b *backend) Settle(ctx context.Context, postbackID, as, by string) (any, error) {
	return b.called(ctx, "Settle", postbackID, as, by)
}

func (b *backend) Accept(ctx context.Context, postbackID, by string) (any, error) {
	return b.called(ctx, "Accept", postbackID, by)
}

func (b *backend) Attach(ctx context.Context, postbackID, clickID, by string) (any, error) {
	return b.called(ctx, "Attach", postbackID, clickID, by)
}

func (b *backend) SetMode(ctx context.Context, destinationID string, to subfive.Switch, by string) error {
	_, err := b.called(ctx, "SetMode", destinationID, to, by)
	return err
}

func (b *backend) Pause(ctx context.Context, destinationID, reason, by string) error {
	_, err := b.called(ctx, "Pause", destinationID, reason, by)
	return err
}

func (b *backend) Resume(ctx context.Context, destinationID, by string) error {
	_, err := b.called(ctx, "Resume", destinationID, by)
	return err
}

func (b *backend) Check(ctx context.Context, destinationID string, how Check) (any, error) {
	return b.called(ctx, "Check", destinationID, how)
}

func (b *backend) Errors(platform, code string) (any, error) {
	return b.called(context.Background(), "Errors", platform, code)
}

func (b *backend) Alerts(ctx context.Context) (any, error) { return b.called(ctx, "Alerts") }

func (b *backend) MuteAlert(ctx context.Context, id string, d time.Duration) (any, error) {
	return b.called(ctx, "MuteAlert", id, d)
}

func (b *backend) Reconciliations(ctx context.Context) (any, error) {
	return b.called(ctx, "Reconciliations")
}

func (b *backend) Reconcile(ctx context.Context, r Reconciliation) (any, error) {
	return b.called(ctx, "Reconcile", r)
}

func (b *backend) Standing(ctx context.Context) (any, error) { return b.called(ctx, "Standing") }

func (b *backend) CheckUp(ctx context.Context) (any, error) { return b.called(ctx, "CheckUp") }

func (b *backend) Examine(ctx context.Context, text string) (any, error) {
	return b.called(ctx, "Examine", text)
}

func (b *backend) ImportCosts(ctx context.Context, f CostFile) (any, error) {
	return b.called(ctx, "ImportCosts", f)
}

func (b *backend) FollowLink(ctx context.Context, link string, network bool) (any, error) {
	return b.called(ctx, "FollowLink", link, network)
}

func (b *backend) AlertChannels(ctx context.Context) (any, error) {
	return b.called(ctx, "AlertChannels")
}

func (b *backend) TestAlerts(ctx context.Context) (any, error) { return b.called(ctx, "TestAlerts") }

func (b *backend) ReplaceCosts(ctx context.Context, costs []Cost) (any, error) {
	return b.called(ctx, "ReplaceCosts", costs)
}

func (b *backend) Costs(ctx context.Context, q CostQuery) (any, error) {
	return b.called(ctx, "Costs", q)
}

func (b *backend) PutRates(ctx context.Context, source string, rates []Rate) (any, error) {
	return b.called(ctx, "PutRates", source, rates)
}

func (b *backend) Rates(ctx context.Context, q RateQuery) (any, error) {
	return b.called(ctx, "Rates", q)
}

func (b *backend) Resources(ctx context.Context, kind string, archived bool) (any, error) {
	return b.called(ctx, "Resources", kind, archived)
}

func (b *backend) Resource(ctx context.Context, kind, id string) (any, error) {
	return b.called(ctx, "Resource", kind, id)
}

func (b *backend) ChangeResource(ctx context.Context, change ResourceChange) (any, error) {
	return b.called(ctx, "ChangeResource", change)
}

func (b *backend) Links(ctx context.Context, campaignID string) (any, error) {
	return b.called(ctx, "Links", campaignID)
}

func (b *backend) Audit(ctx context.Context, q AuditQuery) (any, error) {
	return b.called(ctx, "Audit", q)
}

func (b *backend) Now(ctx context.Context, q NowQuery) (any, error) { return b.called(ctx, "Now", q) }

func (b *backend) NowCounts(ctx context.Context) (any, error) { return b.called(ctx, "NowCounts") }
func (b *backend) Platforms() (any, error)                    { return b.called(context.Background(), "Platforms") }

func (b *backend) Preview(ctx context.Context, p Preview) (any, error) {
	return b.called(ctx, "Preview", p)
}

func (b *backend) Checklist(ctx context.Context, by, address string) (any, error) {
	return b.called(ctx, "Checklist", by, address)
}

func (b *backend) MarkStep(ctx context.Context, s Step) error {
	_, err := b.called(ctx, "MarkStep", s)
	return err
}

func (b *backend) Simulate(ctx context.Context, s Simulation) (any, error) {
	return b.called(ctx, "Simulate", s)
}

func (b *backend) CompareLinks(link, slot string) (any, error) {
	return b.called(context.Background(), "CompareLinks", link, slot)
}

func (b *backend) PostbackURL(ctx context.Context, endpointID, offerID string) (any, error) {
	return b.called(ctx, "PostbackURL", endpointID, offerID)
}

func (b *backend) Undo(ctx context.Context, auditID, by string) (any, error) {
	return b.called(ctx, "Undo", auditID, by)
}

// open returns a Dashboard over b that logs to the buffer.
func open(b *backend) (*Dashboard, *bytes.Buffer) {
	var log bytes.Buffer
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, "subfive_unmatched 0\n")
	})
	return New(Config{
		Backend: b, Token: adminToken, Metrics: metrics, Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Now: func() time.Time { return now }, ClientAddr: func(r *http.Request) string { return r.RemoteAddr },
	}), &log
}

// request is one with the right token, and a JSON body unless it is empty.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+adminToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// ask answers r, and fails the test when openapi.json does not know the answer.
func ask(t testing.TB, d *Dashboard, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	document(t).knows(t, r, w)
	return w
}

// Token knows the tokens that tests call with: sf_read, sf_write, sf_owner.
func (b *backend) Token(ctx context.Context, hash string) (subfive.APIToken, error) {
	for _, s := range subfive.Scopes() {
		if hash == subfive.SecretHash(subfive.PrefixToken+string(s)) {
			return subfive.APIToken{ID: "tk_1", Name: "nightly", Scope: s}, b.err
		}
	}
	return subfive.APIToken{}, subfive.ErrNotFound
}

func (b *backend) Tokens(ctx context.Context) (any, error) { return b.called(ctx, "Tokens") }

func (b *backend) AddToken(ctx context.Context, name string, scope subfive.Scope, by string) (any, error) {
	return b.called(ctx, "AddToken", name, scope, by)
}

func (b *backend) RevokeToken(ctx context.Context, id, by string) (any, error) {
	return b.called(ctx, "RevokeToken", id, by)
}

func (b *backend) Users(ctx context.Context) (any, error) { return b.called(ctx, "Users") }

func (b *backend) AddUser(ctx context.Context, u subfive.User, by string) (any, error) {
	return b.called(ctx, "AddUser", u, by)
}

func (b *backend) ChangeUser(ctx context.Context, id string, change UserChange, by string) (any, error) {
	return b.called(ctx, "ChangeUser", id, change, by)
}

func (b *backend) ArchiveUser(ctx context.Context, id, by string) (any, error) {
	return b.called(ctx, "ArchiveUser", id, by)
}

func (b *backend) LinkUser(ctx context.Context, id, by string) (any, error) {
	return b.called(ctx, "LinkUser", id, by)
}

func (b *backend) Views(ctx context.Context, owner, page string) (any, error) {
	return b.called(ctx, "Views", owner, page)
}

func (b *backend) SaveView(ctx context.Context, v subfive.View) (any, error) {
	return b.called(ctx, "SaveView", v)
}

func (b *backend) DeleteView(ctx context.Context, owner, id string) (any, error) {
	return b.called(ctx, "DeleteView", owner, id)
}
