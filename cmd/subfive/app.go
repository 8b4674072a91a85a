package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/consent"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/identity"
	"subfive/store"
)

// app is what every command has: where it writes, its clock, and the file.
type app struct {
	stdout, stderr io.Writer
	env            config.Env
	now            func() time.Time
	configPath     string
	dataDir        string
}

func newApp(stdout, stderr io.Writer) *app {
	return &app{stdout: stdout, stderr: stderr, env: os.LookupEnv, now: func() time.Time { return time.Now().UTC() }}
}

// log writes to standard error: text for people.
func (a *app) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// path is the file's: the flag, else the environment, else none.
func (a *app) path() string {
	if a.configPath != "" {
		return a.configPath
	}
	path, _ := a.env("SUBFIVE_CONFIG")
	return path
}

// file reads the file and the environment.
func (a *app) file(options ...config.Option) (config.File, error) {
	f, err := config.Load(a.path(), a.env, append(options, config.WithPlatforms(configPlatforms()))...)
	if errors.Is(err, fs.ErrNotExist) {
		return f, usageError{err}
	}
	if err != nil {
		return f, err
	}
	if a.dataDir != "" {
		f.Server.DataDir = a.dataDir
	}
	return f, nil
}

// configPlatforms is what the file's rules must know of the platforms.
func configPlatforms() map[string]config.Platform {
	facts := map[string]config.Platform{}
	for _, p := range all.Platforms() {
		f := config.Platform{
			Goals: p.Goals, NeedsValue: p.NeedsValue, MaxBatch: p.MaxBatch, ClickParams: p.ClickParams, LimitedUse: p.LimitedUse,
			TestsCount: p.TestsCount,
		}
		for _, c := range p.BeforeLive {
			f.BeforeLive = append(f.BeforeLive, config.Confirmation(c))
		}
		facts[p.Name] = f
	}
	return facts
}

// attributionPlatforms is what attribution must know of them.
func attributionPlatforms() map[string]attribution.Platform {
	facts := map[string]attribution.Platform{}
	for _, p := range all.Platforms() {
		facts[p.Name] = attribution.Platform{Kinds: p.Kinds, NeedsValue: p.NeedsValue, ClickParams: p.ClickParams, MaxAge: p.MaxAge, LimitedUse: p.LimitedUse}
	}
	return facts
}

func rules(s config.Server, setup subfive.Setup, v *identity.Vault) attribution.Rules {
	return attribution.Rules{
		Setup: setup, Platforms: attributionPlatforms(), LateClicks: time.Duration(s.LateClicks),
		ReadConsent: consent.Read, Country: countryIn(v),
	}
}

// rules are the rules of a setup, with what each destination can be told, and
// limited to, by its settings.
func (a *app) rules(s config.Server, setup subfive.Setup, v *identity.Vault) attribution.Rules {
	r := rules(s, setup, v)
	r.Kinds = map[string][]subfive.Kind{}
	r.Limits = map[string]func(country, address string) error{}
	for _, d := range setup.Destinations {
		c, err := configureOne(d, a.env, http.DefaultClient, config.DecodeSettingsAnywhere)
		if err != nil {
			continue // it is reported where it is to be served; till then its platform's kinds hold
		}
		if t, ok := c.Forwarder.(forwarders.Teller); ok {
			r.Kinds[d.ID] = t.Kinds()
		}
		if l, ok := c.Forwarder.(forwarders.Limiter); ok {
			r.Limits[d.ID] = l.Limits
		}
	}
	return r
}

// countryIn opens the country that a postback brought, by code or name. One that
// the key does not open is not known: the destinations' rules say what follows.
func countryIn(v *identity.Vault) func(subfive.Sealed) string {
	return func(s subfive.Sealed) string {
		country, err := v.Open(subfive.UserCountry, s.Box)
		if err != nil {
			return ""
		}
		return strings.ToUpper(identity.Country(country))
	}
}

// vault opens the key, or makes one in the data folder.
func (a *app) vault(s config.Server) (*identity.Vault, error) {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(s.DataDir, "key")
	if s.SecretKey == "" && !exists(path) && exists(filepath.Join(s.DataDir, "node")) {
		return nil, fmt.Errorf("the key %s is gone, and the data beside it was sealed with it: restore it from your backup, or set secret_key", path)
	}
	key, created, err := identity.LoadKey(s.SecretKey, path)
	if err != nil {
		return nil, fmt.Errorf("load the key: %w", err)
	}
	if created {
		fmt.Fprintf(a.stderr, "made the key file %s: it opens personal data and tokens. Back it up apart from the database.\n", path)
	}
	vault, err := identity.NewVault(key)
	if err != nil {
		return nil, fmt.Errorf("use the key: %w", err)
	}
	return vault, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// dsn names the database.
func dsn(s config.Server) string {
	if s.DatabaseURL != "" {
		return s.DatabaseURL
	}
	return "sqlite:" + filepath.Join(s.DataDir, "subfive.db")
}

// open opens the database.
func (a *app) open(ctx context.Context, s config.Server, vault *identity.Vault) (*store.Store, error) {
	zone, err := time.LoadLocation(s.Reporting.Timezone)
	if err != nil {
		return nil, fmt.Errorf("reporting.timezone: %w", err)
	}
	return store.Open(ctx, dsn(s), store.WithSealer(vault), store.WithZone(zone), store.WithCurrency(s.Reporting.Currency))
}

// session is what a command needs that looks at the database and ends.
type session struct {
	*store.Store
	file  config.File
	vault *identity.Vault
}

// with opens the database for fn, and closes it.
func (a *app) with(ctx context.Context, fn func(s session) error) error {
	f, err := a.file()
	if err != nil {
		return err
	}
	if f.Server.DatabaseURL == "" {
		path := filepath.Join(f.Server.DataDir, "subfive.db")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no database %s: start \"subfive serve\" first, or name its file with --config or its folder with --data-dir", path)
		}
	}
	vault, err := a.vault(f.Server)
	if err != nil {
		return err
	}
	st, err := a.open(ctx, f.Server, vault)
	if err != nil {
		return err
	}
	return errors.Join(fn(session{Store: st, file: f, vault: vault}), st.Close())
}

// attributor decides as serve would, for commands that settle or record.
func (s session) attributor(ctx context.Context, a *app) (*attribution.Attributor, error) {
	setup, err := s.Setup(ctx)
	if err != nil {
		return nil, err
	}
	return attribution.New(s.Store, a.rules(s.file.Server, setup, s.vault), a.now, a.log()), nil
}

// sender has all destinations of the setup that can be made here. It previews:
// the variables that credentials come from need not be set in this shell.
func (s session) sender(ctx context.Context, a *app) (*forwarders.Sender, error) {
	stored, err := s.Setup(ctx)
	if err != nil {
		return nil, err
	}
	setup, err := config.Resolve(stored, a.env)
	if err != nil {
		fmt.Fprintf(a.stderr, "not set in this shell: %v\n", err)
		setup = stored
	}
	sender := newSender(s.vault, s.file.Server, a)
	configured, failed := configure(setup, a.env, sender, config.DecodeSettingsAnywhere)
	for id, err := range failed {
		fmt.Fprintf(a.stderr, "destination %s: %v\n", id, err)
	}
	return sender, sender.SetDestinations(configured)
}

// sealer gives the receiver what it needs of the vault.
type sealer struct{ *identity.Vault }

// Seal writes a phone number in the one form that means the same everywhere,
// while it is known where the person is; one that can't be read is kept as it
// came.
func (s sealer) Seal(field, value, country string) (subfive.Sealed, error) {
	if field == subfive.UserPhone {
		if number := identity.Phone(value, country); number != "" {
			value = number
		}
	}
	box, mac, err := s.Vault.Seal(field, value)
	return subfive.Sealed{Box: box, Mac: mac}, err
}

// rawRequest is where the receiver's raw bytes belong.
const rawRequest = "request"

func (s sealer) SealBytes(b []byte) (string, error) { return s.Vault.SealBytes(b, rawRequest) }
