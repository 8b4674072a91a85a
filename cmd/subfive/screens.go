package main

import (
	"cmp"
	"net/http"
	"strings"

	"subfive/dashboard/screens"
	"subfive/receiver"
	"subfive/store"
)

// newScreens wires the pages to the REST API and to the accounts.
func newScreens(t *tracker) *screens.Screens {
	return screens.New(screens.Config{
		API: t.admin, Accounts: t.accounts, Passwords: screens.NewPasswords(), NewID: func() string { return newID(prefixUser) },
		Client: receiver.Client(t.file.Server.TrustedProxies), Currency: cmp.Or(t.file.Server.Reporting.Currency, store.DefaultCurrency),
		Log: t.log, Now: t.app.now, Zone: t.zone,
	})
}

// accounts are the database's, once it has answered.
func (t *tracker) accounts() (screens.Accounts, error) {
	if st := t.store.Load(); st != nil {
		return st, nil
	}
	return nil, errNoDatabase
}

// screenPath reports whether a path is a page's.
func screenPath(path string) bool {
	return path == screens.Root || strings.HasPrefix(path, screens.Root+"/")
}

// operatorHandler answers the operator: the pages, the REST API, the metrics.
func (t *tracker) operatorHandler() http.Handler {
	pages, api := t.screens.Handler(), t.admin.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case screenPath(r.URL.Path):
			pages.ServeHTTP(w, r)
		case r.URL.Path == "/" && r.Method == http.MethodGet:
			http.Redirect(w, r, screens.Root+"/", http.StatusSeeOther)
		default:
			api.ServeHTTP(w, r)
		}
	})
}
