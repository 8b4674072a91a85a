package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"subfive"
)

// failure is what an error means for the transaction that met it.
type failure string

const (
	failNone       failure = "none"
	failOurs       failure = "ours"       // fn's own: the connection is fine
	failData       failure = "data"       // the values are refused
	failAgain      failure = "again"      // run it again
	failConnection failure = "connection" // the connection is gone
	failOther      failure = "other"
)

// brokenError is fn's error after which not even a rollback was possible.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

func classify(err error) failure {
	if err == nil {
		return failNone
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return classifyPostgres(e.Code)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(e.Code())
	}
	if _, ok := errors.AsType[net.Error](err); ok ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return failConnection
	}
	if _, ok := errors.AsType[*brokenError](err); ok {
		return failConnection
	}
	if errors.Is(err, errBadValue) {
		return failData
	}
	for _, ours := range []error{subfive.ErrConflict, subfive.ErrNotFound, sql.ErrNoRows, errUnchanged, ErrFromFile, ErrHistory, ErrLastOwner, ErrTaken, subfive.ErrLinkOver} {
		if errors.Is(err, ours) {
			return failOurs
		}
	}
	return failOther // a canceled context too: the statement may still be running
}

// classifyPostgres goes by the code's class:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func classifyPostgres(code pqerror.Code) failure {
	switch code {
	case pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected, pqerror.LockNotAvailable:
		return failAgain
	case pqerror.TRStatementCompletionUnknown, pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow:
		return failConnection
	}
	if len(code) < 2 {
		return failOther
	}
	switch code[:2] {
	case "08": // connection exception
		return failConnection
	case "21", "22", "23", "54": // cardinality, data, integrity constraint, program limit (an index row too long)
		return failData
	}
	return failOther
}

func classifySQLite(code int) failure {
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return failAgain
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return failData
	}
	return failOther
}

// Down reports whether err says that the database can't be reached or asked for
// now, so that the same call may succeed later.
func Down(err error) bool {
	switch classify(err) {
	case failNone, failOurs, failData:
		return false
	case failAgain, failConnection:
		return true
	case failOther:
		return errors.Is(err, context.DeadlineExceeded)
	}
	return false
}
