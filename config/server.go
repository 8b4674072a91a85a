package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// Server are the settings that are read once, at start. Each is also an
// environment variable: SUBFIVE_ and its path in capitals, SUBFIVE_TLS_MODE.
type Server struct {
	Listen    string   `yaml:"listen"`     // host:port
	PublicURL string   `yaml:"public_url"` // what links and postback URLs are built from, without a slash at its end
	Domains   []Domain `yaml:"domains"`
	DataDir   string   `yaml:"data_dir"`
	// DatabaseURL is postgres://…; empty: SQLite in DataDir.
	DatabaseURL string `yaml:"database_url" secret:"true"`
	// SecretKey seals personal data and tokens; empty: the key file in DataDir.
	SecretKey  string           `yaml:"secret_key" secret:"true"`
	Ack        string           `yaml:"ack"`         // AckJournal or AckDatabase
	AckTimeout subfive.Duration `yaml:"ack_timeout"` // how long AckDatabase waits
	TLS        TLS              `yaml:"tls"`
	LateClicks subfive.Duration `yaml:"late_clicks"` // how long a conversion waits for its click
	// TrustedProxies may say who the client is (X-Forwarded-For).
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	Admin          Admin          `yaml:"admin"`
	Reporting      Reporting      `yaml:"reporting"`
	Rates          Rates          `yaml:"rates"`
	GeoIP          GeoIP          `yaml:"geoip"`
	Retention      Retention      `yaml:"retention"`
	Alerts         []Alert        `yaml:"alerts"`
	AlertsOff      []string       `yaml:"alerts_off"`   // rules that never alert, of AlertRules
	FallbackURL    string         `yaml:"fallback_url"` // where clicks of unknown campaigns go; empty: 404
}

// The values of Server.Ack: a request is acknowledged once the journal has it,
// or once the database has it.
const (
	AckJournal  = "journal"
	AckDatabase = "database"
)

// Domain is a further host that the server answers on.
type Domain struct {
	Host string `yaml:"host"`
	Role string `yaml:"role"` // RoleClick, RolePostback or RoleAdmin
}

// The roles of a Domain.
const (
	RoleClick    = "click"
	RolePostback = "postback"
	RoleAdmin    = "admin"
)

// TLS says who speaks TLS.
type TLS struct {
	Mode       string `yaml:"mode"`        // TLSNone, TLSAuto or TLSFiles
	HTTPListen string `yaml:"http_listen"` // the plain listener beside it; it serves the postback path too
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	Email      string `yaml:"email"` // for the certificate authority, with TLSAuto
	CA         string `yaml:"ca"`    // the directory of one that speaks ACME, or CAStaging; empty: Let's Encrypt
	// CARoot is a PEM file of what CA's own site is trusted by; empty: the
	// system's.
	CARoot string `yaml:"ca_root"`
}

// The values of TLS.Mode.
const (
	TLSNone  = "none"  // a proxy in front of us, or nobody
	TLSAuto  = "auto"  // certificates by ACME
	TLSFiles = "files" // CertFile and KeyFile
)

// CAStaging is Let's Encrypt's authority for tries: it has no tight limits, and
// nobody trusts its certificates.
const CAStaging = "staging"

// Admin is the operator's side.
type Admin struct {
	Listen string `yaml:"listen"` // a listener of its own; empty: the public one
	Token  string `yaml:"token" secret:"true"`
}

// Reporting says in which days and in which money reports count.
type Reporting struct {
	Timezone string `yaml:"timezone"` // IANA name
	Currency string `yaml:"currency"` // ISO 4217
}

// Rates says where rates of exchange come from.
type Rates struct {
	// URL is fetched once a day: CSV, or the European Central Bank's CSV or XML;
	// empty: none is.
	URL string `yaml:"url" secret:"true"`
}

// GeoIP are files in MaxMind's format (.mmdb) that the buyer has: countries or
// cities instead of the countries that come with the program, and networks.
type GeoIP struct {
	Places   string `yaml:"places"`
	Networks string `yaml:"networks"`
}

// Retention says how long what is kept; 0: for ever.
type Retention struct {
	Clicks   subfive.Duration `yaml:"clicks"`
	Personal subfive.Duration `yaml:"personal"`
	Raw      subfive.Duration `yaml:"raw"`
	Attempts subfive.Duration `yaml:"attempts"`
}

// Alert is somewhere to send alerts.
type Alert struct {
	Kind string `yaml:"kind"` // AlertWebhook, AlertEmail or AlertTelegram
	URL  string `yaml:"url" secret:"true"`
	// Secret signs what a webhook is sent; empty: it is not signed.
	Secret string `yaml:"secret" secret:"true"`

	To       string `yaml:"to"`
	From     string `yaml:"from"`
	SMTP     string `yaml:"smtp"` // host:port; 465 speaks TLS from the start
	Username string `yaml:"username"`
	Password string `yaml:"password" secret:"true"`

	Token  string `yaml:"token" secret:"true"` // Telegram's bot
	ChatID string `yaml:"chat_id"`
}

// The values of Alert.Kind.
const (
	AlertWebhook  = "webhook"
	AlertEmail    = "email"
	AlertTelegram = "telegram"
)

func defaultServer() Server {
	const day = subfive.Duration(24 * time.Hour)
	return Server{
		Listen:     "127.0.0.1:8080",
		DataDir:    "./data",
		Ack:        AckJournal,
		AckTimeout: subfive.Duration(800 * time.Millisecond),
		TLS:        TLS{Mode: TLSNone, HTTPListen: ":80"},
		LateClicks: subfive.Duration(72 * time.Hour),
		Reporting:  Reporting{Timezone: "UTC", Currency: "USD"},
		Retention:  Retention{Clicks: 400 * day, Personal: 90 * day, Raw: 120 * day, Attempts: 60 * day},
	}
}

// checkServer reports wrong settings and brings right ones into one form.
func (r *reader) checkServer(s *Server) {
	c := checker{report: r.rule}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	c.listener("listen", s.Listen, true)
	c.siteURL("public_url", s.PublicURL)
	c.url("fallback_url", "fallback_url", s.FallbackURL)
	if s.DataDir == "" {
		r.rule("data_dir", "data_dir is empty", "name a folder such as ./data")
	}
	if s.DatabaseURL != "" && !strings.HasPrefix(s.DatabaseURL, "postgres://") && !strings.HasPrefix(s.DatabaseURL, "postgresql://") {
		r.rule("database_url", "database_url is no PostgreSQL URL", "write postgres://user:password@host:5432/name, or leave it empty for SQLite")
	}
	c.oneOf("ack", "ack", s.Ack, AckJournal, AckDatabase)
	if s.Ack == AckDatabase && s.AckTimeout <= 0 {
		r.rule("ack_timeout", "ack_timeout is 0, and ack: database has to wait for something", "write 800ms")
	}
	c.timezone("reporting.timezone", "reporting.timezone", s.Reporting.Timezone)
	c.currency("reporting.currency", "reporting.currency", &s.Reporting.Currency)
	c.url("rates.url", "rates.url", s.Rates.URL)
	c.listener("admin.listen", s.Admin.Listen, false)
	r.checkTLS(c, s)
	for i, d := range s.Domains {
		at := "domains[" + strconv.Itoa(i) + "]"
		c.oneOf(at+".role", at+".role", d.Role, RoleClick, RolePostback, RoleAdmin)
		if d.Host == "" || strings.ContainsAny(d.Host, "/:? ") {
			r.rule(at+".host", at+".host is not a host's name", "write it without https:// and path: go.example.com")
		}
	}
	for i, rule := range s.AlertsOff {
		at := "alerts_off[" + strconv.Itoa(i) + "]"
		c.oneOf(at, at, rule, AlertRules()...)
	}
	for i, a := range s.Alerts {
		checkAlert(c, "alerts["+strconv.Itoa(i)+"]", a)
	}
}

func (r *reader) checkTLS(c checker, s *Server) {
	c.oneOf("tls.mode", "tls.mode", s.TLS.Mode, TLSNone, TLSAuto, TLSFiles)
	c.listener("tls.http_listen", s.TLS.HTTPListen, false)
	switch s.TLS.Mode {
	case TLSFiles:
		if s.TLS.CertFile == "" || s.TLS.KeyFile == "" {
			r.rule("tls", "tls.mode is files, and cert_file or key_file is missing", "name both files")
		}
	case TLSAuto:
		u, err := url.Parse(s.PublicURL)
		if err != nil || u.Scheme != "https" || net.ParseIP(u.Hostname()) != nil {
			r.rule("tls", "tls.mode is auto, and public_url has no host to get a certificate for", "set public_url to https:// and a host's name")
		}
		if s.TLS.CA != "" && s.TLS.CA != CAStaging && !strings.HasPrefix(s.TLS.CA, "https://") {
			r.rule("tls.ca", "tls.ca "+strconv.Quote(clip(s.TLS.CA))+" is not an ACME directory", "write its https:// address, or staging; leave it out for Let's Encrypt")
		}
	}
}

// AlertRules lists the words of Server.AlertsOff.
func AlertRules() []string {
	return []string{
		"database_down", "journal_filling", "clicks_at_risk", "failed_answers", "disk_space", "expiring", "destination_paused", "backlog",
		"dead_letters", "unmapped_goals", "no_clicks", "no_conversions", "no_postbacks", "match_rate", "rejections",
		"spend_without_conversions", "network_gap", "postback_off",
	}
}

func checkAlert(c checker, at string, a Alert) {
	c.oneOf(at+".kind", at+".kind", a.Kind, AlertWebhook, AlertEmail, AlertTelegram)
	need := func(key, value string) {
		if value == "" {
			c.report(at, at+" has no "+key, "an alert of kind "+a.Kind+" needs it")
		}
	}
	switch a.Kind {
	case AlertWebhook:
		need("url", a.URL)
		if a.URL != "" && !webURL(a.URL) {
			c.report(at+".url", at+".url is not a web address", "begin it with https://")
		}
	case AlertEmail:
		need("to", a.To)
		need("from", a.From)
		need("smtp", a.SMTP)
		c.listener(at+".smtp", a.SMTP, false)
		if _, err := mail.ParseAddressList(a.To); a.To != "" && err != nil {
			c.report(at+".to", at+".to is no e-mail address", "write me@example.com, several with commas between")
		}
		if _, err := mail.ParseAddress(a.From); a.From != "" && err != nil {
			c.report(at+".from", at+".from is no e-mail address", "write subfive@example.com")
		}
	case AlertTelegram:
		need("token", a.Token)
		need("chat_id", a.ChatID)
	}
}

// listener checks a host:port.
func (c checker) listener(path, value string, needed bool) {
	if value == "" && !needed {
		return
	}
	_, port, err := net.SplitHostPort(value)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		c.report(path, path+" "+strconv.Quote(clip(value))+" is not host:port", "write 127.0.0.1:8080, or :8080 for all addresses")
	}
}

// siteURL checks the address that others are built from.
func (c checker) siteURL(path, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || !webURL(value) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		c.report(path, path+" "+strconv.Quote(clip(value))+" is not the address of a site", "write https:// and the host's name alone")
	}
}
