package store

import (
	flags "flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

var update = flags.Bool("update", false, "write docs/views.md anew")

// viewComments is what a view's file says of it.
type viewComments struct {
	head    string // grain, key, and what adds up
	columns []columnComment
}

type columnComment struct{ name, comment string }

// comments reads the comments out of a view's statement: the head, and after the
// text of one column or of several the comment that speaks of them.
func comments(text string) (c viewComments, err error) {
	head, body, ok := strings.Cut(text, "\nCREATE VIEW ")
	_, body, found := strings.Cut(body, "\nSELECT\n")
	if !ok || !found {
		return c, fmt.Errorf("no CREATE VIEW and SELECT on lines of their own")
	}
	for line := range strings.Lines(head) {
		c.head += strings.TrimSpace(strings.TrimPrefix(line, "--")) + "\n"
	}
	open := ""
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "FROM ") {
			break
		}
		code, comment, ok := strings.Cut(line, " -- ")
		if open += " " + code; !ok {
			continue
		}
		for _, expression := range split(open) {
			c.columns = append(c.columns, columnComment{nameOf(expression), strings.TrimSpace(comment)})
		}
		open = ""
	}
	if strings.TrimSpace(open) != "" {
		return c, fmt.Errorf("no comment after %s", strings.TrimSpace(open))
	}
	return c, nil
}

// split parts expressions at the commas outside of brackets and texts.
func split(s string) (all []string) {
	depth, quoted, from := 0, false, 0
	for i, r := range s {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			all, from = append(all, s[from:i]), i+1
		}
	}
	all = append(all, s[from:])
	if strings.TrimSpace(all[len(all)-1]) == "" {
		all = all[:len(all)-1]
	}
	return all
}

// nameOf is the name an expression has in the view.
func nameOf(expression string) string {
	fields := strings.Fields(expression)
	name := fields[len(fields)-1]
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.Trim(name, `"`)
}

// Each view says what one row is, what its key is and what adds up, and each of
// its columns, the same in both databases, has a comment.
func TestEachColumnHasItsComment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for _, view := range viewNames() {
			text, err := s.viewText(view)
			if err != nil {
				t.Fatal(err)
			}
			c, err := comments(text)
			if err != nil {
				t.Errorf("%s: %v", view, err)
				continue
			}
			for what, says := range map[string]string{"what one row is": `^One row is `, "its key": `\bkey\b`, "what adds up": `(?i)\b(adds?\s+up|add\s.*\sup)\b`} {
				if !regexp.MustCompile(says).MatchString(strings.ReplaceAll(c.head, "\n", " ")) {
					t.Errorf("%s does not say %s:\n%s", view, what, c.head)
				}
			}
			var documented []string
			for _, column := range c.columns {
				documented = append(documented, column.name)
				if column.comment == "" {
					t.Errorf("%s.%s has no comment", view, column.name)
				}
			}
			columns, _, err := dump(t.Context(), s, "SELECT * FROM "+view+" WHERE 1 = 0")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(documented, columns); diff != "" {
				t.Errorf("%s (-documented +%s's):\n%s", view, s.Dialect(), diff)
			}
		}
	})
}

// TestViewsDocument holds that docs/views.md is what the views say of themselves;
// "go test ./store -run ViewsDocument -update" writes it.
func TestViewsDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(viewsIntro)
	s := &Store{dialect: dialectSQLite}
	for _, view := range viewNames() {
		text, err := s.viewText(view)
		if err != nil {
			t.Fatal(err)
		}
		c, err := comments(text)
		if err != nil {
			t.Fatalf("%s: %v", view, err)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n| column | kind | what it is |\n|---|---|---|\n", view, c.head)
		for _, column := range c.columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", column.name, columnKind(column.name), strings.ReplaceAll(column.comment, "|", `\|`))
		}
	}
	const path = "../docs/views.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), b.String()); diff != "" {
		t.Errorf("go test ./store -run ViewsDocument -update writes it (-have +want):\n%s", diff)
	}
}

func TestCommentsAreRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		columns []columnComment
		err     string
	}{
		"one":            {"    c.a, -- it\n", []columnComment{{"a", "it"}}, ""},
		"several":        {"    c.a, k.b AS d, -- they\n", []columnComment{{"a", "they"}, {"d", "they"}}, ""},
		"of two lines":   {"    (SELECT count(*), 1\n  FROM x) AS n -- number\n", []columnComment{{"n", "number"}}, ""},
		"a comma quoted": {"    replace(a, ',', ')') AS b, -- it\n", []columnComment{{"b", "it"}}, ""},
		"a word":         {"    c.x AS \"old\" -- from\n", []columnComment{{"old", "from"}}, ""},
		"none":           {"    c.a, -- it\n    c.b\n", []columnComment{{"a", "it"}}, "no comment after c.b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := comments("-- One row is x.\nCREATE VIEW v AS\nSELECT\n" + tt.body + "FROM c\n")
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(viewComments{"One row is x.\n", tt.columns}, c, cmp.AllowUnexported(viewComments{}, columnComment{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// viewsIntro is what docs/views.md begins with.
var viewsIntro = strings.NewReplacer(
	"TEXT", string(subfive.ColumnText), "WHOLE", string(subfive.ColumnWhole), "DECIMAL", string(subfive.ColumnDecimal),
	"RATIO", string(subfive.ColumnRatio), "TIME", string(subfive.ColumnTime),
).Replace(`# The views

What a query may rely on: the views below have the same columns in SQLite and in PostgreSQL, and keep their names
and what they mean. The tables under them may change with any version. Ask them with ` + "`subfive sql`" + `, with psql, or
with anything that opens a SQLite file; [sql.md](sql.md) has queries to begin with, and says who may read what.
This page is made from the comments in the views' files, store/views.

| kind | SQLite | PostgreSQL | Parquet |
|---|---|---|---|
| TEXT | text | text | STRING |
| WHOLE | integer | smallint, integer or bigint | INT64 |
| DECIMAL | a floating-point number; exact in the column with _micros after its name | numeric | DECIMAL(38, 6), exact |
| RATIO | a floating-point number | numeric | DOUBLE |
| TIME | ISO 8601 in UTC, as 2026-11-20T15:04:05.000Z | timestamptz | TIMESTAMP in milliseconds, UTC |

A column that begins with is_, has_, sent_ or counts_ is 1 or 0. A column that ends in _micros is in millionths, one
that ends in _ms in Unix milliseconds, one that ends in _day is a day in the reporting time zone, as 2026-11-20. A ratio
is NULL where it would divide by zero, and is never to be averaged: divide the sums.

## What counts

| verdict | counts as a conversion | counts as revenue | told to platforms |
|---|---|---|---|
| matched, direct | yes | yes | yes |
| waiting, unmatched | yes, without a click | yes | as the destination says: never, send, or hold and then send |
| no_click_id, with a transaction ID, a conversion ID or a payout | yes, without a click | yes | no |
| no_click_id, with none of them | no | no | no |
| outside_window, before_click | yes | yes, for the network pays | no |
| possible_duplicate | no, until somebody settles it | no | no |
| duplicate, status_change, payout_change | no new one: its conversion is brought up to date | brought up to date | an approval, a retraction or a restatement, as the destination says |
| test | no | no | only to a destination that is not live |
| not_a_conversion, quarantined, broken | no | no | no |

In v_conversions, counts_conversion and counts_revenue say so of each row. What is no row there is in v_postbacks.
`)
