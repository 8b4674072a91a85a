package store

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/huandu/go-sqlbuilder"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// Connections a process holds for each concern.
const (
	intakeConns  = 4
	outboxConns  = 8
	screensConns = 4
)

// connectTimeout bounds how long a server may take to greet us, unless the URL
// says connect_timeout: the driver heeds no context there, and would wait for
// ever for one that is stopped or behind a firewall.
const connectTimeout = 10 * time.Second

// postgresBegin opens a transaction with its time limits in one round trip.
// They are local to it, so that nothing is left on a connection that a pooler
// hands on.
const postgresBegin = "BEGIN; SET LOCAL statement_timeout = '20s'; SET LOCAL lock_timeout = '5s'"

func (s *Store) openPostgres(ctx context.Context, dsn string, allowUnsafe bool) error {
	s.dialect, s.flavor = dialectPostgres, sqlbuilder.PostgreSQL
	dsn, err := withSSLMode(dsn)
	if err != nil {
		return err
	}
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if s.connector, err = pq.NewConnectorConfig(cfg); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	for p, size := range map[**pool]int{&s.intake: intakeConns, &s.outbox: outboxConns, &s.screens: screensConns, &s.reports: 1} {
		*p = newPool(sql.OpenDB(s.connector), size, postgresBegin)
	}
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		if err := s.refuseOff(ctx, setting, allowUnsafe); err != nil {
			return err
		}
	}
	return nil
}

// refuseOff reads a setting on which durability hangs. Engines that do not know
// it have nothing to switch off.
func (s *Store) refuseOff(ctx context.Context, setting string, allow bool) error {
	var value string
	err := s.intake.db.QueryRowContext(ctx, "SHOW "+setting).Scan(&value)
	if err != nil && pq.As(err, pqerror.UndefinedObject) == nil {
		return fmt.Errorf("read %s: %w", setting, err)
	}
	if value == "off" && !allow {
		return fmt.Errorf("PostgreSQL runs with %s = off and would lose what was acknowledged: switch it on", setting)
	}
	return nil
}

// withSSLMode makes the URL's sslmode explicit, since the driver's default may
// change: prefer, and disable for this machine.
func withSSLMode(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("database_url: not a URL") // the error would show the password
	}
	q := u.Query()
	if q.Has("sslmode") {
		return dsn, nil
	}
	host := u.Hostname()
	if h := q.Get("host"); h != "" {
		host = h
	}
	mode := "prefer"
	if ip := net.ParseIP(host); host == "" || host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback() {
		mode = "disable"
	}
	q.Set("sslmode", mode)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
