package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

//go:embed views/*.sql
var viewFiles embed.FS

// viewNames are the views in the order in which they can be created: a view
// comes after those it reads.
func viewNames() []string {
	return []string{
		"v_clicks", "v_clicks_private", "v_visits", "v_postbacks", "v_conversions", "v_conversion_changes",
		"v_deliveries", "v_attempts", "v_attempt_items", "v_daily", "v_cohort", "v_match_quality", "v_touchpoints",
	}
}

// privateView is the one the analyst's role does not read.
const privateView = "v_clicks_private"

// analystRole may read the views on PostgreSQL, once somebody created it.
const analystRole = "subfive_analyst"

// viewsSetting is the settings row that holds the fingerprint of the views'
// texts.
const viewsSetting = "views"

// viewText returns the statement that creates a view.
func (s *Store) viewText(name string) (string, error) {
	file, err := viewFiles.ReadFile("views/" + name + ".sql")
	if err != nil {
		return "", err
	}
	tpl, err := template.New(name).Option("missingkey=error").Funcs(s.viewFuncs()).Parse(string(file))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := tpl.Execute(&b, nil); err != nil {
		return "", err
	}
	return b.String(), nil
}

// viewFuncs are the words in which the two databases differ.
func (s *Store) viewFuncs() template.FuncMap {
	funcs := template.FuncMap{
		"time":     sqliteTime,
		"decimal":  func(micros string) string { return "((" + micros + ") / 1000000.0)" },
		"micros":   func(text string) string { return "CAST(round((" + text + ") * 1000000) AS INTEGER)" },
		"json":     sqliteJSON,
		"jsontime": func(doc string, path ...string) string { return sqliteFormat(sqliteJSON(doc, path...)) },
		"jsonbool": func(doc string, path ...string) string { return "coalesce(" + sqliteJSON(doc, path...) + ", 0)" },
		"jsonint":  sqliteJSON,
		"host":     sqliteHost,
	}
	if s.dialect == dialectPostgres {
		funcs = template.FuncMap{
			"time":     func(ms string) string { return "to_timestamp(nullif(" + ms + ", 0) / 1000.0)" },
			"decimal":  func(micros string) string { return "round((" + micros + ")::numeric / 1000000, 6)" },
			"micros":   func(text string) string { return "((" + text + ")::numeric * 1000000)::bigint" },
			"json":     postgresJSON,
			"jsontime": func(doc string, path ...string) string { return postgresJSON(doc, path...) + "::timestamptz" },
			"jsonbool": func(doc string, path ...string) string {
				return "(CASE WHEN " + postgresJSON(doc, path...) + " = 'true' THEN 1 ELSE 0 END)"
			},
			"jsonint": func(doc string, path ...string) string { return postgresJSON(doc, path...) + "::bigint" },
			"host":    func(url string) string { return "substring(" + url + " from '^[A-Za-z]+://([^/?#]+)')" },
		}
	}
	json := funcs["json"].(func(string, ...string) string)
	funcs["has"] = func(doc string, path ...string) string {
		return "(CASE WHEN coalesce(" + json(doc, path...) + ", '') = '' THEN 0 ELSE 1 END)"
	}
	maps.Copy(funcs, s.fxFuncs())
	funcs["subs"] = subNames
	funcs["tokens"] = tokenNames
	funcs["family"] = func(addr string) string {
		return "(CASE WHEN " + addr + " LIKE '%:%' THEN 6 WHEN " + addr + " LIKE '%.%' THEN 4 END)"
	}
	return funcs
}

// subNames are the columns for what a postback brought in sub1…sub10.
func subNames() []string {
	names := make([]string, 10)
	for i := range names {
		names[i] = "sub" + strconv.Itoa(i+1)
	}
	return names
}

// tokenNames are the columns for a source's own parameters, p1…p20.
func tokenNames() []string {
	names := make([]string, 20)
	for i := range names {
		names[i] = "p" + strconv.Itoa(i+1)
	}
	return names
}

// sqliteHost cuts the host out of a URL: what is between :// and the first of
// / ? #.
func sqliteHost(url string) string {
	rest := "substr(" + url + ", instr(" + url + ", '://') + 3)"
	end := "instr(replace(replace(" + rest + ", '?', '/'), '#', '/') || '/', '/')"
	return "(CASE WHEN instr(" + url + ", '://') > 0 THEN substr(" + rest + ", 1, " + end + " - 1) END)"
}

func sqliteTime(ms string) string {
	return "strftime('%Y-%m-%dT%H:%M:%fZ', nullif(" + ms + ", 0) / 1000.0, 'unixepoch')"
}

func sqliteFormat(text string) string { return "strftime('%Y-%m-%dT%H:%M:%fZ', " + text + ")" }

func sqliteJSON(doc string, path ...string) string {
	return "json_extract(" + doc + `, '$."` + strings.Join(path, `"."`) + `"')`
}

// postgresJSON reads a text at a path. A text from outside may hold a NUL,
// which JSON can write and PostgreSQL can't read: one would fail every report.
func postgresJSON(doc string, path ...string) string {
	return "(replace(" + doc + `, '\u0000', '\ufffd')::json #>> '{` + strings.Join(path, ",") + "}')"
}

// createViews drops and makes the views when their text is another than the
// database has.
func (s *Store) createViews(ctx context.Context) error {
	var statements []string
	names := viewNames()
	for _, name := range slices.Backward(names) {
		statements = append(statements, "DROP VIEW IF EXISTS "+name)
	}
	for _, name := range names {
		text, err := s.viewText(name)
		if err != nil {
			return err
		}
		statements = append(statements, text)
	}
	sum := sha256.Sum256([]byte(strings.Join(statements, "\x00")))
	mark := hex.EncodeToString(sum[:])
	have, err := s.setting(ctx, viewsSetting)
	if err != nil {
		return err
	}
	if have == mark {
		return s.grantLater(ctx, mark)
	}
	return s.write(ctx, s.screens, func(t *tx) error {
		// Of two processes one waits here: PostgreSQL refuses to create the same
		// thing twice at once.
		if err := t.putSetting(ctx, viewsSetting, mark); err != nil {
			return err
		}
		for _, text := range statements {
			if err := t.command(ctx, statementTimeout, text); err != nil {
				return fmt.Errorf("%s: %w", strings.SplitN(text, "\n", 2)[0], err)
			}
		}
		return s.grantViews(ctx, t)
	})
}

// publicViews are those that the analyst's role reads.
func publicViews() []string {
	return slices.DeleteFunc(viewNames(), func(v string) bool { return v == privateView })
}

// grantLater is grantViews for a role that was created after the views.
func (s *Store) grantLater(ctx context.Context, mark string) error {
	lacks := false
	err := s.read(ctx, s.screens, func(t *tx) (err error) {
		lacks, err = s.analystLacks(ctx, t)
		return err
	})
	if err != nil || !lacks {
		return err
	}
	return s.write(ctx, s.screens, func(t *tx) error {
		// Of two processes one waits here: PostgreSQL refuses to grant the same
		// thing twice at once.
		if err := t.putSetting(ctx, viewsSetting, mark); err != nil {
			return err
		}
		return s.grantViews(ctx, t)
	})
}

// grantViews lets the analyst's role read the views, if there is such a role.
func (s *Store) grantViews(ctx context.Context, t *tx) error {
	lacks, err := s.analystLacks(ctx, t)
	if err != nil || !lacks {
		return err
	}
	return t.command(ctx, statementTimeout, "GRANT SELECT ON "+strings.Join(publicViews(), ", ")+" TO "+analystRole)
}

// analystLacks reports whether there is an analyst's role that may not read all
// that it should. SQLite has no roles.
func (s *Store) analystLacks(ctx context.Context, t *tx) (bool, error) {
	if s.dialect != dialectPostgres {
		return false, nil
	}
	var one int
	err := t.row(ctx, "analyst role", func() string {
		sb := s.flavor.NewSelectBuilder()
		var lacks []string
		for _, view := range publicViews() {
			lacks = append(lacks, "NOT has_table_privilege(rolname, '"+view+"', 'SELECT')")
		}
		sb.Select("1").From("pg_roles").Where(sb.Equal("rolname", ""), sb.Or(lacks...))
		text, _ := sb.Build()
		return text
	}, []any{analystRole}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// setting reads one row of settings; "" when there is none.
func (s *Store) setting(ctx context.Context, name string) (value string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		value, err = s.settingIn(ctx, t, name)
		return err
	})
	return value, err
}

func (s *Store) settingIn(ctx context.Context, t *tx, name string) (value string, err error) {
	err = t.row(ctx, "setting", func() string {
		sb := s.flavor.NewSelectBuilder()
		sb.Select("value").From("settings").Where(sb.Equal("name", ""))
		text, _ := sb.Build()
		return text
	}, []any{name}, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}
