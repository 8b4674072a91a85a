package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

func newTokens(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "tokens",
		Short: "List the tokens of the REST API; add or revoke one",
		Long: `Lists the tokens of the REST API, beside admin.token of the file. A token of scope read looks at everything,
write changes what a buyer may, owner everything. The audit names the token that was used.`,
		Example: `  subfive tokens
  subfive tokens add nightly-export --scope read
  subfive tokens revoke ID`,
		Args: exactly(0, "no arguments, but list, add or revoke"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.tokens(c.Context(), s, json) })
		},
	}
	c.PersistentFlags().BoolVar(&json, "json", false, "one JSON object a line")
	list := &cobra.Command{Use: "list", Short: "List the tokens, revoked ones too", Example: "  subfive tokens list --json", Args: exactly(0, "no arguments"), RunE: c.RunE}
	c.AddCommand(list, newTokenAdd(a), newTokenRevoke(a))
	return c
}

func (a *app) tokens(ctx context.Context, s session, json bool) error {
	all, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	if !json && len(all) == 0 {
		fmt.Fprintln(a.stdout, "No token yet, but admin.token of the file, which may do everything. To add one: subfive tokens add NAME --scope read")
		return nil
	}
	t := &tableWriter{w: a.stdout}
	if !json {
		if err := t.head([]string{"id", "name", "scope", "ends in", "by", "made (utc)", "used (utc)", "revoked (utc)"}); err != nil {
			return err
		}
	}
	for _, v := range all {
		if json {
			err = writeJSONLine(a.stdout, v)
		} else {
			err = t.row([]any{v.ID, v.Name, string(v.Scope), v.Last4, v.CreatedBy, moment(v.CreatedAt), moment(v.LastUsedAt), moment(v.RevokedAt)})
		}
		if err != nil {
			return err
		}
	}
	return t.close()
}

func newTokenAdd(a *app) *cobra.Command {
	scopes := words(subfive.Scopes()...)
	var scope string
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Make a token, and print its secret, this once",
		Example: "  subfive tokens add nightly-export --scope read",
		Args:    exactly(1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			name, err := subfive.ParseUserName(args[0])
			if err != nil {
				return usagef("%v", err)
			}
			if !slices.Contains(scopes, scope) {
				return usagef("%q is no scope; there are: %s", scope, strings.Join(scopes, ", "))
			}
			return a.with(c.Context(), func(s session) error {
				t, secret, err := newToken(c.Context(), s.Store, a.person(), name, subfive.Scope(scope), a.now())
				if errors.Is(err, store.ErrTaken) {
					return fmt.Errorf("%s; take another, or revoke that one: subfive tokens", cause(err))
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "token %s (%s) may %s; it is shown this once:\n  %s\nto try it:\n  curl -H \"Authorization: Bearer %s\" %s/api/v1/session\n",
					t.Name, t.ID, t.Scope, secret, secret, operatorURL(s.file.Server, s.file.Server.Listen))
				return nil
			})
		},
	}
	c.Flags().StringVar(&scope, "scope", string(subfive.ScopeRead), strings.Join(scopes, ", "))
	return c
}

func newTokenRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "Revoke a token: whoever has it is let in no more",
		Example: "  subfive tokens revoke ID",
		Args:    exactly(1, "one token's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				t, err := s.RevokeToken(c.Context(), a.person(), args[0], a.now())
				if err != nil {
					return notFound(err, "see: subfive tokens")
				}
				fmt.Fprintf(a.stdout, "token %s opens nothing any more\n", t.Name)
				return nil
			})
		},
	}
}
