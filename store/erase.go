package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// StripRecord returns a journal record without the person it tells of, under
// its ID, so that it is never decided anew. What is no record becomes empty.
func StripRecord(data []byte) ([]byte, error) {
	var r subfive.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return []byte("{}"), nil //nolint:nilerr // it could not be read before either; nothing of it is kept
	}
	if r.Click != nil {
		stripClick(r.Click, true)
	}
	if r.Visit != nil {
		stripVisit(r.Visit, true)
	}
	if r.Postback != nil {
		stripPostback(r.Postback, true)
	}
	return json.Marshal(r)
}

// forgottenCode is why a forgotten person's deliveries are not sent.
const forgottenCode = "forgotten"

// Erase takes the personal data out of all rows found, ends what was still to be
// sent, and leaves a line in the audit that names nobody. Conversions, their
// money and what was delivered stay.
func (s *Store) Erase(ctx context.Context, found Traces, actor string, at time.Time) error {
	for _, step := range []func(context.Context, Traces, string, time.Time) error{s.eraseUnsent, s.eraseDocs, s.eraseRest} {
		if err := step(ctx, found, actor, at); err != nil {
			return wrap("erase", err)
		}
	}
	return s.FinishErase(ctx)
}

// eraseSetting is there from the first change of an Erase till its file is
// written anew.
const eraseSetting = "erase_unfinished"

// EraseUnfinished reports whether an Erase was cut short before the database's
// file was written anew: FinishErase does that.
func (s *Store) EraseUnfinished(ctx context.Context) (bool, error) {
	value, err := s.setting(ctx, eraseSetting)
	return value != "", wrap("look for an unfinished erase", err)
}

// FinishErase writes a SQLite file anew; PostgreSQL does by itself what is like
// it.
func (s *Store) FinishErase(ctx context.Context) error {
	if s.dialect == dialectPostgres {
		return nil
	}
	if err := s.rewrite(ctx); err != nil {
		return wrap("erase: write the database's file anew", err)
	}
	return wrap("erase", s.write(ctx, s.intake, func(t *tx) error {
		_, err := t.exec(ctx, "erase is finished", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("settings").Where(b.EQ("name", ""))
			return text(b)
		}, eraseSetting)
		return err
	}))
}

const (
	// vacuumTimeout bounds how long writing the file anew may take.
	vacuumTimeout = time.Hour
	// checkpointTries is how often it is tried to empty the write-ahead log, which
	// a reader may keep.
	checkpointTries = 10
)

// rewrite writes the SQLite file anew: rows that moved have left copies in the
// free parts of pages, which no other way reaches. Writers wait meanwhile; what
// comes in is kept in the journal.
func (s *Store) rewrite(ctx context.Context) error {
	return s.single(ctx, s.intake, func(t *tx) error {
		if err := t.command(ctx, vacuumTimeout, "VACUUM"); err != nil {
			return err
		}
		for try := 1; ; try++ {
			var busy, pages, moved int
			err := t.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
			if err != nil || busy == 0 {
				return err
			}
			if try == checkpointTries {
				return errors.New("the write-ahead log is in use and still holds what was there; do it again")
			}
			if err := pause(ctx, try); err != nil {
				return err
			}
		}
	})
}

// eraseUnsent comes first: a worker must not read what is about to go.
func (s *Store) eraseUnsent(ctx context.Context, found Traces, _ string, _ time.Time) error {
	return s.write(ctx, s.outbox, func(t *tx) error {
		if s.dialect == dialectSQLite {
			if err := t.putSetting(ctx, eraseSetting, "1"); err != nil {
				return err
			}
		}
		var ids []string
		if err := t.queryIn(ctx, "forget unsent", nil, found.Deliveries, func(ids []any) string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("outbox").Where(b.In("delivery_id", ids...),
				"delivery_id IN (SELECT d.delivery_id FROM deliveries d WHERE d.delivery_id = outbox.delivery_id AND d.status = 'scheduled')").Returning("delivery_id")
			return text(b)
		}, collect(&ids)); err != nil {
			return err
		}
		if err := t.skip(ctx, ids, forgottenCode, "the person asked to be forgotten before it was sent"); err != nil {
			return err
		}
		return t.skipFollowers(ctx, ids)
	})
}

// eraseBatch is how many rows one transaction of Erase changes.
const eraseBatch = 100

func (s *Store) eraseDocs(ctx context.Context, found Traces, _ string, _ time.Time) error {
	for _, of := range []struct {
		table, set string
		ids        []string
		strip      func([]byte) ([]byte, error)
	}{
		{"clicks", "kept = 0, version = version + 1, visitor_id = '', platform_click = 0", found.Clicks, func(doc []byte) ([]byte, error) {
			return restyle(doc, func(c *subfive.Click) { stripClick(c, true) })
		}},
		{"visits", "kept = 0", found.Visits, func(doc []byte) ([]byte, error) {
			return restyle(doc, func(v *subfive.Visit) { stripVisit(v, true) })
		}},
		{"postbacks", "kept = 0", found.Postbacks, func(doc []byte) ([]byte, error) {
			return restyle(doc, func(p *subfive.Postback) { stripPostback(p, true) })
		}},
		{"conversions", "kept = 0, version = version + 1", found.Conversions, func(doc []byte) ([]byte, error) {
			return restyle(doc, func(c *subfive.Conversion) { stripConversion(c, true) })
		}},
	} {
		for ids := range slices.Chunk(of.ids, eraseBatch) {
			err := s.write(ctx, s.intake, func(t *tx) error {
				for _, id := range ids {
					if err := t.eraseDoc(ctx, of.table, of.set, id, of.strip); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) eraseDoc(ctx context.Context, table, set, id string, strip func([]byte) ([]byte, error)) error {
	// Whoever changes the row at this moment is waited for: his change is stripped too.
	if _, err := t.exec(ctx, "lock "+table, func() string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update(table).Set("kept = kept").Where(b.EQ(keyOf(table), ""))
		return text(b)
	}, id); err != nil {
		return err
	}
	var doc []byte
	err := t.row(ctx, "doc of "+table, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("doc").From(table).Where(b.EQ(keyOf(table), ""))
		return text(b)
	}, []any{id}, &doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // retention was faster
	}
	if err != nil {
		return err
	}
	stripped, err := strip(doc)
	if err != nil {
		return fmt.Errorf("%s %s: %w", table, id, err)
	}
	_, err = t.exec(ctx, "erase "+table, func() string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update(table).Set(b.Assign("doc", ""), set).Where(b.EQ(keyOf(table), ""))
		return text(b)
	}, string(stripped), id)
	return err
}

// eraseRest empties what was captured and what could not be stored.
func (s *Store) eraseRest(ctx context.Context, found Traces, actor string, at time.Time) error {
	auditID := rand.Text()
	return s.write(ctx, s.intake, func(t *tx) error {
		if err := t.stripPages(ctx, found.Conversions); err != nil {
			return err
		}
		if err := t.execIn(ctx, "erase attempts", nil, found.Attempts, func(ids []any) string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("attempts").Set("request_body = ''", "request_header = ''", "answer_body = ''", "answer_header = ''", "message = ''",
				"url = CASE WHEN url LIKE '%?%' THEN '' ELSE url END").Where(b.In("attempt_id", ids...))
			return text(b)
		}); err != nil {
			return err
		}
		if err := t.execIn(ctx, "erase items", nil, found.Deliveries, func(ids []any) string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("attempt_items").Set("item_message = ''").Where(b.In("delivery_id", ids...))
			return text(b)
		}); err != nil {
			return err
		}
		for _, where := range found.Broken {
			segment, pos, _ := strings.Cut(where, ":")
			n, err := strconv.ParseInt(pos, 10, 64)
			if err != nil {
				return fmt.Errorf("broken record %s: %w", where, err)
			}
			if _, err := t.exec(ctx, "erase broken", func() string {
				b := s.flavor.NewUpdateBuilder()
				b.Update("broken_records").Set("data = ''").Where(b.EQ("segment", ""), b.EQ("pos", 0))
				return text(b)
			}, segment, n); err != nil {
				return err
			}
		}
		subject := fmt.Sprintf("%d clicks, %d postbacks, %d conversions", len(found.Clicks), len(found.Postbacks), len(found.Conversions))
		id := subfive.DeriveID("au_", "forget", auditID)
		return t.audit(ctx, []Audit{{ID: id, At: at, Actor: actor, Action: "forget", Subject: subject}})
	})
}
