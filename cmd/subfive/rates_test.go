package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestImportRates(t *testing.T) {
	const all = "2026-11-20,EUR,1.0521\n2026-11-19,EUR,1.05\n"
	tests := map[string]struct {
		text  string
		flags []string
		code  int
		says  string
		kept  int
	}{
		"a plain table":    {"date,currency,rate\n" + all, nil, exitDone, "2 rates of 2 days imported, from 2026-11-19 to 2026-11-20", 2},
		"a dry run":        {"date,currency,rate\n" + all, []string{"--dry-run"}, exitDone, "2 rates of 2 days can be read; nothing was recorded", 0},
		"since":            {"date,currency,rate\n" + all, []string{"--since", "2026-11-20"}, exitDone, "1 rate of 1 day imported, from 2026-11-20 to 2026-11-20", 1},
		"since, in days":   {"date,currency,rate\n" + all, []string{"--since", "24h"}, exitDone, "2 rates of 2 days imported", 2},
		"none since":       {"date,currency,rate\n" + all, []string{"--since", "2027-01-01"}, exitFailed, "no rate was found", 0},
		"a bad row":        {"date,currency,rate\n2026-11-20,EUR,x\n" + all, nil, exitFailed, "1 row rejected", 2},
		"slashes":          {"date,currency,rate\n03/04/2026,EUR,1.1\n", []string{"--dates", "dmy"}, exitDone, "from 2026-04-03 to 2026-04-03", 1},
		"bad dates":        {"", []string{"--dates", "x"}, exitUsage, "there is mdy", 0},
		"bad since":        {"", []string{"--since", "x"}, exitUsage, "--since x", 0},
		"another table":    {"a,b\n1,2\n", nil, exitUsage, "no table of rates", 0},
		"no reporting one": {"Date,GBP,\n2026-11-20,0.83,\n", nil, exitFailed, "no rate was found", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCommands(t)
			out, errs := c.run(tt.code, append([]string{"import", "rates", c.write("rates.csv", tt.text)}, tt.flags...)...)
			if !strings.Contains(out+errs, tt.says) {
				t.Errorf("it says %s%s", out, errs)
			}
			c.with(func(s session, _ *app) error {
				rates, err := s.Rates(t.Context(), "", "", 100)
				if len(rates) != tt.kept {
					t.Errorf("kept %v", rates)
				}
				return err
			})
		})
	}
}

// A fetched table is kept; what is none, or comes from where only this machine
// should reach, is an error that names no more than the host.
func TestFetchRates(t *testing.T) {
	table, err := os.ReadFile("../../costs/testdata/ecb_daily.csv")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/s3cret/rates":
			_, _ = w.Write(table)
		case "/s3cret/moved":
			http.Redirect(w, r, "/s3cret/rates", http.StatusFound)
		case "/s3cret/round":
			http.Redirect(w, r, "/s3cret/round", http.StatusFound)
		case "/s3cret/page":
			_, _ = w.Write([]byte("<html></html>"))
		case "/s3cret/broken":
			_, _ = w.Write([]byte("date,currency,rate\n2026-11-20,EUR,1.0521\n2026-11-20,GBP,x\n"))
		case "/s3cret/other":
			_, _ = w.Write([]byte("Date,GBP\n2026-11-20,0.83\n"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	tests := map[string]struct {
		path, err string
		kept      int
	}{
		"a table":         {"/s3cret/rates", "", 3},
		"moved":           {"/s3cret/moved", "", 3},
		"round in circle": {"/s3cret/round", "answered 302", 0},
		"not there":       {"/s3cret/none", "answered 404", 0},
		"a page":          {"/s3cret/page", "no table of rates", 0},
		"one bad row":     {"/s3cret/broken", "1 row can't be read, the first: line 3, column rate", 1},
		"no dollar":       {"/s3cret/other", "has no rate to USD", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCommands(t)
			c.now = time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
			c.with(func(s session, a *app) error {
				f := rateFetcher{st: s.Store, reporting: "USD", now: a.now, client: ratesClient(server.URL)}
				defer f.client.CloseIdleConnections()
				kept, err := f.fetch(t.Context(), server.URL+tt.path)
				if kept != tt.kept || (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret")) {
					t.Errorf("kept %d, %v", kept, err)
				}
				rates, err := s.Rates(t.Context(), "", "", 100)
				if len(rates) != tt.kept {
					t.Errorf("in the database: %v", rates)
				}
				return err
			})
		})
	}
	f := rateFetcher{reporting: "USD", now: time.Now, client: ratesClient("https://rates.example.com")}
	if _, err := f.fetch(t.Context(), server.URL+"/s3cret/rates"); err == nil || !strings.Contains(err.Error(), "private or local address") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a local address that nobody wrote: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f.client = ratesClient(server.URL)
	if _, err := f.fetch(ended, server.URL+"/s3cret/rates"); err == nil {
		t.Error("fetched after the end")
	}
}
