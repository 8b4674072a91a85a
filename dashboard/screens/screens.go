// Package screens is what a person sees of the tracker: the pages below /admin/.
//
// A page is a client of the REST API. It asks it in process, as the person who
// is signed in, and draws what it answers; a form's fields become a call's body.
// So checks, words of refusal and rights exist once, and whatever a page can do,
// a script can do too. The package knows no SQL and decides nothing.
package screens

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"

	"subfive"
)

// Root is the path below which all pages are.
const Root = "/admin"

// API answers a call of the REST API as somebody would get it.
type API interface {
	ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User)
}

// Door knows who is signed in.
type Door interface {
	// User returns who asks; subfive.ErrNotFound if he has not signed in.
	User(r *http.Request) (subfive.User, error)
}

// Config is what Screens need. All but Door must be given.
type Config struct {
	API API
	// Accounts are those that may come in; an error while they can't be asked.
	Accounts func() (Accounts, error)
	// Passwords hashes them.
	Passwords *Passwords
	// NewID makes an ID for a user.
	NewID func() string
	// Client says who a request is from, and whether the browser speaks TLS, with
	// us or with a proxy that says so.
	Client func(*http.Request) (address string, safe bool)
	// Door says who is signed in; nil: who signed in by a password or a link.
	Door Door
	// Currency is the reporting currency, an ISO 4217 code.
	Currency string
	Log      *slog.Logger
	Now      func() time.Time
	// Zone is the reporting time zone: days of reports are its days, and times are
	// shown in it to who has chosen no other.
	Zone *time.Location
}

// Screens draws the pages.
type Screens struct {
	cfg     Config
	in      *sessions
	tries   *throttle
	pages   map[string]*template.Template
	static  http.Handler
	handler http.Handler
}

//go:embed templates
var templates embed.FS

//go:embed static
var static embed.FS

// New returns Screens. A template that can't be read is an error of the program,
// which the tests find: it panics.
func New(cfg Config) *Screens {
	s := &Screens{cfg: cfg, in: newSessions(cfg), tries: newThrottle(), pages: readTemplates()}
	if cfg.Door == nil {
		s.cfg.Door = s.in
	}
	s.static = http.StripPrefix(assetRoot, http.FileServerFS(sub(static, "static")))
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(s.denyCrossOrigin))
	s.handler = gzhttp.GzipHandler(cross.Handler(s.newEngine()))
	return s
}

// Handler returns the handler of all paths below Root.
func (s *Screens) Handler() http.Handler { return s.handler }

func (s *Screens) newEngine() *gin.Engine {
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.UseEscapedPath = true
	e.UnescapePathValues = false
	e.Use(s.recover, secure, bounded)
	e.NoRoute(s.signedIn, s.page(noPage))
	e.GET(assetRoot+"/*file", s.asset)
	s.routeDoor(e.Group(Root))
	inside := e.Group(Root, s.signedIn)
	inside.GET("", func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, Root+"/") })
	s.routeNow(inside)
	s.routeAudit(inside)
	s.routeStory(inside)
	s.routeReports(inside)
	s.routeResources(inside)
	s.routeSetup(inside)
	s.routeDoctor(inside)
	s.routeAlerts(inside)
	s.routeReconciliation(inside)
	s.routeCosts(inside)
	s.routeAccount(inside)
	s.routeUsers(inside)
	s.routeLogs(inside)
	return e
}

// readTemplates reads every page together with the layout and the parts that
// all may use.
func readTemplates() map[string]*template.Template {
	files := sub(templates, "templates")
	shared := template.Must(template.New("layout.html").Funcs(functions()).ParseFS(files, "layout.html", "bare.html", "parts.html"))
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		panic(err)
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		if name == "layout.html" || name == "bare.html" || name == "parts.html" {
			continue
		}
		page := template.Must(template.Must(shared.Clone()).ParseFS(files, name))
		pages[strings.TrimSuffix(name, ".html")] = page
	}
	return pages
}

func sub(files fs.FS, dir string) fs.FS {
	inner, err := fs.Sub(files, dir)
	if err != nil {
		panic(fmt.Sprintf("%s is embedded: %v", dir, err))
	}
	return inner
}
