package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"subfive/store"
)

func newMigrate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Make the database, or bring its schema and views up to date",
		Long: `Brings the database's schema and views up to date, and makes it if there is none. serve does the same at its
start: this is for those who want it done before, or by another role. Doing it twice changes nothing.`,
		Example: `  subfive migrate
  SUBFIVE_DATABASE_URL=postgres://user:password@db/subfive subfive migrate`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.file()
			if err != nil {
				return err
			}
			if f.Server.DatabaseURL == "" {
				if err := os.MkdirAll(f.Server.DataDir, 0o700); err != nil {
					return fmt.Errorf("make the data folder: %w; name another with --data-dir", err)
				}
			}
			st, err := store.Open(c.Context(), dsn(f.Server)) // brings it up to date
			if err != nil {
				return err
			}
			where := databaseName(f.Server)
			if f.Server.DatabaseURL == "" {
				where += " in " + f.Server.DataDir
			}
			_, err = fmt.Fprintf(a.stdout, "the schema is up to date: %s\n", where)
			return errors.Join(err, st.Close())
		},
	}
}
