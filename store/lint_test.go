package store

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What works on one database only, or not behind a pooler, or hides a value in
// the text.
var forbidden = map[string]*regexp.Regexp{
	"a builder without the store's flavor": regexp.MustCompile(`sqlbuilder\.(New|Select\b|Update\b|InsertInto|DeleteFrom|CreateTable\b|DefaultFlavor|MySQL)`),
	"row locks":                            regexp.MustCompile(`(?i)\bFOR (UPDATE|SHARE|NO KEY)|SKIP LOCKED|ForUpdate|SkipLocked`),
	"a volatile function":                  regexp.MustCompile(`(?i)\b(now|current_timestamp|clock_timestamp|random|gen_random_uuid|datetime|unixepoch)\s*\(|\bcurrent_(timestamp|date|time)\b`),
	"LISTEN and NOTIFY":                    regexp.MustCompile(`\b(LISTEN|NOTIFY)\b|pg_notify`),
	"an advisory lock":                     regexp.MustCompile(`(?i)pg_(try_)?advisory`),
	"a sequence":                           regexp.MustCompile(`(?i)\b(BIG)?SERIAL\b|AUTOINCREMENT|\bnextval\b|GENERATED .* IDENTITY`),
	"a trigger, enum or procedure":         regexp.MustCompile(`(?i)CREATE (TRIGGER|TYPE|FUNCTION|PROCEDURE)`),
	"session state":                        regexp.MustCompile(`(?i)\bSET (SESSION|TIME ZONE)|CREATE TEMP`),
	"a clock":                              regexp.MustCompile(`\btime\.(Now|Since|Until)\(`),
}

// comments of Go and of SQL.
var comment = regexp.MustCompile(`(?m)^\s*//.*$|--.*$`)

func TestSQLIsPortable(t *testing.T) {
	t.Parallel()
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		code := comment.ReplaceAllString(string(b), "")
		for what, bad := range forbidden {
			if path == "clock.go" && what == "a volatile function" {
				continue // the database's clock is what it reads, and nothing is decided by it
			}
			for _, hit := range bad.FindAllString(code, -1) {
				t.Errorf("%s: %s: %s", path, what, hit)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLintCanFail(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"sqlbuilder.NewSelectBuilder()", "SELECT 1 FROM t FOR UPDATE", "now()", "LISTEN x", "pg_advisory_lock(1)", "id BIGSERIAL",
		"CREATE TRIGGER x", "SET TIME ZONE 'UTC'", "time.Now()",
	} {
		found := false
		for _, f := range forbidden {
			found = found || f.MatchString(bad)
		}
		if !found {
			t.Errorf("%s is let pass", bad)
		}
	}
}

// Both databases have the same tables, columns and indexes.
func TestMigrationsAreInStep(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	storage := regexp.MustCompile(`\) WITH(OUT ROWID| \([^)]*\));`)
	for _, f := range files {
		postgres, err := migrations.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sqlite, err := migrations.ReadFile(strings.Replace(f, "postgres", "sqlite", 1))
		if err != nil {
			t.Fatal(err)
		}
		fields := func(text string) []string {
			return strings.Fields(strings.ReplaceAll(storage.ReplaceAllString(text, ");"), "BIGINT", "INTEGER"))
		}
		same(t, f, fields(string(postgres)), fields(string(sqlite)))
	}
}

// Each column of a view has its comment, and a view without one is not there.
func TestViewsAreDocumented(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(viewFiles, "views/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "views/"), ".sql")
		names = append(names, name)
		b, err := viewFiles.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(b), "-- One row is") {
			t.Errorf("%s does not say what one row is", f)
		}
		body, _, _ := strings.Cut(string(b), "\nFROM ")
		_, body, _ = strings.Cut(body, "\nSELECT\n")
		for line := range strings.SplitSeq(body, "\n") {
			starts := strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "     ")
			if starts && !strings.Contains(line, " -- ") && !strings.HasPrefix(strings.TrimSpace(line), "(SELECT") {
				t.Errorf("%s: no comment: %s", f, line)
			}
		}
	}
	want := viewNames()
	slices.Sort(want)
	same(t, "views", names, want)
}
