package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"subfive"
	"subfive/dashboard/screens"
	"subfive/store"
)

func newUsers(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "users",
		Short: "List who may sign in to the screens; add, archive, link or change one",
		Long: `Lists who may sign in to the screens, below /admin/. An owner may do everything, a buyer everything but users
and tokens, an analyst looks at everything and changes nothing.

Who is new, or forgot a password, gets a one-time link: it works once, for 30 minutes.`,
		Example: `  subfive users
  subfive users add bob --role buyer
  subfive users link bob`,
		Args: exactly(0, "no arguments, but list, add, role, password, archive or link"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.users(c.Context(), s, json) })
		},
	}
	c.PersistentFlags().BoolVar(&json, "json", false, "one JSON object a line")
	list := &cobra.Command{Use: "list", Short: "List who may sign in, archived ones too", Example: "  subfive users list --json", Args: exactly(0, "no arguments"), RunE: c.RunE}
	c.AddCommand(list, newUserAdd(a), newUserRole(a), newUserPassword(a), newUserArchive(a), newUserLink(a))
	return c
}

func (a *app) users(ctx context.Context, s session, json bool) error {
	all, err := s.Users(ctx)
	if err != nil {
		return err
	}
	if !json && len(all) == 0 {
		fmt.Fprintln(a.stdout, "Nobody yet. \"subfive serve\" prints a link by which the first owner sets a password; so does: subfive users link")
		return nil
	}
	t := &tableWriter{w: a.stdout}
	if !json {
		if err := t.head([]string{"name", "role", "state", "zone", "signed in (utc)"}); err != nil {
			return err
		}
	}
	for _, u := range all {
		if json {
			err = writeJSONLine(a.stdout, u)
		} else {
			err = t.row([]any{u.Name, string(u.Role), userState(u), u.Zone, moment(u.SignedInAt)})
		}
		if err != nil {
			return err
		}
	}
	return t.close()
}

func userState(u subfive.User) string {
	switch {
	case !u.ArchivedAt.IsZero():
		return "archived " + moment(u.ArchivedAt) + " UTC"
	case !u.HasPassword:
		return "has no password: subfive users link " + u.Name
	}
	return "may sign in"
}

func roles() []string { return words(subfive.Roles()...) }

// roleOf reads a role.
func roleOf(s string) (subfive.Role, error) {
	if !slices.Contains(roles(), s) {
		return "", usagef("%q is no role; there are: %s", s, strings.Join(roles(), ", "))
	}
	return subfive.Role(s), nil
}

func newUserAdd(a *app) *cobra.Command {
	var role string
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user, and print the one-time link by which he sets his password",
		Long: `Adds a user, and prints the one-time link by which he sets his password: it works once, for 30 minutes. One of
that name who was archived comes back.`,
		Example: "  subfive users add bob --role buyer\n  subfive users add ann@example.com --role owner",
		Args:    exactly(1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			name, err := subfive.ParseUserName(args[0])
			if err != nil {
				return usagef("%v", err)
			}
			as, err := roleOf(role)
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error {
				u, err := s.AddUser(c.Context(), a.person(), subfive.User{ID: newID(prefixUser), Name: name, Role: as}, a.now())
				if errors.Is(err, store.ErrTaken) {
					return fmt.Errorf("%s; for another role: subfive users role %s %s", cause(err), name, role)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "user %s is added, role %s\n", u.Name, u.Role)
				return a.userLink(c.Context(), s, u)
			})
		},
	}
	c.Flags().StringVar(&role, "role", string(subfive.RoleBuyer), strings.Join(roles(), ", "))
	return c
}

// userLink prints a link by which a user sets his password.
func (a *app) userLink(ctx context.Context, s session, u subfive.User) error {
	made, err := newLink(ctx, s.Store, a.person(), subfive.LinkPassword, u.ID, operatorURL(s.file.Server, s.file.Server.Listen), a.now())
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "give %s this link to set the password; it works once, until %s UTC:\n  %s\n", u.Name, moment(made.ExpiresAt), made.URL)
	return nil
}

// withUser opens the database for fn and a user who is not archived.
func (a *app) withUser(ctx context.Context, name string, fn func(session, subfive.User) error) error {
	return a.with(ctx, func(s session) error {
		u, _, err := s.UserNamed(ctx, strings.ToLower(name))
		if err == nil && !u.ArchivedAt.IsZero() {
			return fmt.Errorf("user %s is archived; to let him in again: subfive users add %s", u.Name, u.Name)
		}
		if err == nil {
			err = fn(s, u)
		}
		if errors.Is(err, store.ErrLastOwner) {
			return fmt.Errorf("%s; make somebody an owner first: subfive users add NAME --role owner", cause(err))
		}
		return notFound(err, "see: subfive users")
	})
}

func newUserRole(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "role NAME " + strings.Join(roles(), "|"),
		Short:   "Give a user another role",
		Example: "  subfive users role bob analyst",
		Args:    exactly(2, "a name and a role"),
		RunE: func(c *cobra.Command, args []string) error {
			role, err := roleOf(args[1])
			if err != nil {
				return err
			}
			return a.withUser(c.Context(), args[0], func(s session, u subfive.User) error {
				if _, err := s.ChangeUser(c.Context(), a.person(), u.ID, store.UserChange{Role: &role}, a.now()); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "user %s has the role %s now\n", u.Name, role)
				return nil
			})
		},
	}
}

func newUserPassword(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "password NAME",
		Short: "Set a user's password, and sign him out everywhere",
		Long: `Sets a user's password, which is asked for on a terminal, and else is the first line of standard input. He is
signed out everywhere. To let him choose it himself: subfive users link NAME.`,
		Example: "  subfive users password bob\n  subfive users password bob < password.txt",
		Args:    exactly(1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withUser(c.Context(), args[0], func(s session, u subfive.User) error {
				password, err := a.askPassword(u.Name, c.InOrStdin())
				if err != nil {
					return err
				}
				if wrong := screens.CheckPassword(password, u.Name); wrong != "" {
					return usagef("%s", wrong)
				}
				hash, err := screens.NewPasswords().Hash(c.Context(), password)
				if err == nil {
					err = s.SetPassword(c.Context(), a.person(), u.ID, hash, "", a.now())
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "user %s has a new password, and is signed out everywhere\n", u.Name)
				return nil
			})
		},
	}
}

// askPassword reads a new password: from a terminal twice, without showing it.
func (a *app) askPassword(name string, from io.Reader) (string, error) {
	f, ok := from.(*os.File)
	if !ok || !terminal(f) {
		line, err := bufio.NewReader(io.LimitReader(from, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, ask := range []string{"new password of " + name + ": ", "again: "} {
		fmt.Fprint(a.stderr, ask)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two differ; nothing was changed")
	}
	return typed[0], nil
}

func newUserArchive(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "archive NAME",
		Short:   "Let a user in no more: his sessions and links end",
		Example: "  subfive users archive bob",
		Args:    exactly(1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withUser(c.Context(), args[0], func(s session, u subfive.User) error {
				if _, err := s.ArchiveUser(c.Context(), a.person(), u.ID, a.now()); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "user %s is let in no more; to undo it: subfive users add %s --role %s\n", u.Name, u.Name, u.Role)
				return nil
			})
		},
	}
}

func newUserLink(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "link [NAME]",
		Short: "Print a one-time link: a user sets his password by it, or the first owner comes in",
		Long: `Prints a one-time link that works once, for 30 minutes. With a name it is that user's, to set his password;
earlier links of his end. Without one it is for the first owner, as "subfive serve" prints it when it starts,
and there is one only as long as no owner has a password.`,
		Example: "  subfive users link\n  subfive users link bob",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes at most one name; see %s -h", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.withUser(c.Context(), args[0], func(s session, u subfive.User) error { return a.userLink(c.Context(), s, u) })
			}
			return a.with(c.Context(), func(s session) error {
				made, err := firstLink(c.Context(), s.Store, a.person(), operatorURL(s.file.Server, s.file.Server.Listen), a.now())
				if err != nil {
					return err
				}
				if made.URL == "" {
					return errors.New("an owner has a password already; name whose link you want: subfive users link NAME")
				}
				fmt.Fprintf(a.stdout, "set the first owner's password here; the link works once, until %s UTC:\n  %s\n", moment(made.ExpiresAt), made.URL)
				return nil
			})
		},
	}
}
