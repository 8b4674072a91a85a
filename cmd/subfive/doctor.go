package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/everflow"
)

// doctorFlags are the flags of the doctor and of its commands.
type doctorFlags struct {
	macros  string
	json    bool
	offline bool
}

func newDoctor(a *app) *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Say what is wrong with the set-up, the traffic, or a postback URL, and what to fix where",
		Long: `With a URL: examines a postback URL before it is saved, or one that arrived: a query, a request line, a line of
an access log, a curl command, as they are copied. Put it in single quotes, or give - and paste it into standard
input. Nothing is fetched or sent. Each finding says where the fix belongs: at the link that visitors click, at the
postback in Everflow's form, or at this tracker. Macros are judged by a catalogue: a file macros.tsv in the data
folder, or --macros FILE, adds to it and changes it.

Without one: checks the file, the last 24 hours of traffic, the destinations, and how the public URL answers.

Exit status 1 means that something is to be fixed.`,
		Example: `  subfive doctor 'https://trk.example.com/conversion?click_id={Sub5}&payout={payout}'
  pbpaste | subfive doctor -
  subfive doctor --json
  subfive doctor link https://trk.example.com/c/spring`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.checkUp(c.Context(), f)
			}
			text := strings.Join(args, " ")
			if text == "-" {
				data, err := io.ReadAll(io.LimitReader(c.InOrStdin(), 64<<10))
				if err != nil {
					return fmt.Errorf("read standard input: %w", err)
				}
				text = string(data)
			} else if strings.Contains(text, "?") && !strings.Contains(text, "&") {
				fmt.Fprintln(a.stderr, "one parameter came in: put the URL in single quotes, or the shell cuts it at the first &")
			}
			return a.examine(c.Context(), text, f)
		},
	}
	c.PersistentFlags().BoolVar(&f.json, "json", false, "one JSON object")
	c.Flags().StringVar(&f.macros, "macros", "", "a file of macros, instead of macros.tsv in the data folder")
	c.Flags().BoolVar(&f.offline, "offline", false, "do not call the public URL")
	c.AddCommand(newDoctorLink(a, &f))
	return c
}

// macrosName is the file in the data folder that amends the catalogue.
const macrosName = "macros.tsv"

// catalogue is the shipped one, amended by the file at path, or by that of the
// data folder where path is "".
func catalogue(path, dataDir string) ([]everflow.Macro, error) {
	named := path != ""
	if !named {
		path = filepath.Join(dataDir, macrosName)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return everflow.Catalogue(), nil
	}
	if err != nil {
		return nil, usageError{err}
	}
	changes, err := everflow.ParseCatalogue(string(text))
	if err != nil {
		return nil, usagef("%s: %w; write name, confidence and what it gives, separated by one tab", path, err)
	}
	return everflow.Amend(everflow.Catalogue(), changes), nil
}

// examine examines what a person pasted.
func (a *app) examine(ctx context.Context, text string, flags doctorFlags) error {
	f, err := a.file()
	if err != nil {
		return err
	}
	macros, err := catalogue(flags.macros, f.Server.DataDir)
	if err != nil {
		return err
	}
	d := everflow.NewDoctor(siteOf(f, a.knownSetup(ctx, f), macros)).Examine(text)
	if flags.json {
		if err := writeJSON(a.stdout, d); err != nil {
			return err
		}
	} else {
		p := &page{}
		p.diagnosis(d)
		fmt.Fprint(a.stdout, p)
	}
	return toFix(d.Findings)
}

// toFix is the error that ends a command which found something to fix.
func toFix(findings []everflow.Finding) error {
	n := 0
	for _, f := range findings {
		if f.Severity != everflow.SeverityNote {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("doctor: %s to fix", count(n, "thing", "things"))
}

// knownSetup is the database's setup where there is a database, else the
// file's.
func (a *app) knownSetup(ctx context.Context, f config.File) subfive.Setup {
	setup := f.Setup
	if f.Server.DatabaseURL != "" || exists(filepath.Join(f.Server.DataDir, "subfive.db")) {
		err := a.with(ctx, func(s session) error {
			stored, err := s.Setup(ctx)
			if err == nil {
				setup = stored
			}
			return err
		})
		if err != nil {
			fmt.Fprintf(a.stderr, "the database does not answer, so the file's setup is taken: %v\n", err)
		}
	}
	return a.withKeys(setup)
}

// withKeys fills in the references of a setup, as far as this shell can.
func (a *app) withKeys(setup subfive.Setup) subfive.Setup {
	if resolved, err := config.Resolve(setup, a.env); err == nil {
		return resolved
	}
	endpoints, err := config.Resolve(subfive.Setup{Endpoints: setup.Endpoints}, a.env)
	if err == nil {
		setup.Endpoints = endpoints.Endpoints
	}
	return setup
}

// unresolved reports whether a key names a variable that this shell has not.
func unresolved(key string) bool { return strings.Contains(key, "${") }

// siteOf is what the doctor must know of this tracker.
func siteOf(f config.File, setup subfive.Setup, macros []everflow.Macro) everflow.Site {
	s := everflow.Site{PublicURL: f.Server.PublicURL, Offers: setup.Offers, Macros: macros}
	for _, e := range setup.Endpoints {
		if unresolved(e.Key) {
			e.Key = "" // it can't be told from a wrong one
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	for _, d := range f.Server.Domains {
		if d.Role != config.RoleAdmin {
			s.Hosts = append(s.Hosts, d.Host)
		}
	}
	return s
}

func (p *page) diagnosis(d everflow.Diagnosis) {
	what := "POSTBACK URL"
	if d.Form == everflow.FormCaptured {
		what = "CAPTURED POSTBACK"
	}
	p.title(what)
	p.line("read as", d.URL)
	if len(d.Findings) == 0 {
		p.line("found", "nothing wrong")
	}
	p.findings(d.Findings)
	if d.Corrected == "" {
		return
	}
	p.title("PASTE THIS INSTEAD")
	p.block(d.Corrected, 0)
	if strings.Contains(d.Corrected, "="+subfive.Hidden) {
		p.line("", "The key is hidden here; subfive postback-url prints the URL with it.")
	}
}

func (p *page) findings(all []everflow.Finding) {
	for _, f := range all {
		p.title(strings.ToUpper(string(f.Severity)) + " " + joined(", ", f.Code, f.Where))
		p.line("what", f.What)
		p.line("why", f.Why)
		p.line("fix", f.Fix+" ("+string(f.Level)+" level)")
		p.line("see", f.See)
	}
}
