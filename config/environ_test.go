package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"subfive"
	"subfive/config"
)

// settingPaths returns the path of every server setting.
func settingPaths(t reflect.Type, prefix string) []string {
	var all []string
	for i := range t.NumField() {
		path := prefix + t.Field(i).Tag.Get("yaml")
		if t.Field(i).Type.Kind() == reflect.Struct {
			all = append(all, settingPaths(t.Field(i).Type, path+".")...)
			continue
		}
		all = append(all, path)
	}
	return all
}

func TestEverySettingHasAVariable(t *testing.T) {
	values := map[string]string{
		"listen": ":1", "public_url": "https://e.example.com", "domains": `[{"host": "e.example.com", "role": "postback"}]`,
		"data_dir": "/e", "database_url": "postgres://e", "secret_key": "e", "ack": "database", "ack_timeout": "2s",
		"tls.mode": "files", "tls.http_listen": ":2", "tls.cert_file": "/c", "tls.key_file": "/k", "tls.email": "e@example.com", "tls.ca": "https://ca.example.com/directory", "tls.ca_root": "/r.pem",
		"late_clicks": "1h", "trusted_proxies": "192.0.2.0/24, 192.0.2.9", "admin.listen": ":3", "admin.token": "e",
		"reporting.timezone": "Europe/Berlin", "reporting.currency": "EUR", "retention.clicks": "1d", "retention.personal": "2d",
		"rates.url": "https://e.example.com/rates.xml", "geoip.places": "/p", "geoip.networks": "/n", "retention.raw": "3d", "retention.attempts": "4d", "alerts": "[{kind: email, to: e@example.com, from: e@example.com, smtp: 'e:25'}]",
		"alerts_off":   "[backlog, no_clicks]",
		"fallback_url": "https://e.example.com/f",
	}
	variables := map[string]string{}
	for _, path := range settingPaths(reflect.TypeFor[config.Server](), "") {
		value, ok := values[path]
		if !ok {
			t.Fatalf("%s: a new setting, unknown to this test", path)
		}
		variables[config.VariableName(path)] = value
	}
	file, err := config.Load("testdata/full.yaml", environment(variables))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, config.Server{
		Listen: ":1", PublicURL: "https://e.example.com", Domains: []config.Domain{{Host: "e.example.com", Role: config.RolePostback}},
		DataDir: "/e", DatabaseURL: "postgres://e", SecretKey: "e", Ack: config.AckDatabase, AckTimeout: subfive.Duration(2 * time.Second),
		TLS:            config.TLS{Mode: config.TLSFiles, HTTPListen: ":2", CertFile: "/c", KeyFile: "/k", Email: "e@example.com", CA: "https://ca.example.com/directory", CARoot: "/r.pem"},
		LateClicks:     subfive.Duration(time.Hour),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.9/32")},
		Admin:          config.Admin{Listen: ":3", Token: "e"}, Reporting: config.Reporting{Timezone: "Europe/Berlin", Currency: "EUR"},
		Rates:       config.Rates{URL: "https://e.example.com/rates.xml"},
		GeoIP:       config.GeoIP{Places: "/p", Networks: "/n"},
		Retention:   config.Retention{Clicks: day, Personal: 2 * day, Raw: 3 * day, Attempts: 4 * day},
		Alerts:      []config.Alert{{Kind: config.AlertEmail, To: "e@example.com", From: "e@example.com", SMTP: "e:25"}},
		AlertsOff:   []string{"backlog", "no_clicks"},
		FallbackURL: "https://e.example.com/f",
	}, file.Server)
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	file, err := config.Parse("x.yaml", []byte("listen: :1\n"), environment(map[string]string{"SUBFIVE_LISTEN": "", "SUBFIVE_ACK": ""}))
	if err != nil {
		t.Fatal(err)
	}
	want := defaultServer()
	want.Listen = ":1"
	equal(t, want, file.Server)
}

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, err := config.Parse("", nil, environment(map[string]string{
		"SUBFIVE_SECRET_KEY_FILE":   write("key", "seal me\n"),
		"SUBFIVE_ADMIN_TOKEN_FILE":  write("token", "${not} expanded\r\n"),
		"SUBFIVE_DATABASE_URL_FILE": write("url", "postgres://u:p@db/s"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := defaultServer()
	want.SecretKey, want.Admin.Token, want.DatabaseURL = "seal me", "${not} expanded", "postgres://u:p@db/s"
	equal(t, want, file.Server)
}

func TestBadVariablesAreNamed(t *testing.T) {
	tests := map[string]struct {
		variables map[string]string
		want      string
	}{
		"duration":         {map[string]string{"SUBFIVE_ACK_TIMEOUT": "800"}, `SUBFIVE_ACK_TIMEOUT: "800" is not a duration such as 90s, 72h or 400d — add the unit: 800s, 800m, 800h or 800d`},
		"word":             {map[string]string{"SUBFIVE_TLS_MODE": "autom"}, `SUBFIVE_TLS_MODE: tls.mode "autom" is not a word we know — did you mean auto? (none, auto, files)`},
		"proxy":            {map[string]string{"SUBFIVE_TRUSTED_PROXIES": "cloudflair"}, `SUBFIVE_TRUSTED_PROXIES: trusted_proxies[0] "cloudflair" is no address and no network — write 10.0.0.1, 10.0.0.0/8 or cloudflare`},
		"list":             {map[string]string{"SUBFIVE_ALERTS": "me@example.com"}, `SUBFIVE_ALERTS: alerts is text, where a list is wanted — write a dash before each part, or [] for none`},
		"key in a list":    {map[string]string{"SUBFIVE_DOMAINS": "[{hots: a.example.com, role: click}]"}, `SUBFIVE_DOMAINS: unknown key "hots" in domains[0] — did you mean "host"?`},
		"no list at all":   {map[string]string{"SUBFIVE_DOMAINS": "[{"}, `SUBFIVE_DOMAINS: not a list as YAML or JSON — write [{key: value, …}, …] in one line`},
		"both":             {map[string]string{"SUBFIVE_SECRET_KEY": "a", "SUBFIVE_SECRET_KEY_FILE": "/b"}, `SUBFIVE_SECRET_KEY_FILE: set besides SUBFIVE_SECRET_KEY — unset one of the two`},
		"unreadable file":  {map[string]string{"SUBFIVE_SECRET_KEY_FILE": "/does/not/exist"}, `SUBFIVE_SECRET_KEY_FILE: open /does/not/exist: no such file or directory — name a file that the server may read`},
		"secret not shown": {map[string]string{"SUBFIVE_DATABASE_URL": "mysql://hunter2"}, `SUBFIVE_DATABASE_URL: database_url is no PostgreSQL URL — write postgres://user:password@host:5432/name, or leave it empty for SQLite`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("x.yaml", []byte("listen: :1\n"), environment(test.variables))
			if err == nil || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestCloudflareStandsForItsNetworks(t *testing.T) {
	file, err := config.Parse("x.yaml", []byte("trusted_proxies: [10.1.2.3/8, Cloudflare]\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{"10.9.9.9": true, "104.16.0.1": true, "2606:4700::1": true, "192.0.2.1": false}
	for address, want := range tests {
		got := false
		for _, network := range file.Server.TrustedProxies {
			got = got || network.Contains(netip.MustParseAddr(address))
		}
		if got != want {
			t.Errorf("%s trusted: %t, want %t", address, got, want)
		}
	}
	if n := len(file.Server.TrustedProxies); n != 23 {
		t.Errorf("%d networks, want ours and Cloudflare's 22", n)
	}
}

func TestVariableName(t *testing.T) {
	if got := config.VariableName("tls.http_listen"); got != "SUBFIVE_TLS_HTTP_LISTEN" || strings.ToUpper(got) != got {
		t.Errorf("got %s", got)
	}
}
