// Package guide_test holds docs/guide-coverage.md to its word: each demand of the
// network's postback guide has a row, and each row names tests or documents that
// exist.
//
// It does not judge whether a test suffices; a reader does.
package guide_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const (
	page = "docs/guide-coverage.md"
	// demands is how many the guide has: what it says, sentence by sentence.
	demands = 89
	// notBuiltMark stands in the last column of a row that nothing holds.
	notBuiltMark = "not built"
)

// notBuilt are the only rows that may say so.
var notBuilt = []int{}

// TestCoverage fails when a row is missing, or names what is not there.
func TestCoverage(t *testing.T) {
	for _, problem := range check(os.DirFS("../.."), demands, notBuilt) {
		t.Error(problem)
	}
}

// row is one demand of the guide.
type row struct {
	number        int
	demand, doing string
	held          []string // what stands between backticks in the last column
	missing       bool     // it says "not built"
}

// check returns what is wrong with the page in a module's tree.
func check(tree fs.FS, demands int, notBuilt []int) []string {
	data, err := fs.ReadFile(tree, page)
	if err != nil {
		return []string{err.Error()}
	}
	rows, problems := parseRows(string(data))
	names := finder{tree: tree, read: map[string][]source{}}
	seen := map[int]bool{}
	for _, r := range rows {
		say := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("row %d: ", r.number)+fmt.Sprintf(format, args...))
		}
		if r.number < 1 || r.number > demands {
			say("the guide has rows 1 to %d", demands)
		}
		if seen[r.number] {
			say("stands there twice")
		}
		seen[r.number] = true
		if r.demand == "" || r.doing == "" {
			say("a column is empty")
		}
		switch {
		case r.missing && len(r.held) > 0:
			say("names tests and says %s", notBuiltMark)
		case r.missing && !slices.Contains(notBuilt, r.number):
			say("says %s and is not in this test's list", notBuiltMark)
		case !r.missing && slices.Contains(notBuilt, r.number):
			say("is held now: take it from this test's list")
		case !r.missing && len(r.held) == 0:
			say("names no test and no document")
		}
		for _, name := range r.held {
			if err := names.find(name); err != nil {
				say("`%s`: %v", name, err)
			}
		}
	}
	for n := 1; n <= demands; n++ {
		if !seen[n] {
			problems = append(problems, fmt.Sprintf("row %d: is missing", n))
		}
	}
	return problems
}

var quoted = regexp.MustCompile("`([^`]+)`")

// parseRows reads the lines of the page that are a table's row with a number.
func parseRows(text string) (rows []row, problems []string) {
	for i, line := range strings.Split(text, "\n") {
		line, ok := strings.CutPrefix(line, "|")
		if !ok {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
		n, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue // the head, or another table
		}
		if len(cells) != 4 {
			problems = append(problems, fmt.Sprintf("%s:%d: %d columns, want 4", page, i+1, len(cells)))
			continue
		}
		r := row{number: n, demand: strings.TrimSpace(cells[1]), doing: strings.TrimSpace(cells[2])}
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			r.held = append(r.held, m[1])
		}
		r.missing = strings.Contains(cells[3], notBuiltMark)
		rows = append(rows, r)
	}
	return rows, problems
}

// testName is a package's folder, a test's name, and a case of it if one is
// named: "receiver.TestRoutes", "receiver.TestRoutes/trailing slash". A case is a
// string in the test's file, or stands in a file of its testdata.
var testName = regexp.MustCompile(`^([a-z0-9/_]+)\.((?:Test|Fuzz|Example)\w*)(?:/(.+))?$`)

// source is a file of tests: its functions and strings.
type source struct {
	file           string
	funcs, strings map[string]bool
}

// finder looks names up in a module's tree; each package is read once.
type finder struct {
	tree fs.FS
	read map[string][]source // by folder
}

// find reports whether the test or the document is there.
func (f finder) find(name string) error {
	if file, heading, _ := strings.Cut(name, "#"); strings.HasSuffix(file, ".md") {
		return findHeading(f.tree, file, heading)
	}
	m := testName.FindStringSubmatch(name)
	if m == nil {
		return fmt.Errorf("neither package.TestName nor document.md#heading")
	}
	dir, test, of := m[1], m[2], m[3]
	if dir == "subfive" { // the root package
		dir = "."
	}
	all, err := f.sources(dir)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s source) bool { return s.funcs[test] })
	if i < 0 {
		return fmt.Errorf("no such test in %s", dir)
	}
	if of == "" || all[i].strings[of] {
		return nil
	}
	if ok, err := inTestdata(f.tree, dir, of); ok || err != nil {
		return err
	}
	return fmt.Errorf("%s has no case of that name", all[i].file)
}

// sources reads the tests of a folder.
func (f finder) sources(dir string) ([]source, error) {
	if all, ok := f.read[dir]; ok {
		return all, nil
	}
	files, err := fs.Glob(f.tree, path.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var all []source
	for _, file := range files {
		s, err := readSource(f.tree, file)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	f.read[dir] = all
	return all, nil
}

func readSource(tree fs.FS, file string) (source, error) {
	s := source{file, map[string]bool{}, map[string]bool{}}
	text, err := fs.ReadFile(tree, file)
	if err != nil {
		return s, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	for _, d := range parsed.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			s.funcs[fn.Name.Name] = true
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				s.strings[text] = true
			}
		}
		return true
	})
	return s, nil
}

// inTestdata reports whether the case is a script's name, or a line "=== case |"
// of a text file that holds cases.
func inTestdata(tree fs.FS, dir, name string) (bool, error) {
	if _, err := fs.Stat(tree, path.Join(dir, "testdata/script", name+".txtar")); err == nil {
		return true, nil
	}
	files, err := fs.Glob(tree, path.Join(dir, "testdata/*/*.txt"))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return false, err
		}
		if strings.Contains("\n"+string(data), "\n=== "+name+" | ") {
			return true, nil
		}
	}
	return false, nil
}

func findHeading(tree fs.FS, file, heading string) error {
	data, err := fs.ReadFile(tree, file)
	if err != nil {
		return err
	}
	if heading == "" {
		return fmt.Errorf("names no heading")
	}
	for line := range strings.Lines(string(data)) {
		if title := strings.TrimLeft(line, "#"); title != line && anchor(title) == heading {
			return nil
		}
	}
	return fmt.Errorf("no such heading")
}

var unlinked = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor is the link to a heading, as GitHub makes it.
func anchor(title string) string {
	return strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}

func TestCheck(t *testing.T) {
	const one = "| 1 | a | b | `p.TestA` |\n"
	tests := map[string]struct {
		page     string
		notBuilt []int
		want     []string
	}{
		"all there": {one + "| 2 | a | b | `p/q.FuzzB`, `subfive.ExampleC` and `docs/d.md#the-head-of-it` |\n", nil, nil},
		"cases":     {one + "| 2 | a | b | `p.TestA/one | two` |\n", nil, []string{"docs/guide-coverage.md:2: 5 columns, want 4", "row 2: is missing"}},
		"cases of a table, a script and a file": {
			one + "| 2 | a | b | `p.TestA/the guide's four` `p.TestA/demo` `p.TestA/in a file` |\n", nil, nil,
		},
		"half a case of a file": {
			one + "| 2 | a | b | `p.TestA/in a` |\n", nil, []string{"row 2: `p.TestA/in a`: p/a_test.go has no case of that name"},
		},
		"not built, and in the list": {one + "| 2 | a | b | not built |\n", []int{2}, nil},
		"a row is missing":           {one, nil, []string{"row 2: is missing"}},
		"a row twice":                {one + one + "| 2 | a | b | `p.TestA` |\n", nil, []string{"row 1: stands there twice"}},
		"a row too many": {
			one + "| 2 | a | b | `p.TestA` |\n| 3 | a | b | `p.TestA` |\n", nil,
			[]string{"row 3: the guide has rows 1 to 2"},
		},
		"nothing holds it":        {one + "| 2 | a | b | by hand |\n", nil, []string{"row 2: names no test and no document"}},
		"nothing is said":         {one + "| 2 | a |  | `p.TestA` |\n", nil, []string{"row 2: a column is empty"}},
		"no such test":            {one + "| 2 | a | b | `p.TestNone` |\n", nil, []string{"row 2: `p.TestNone`: no such test in p"}},
		"a method is no test":     {one + "| 2 | a | b | `p.TestMethod` |\n", nil, []string{"row 2: `p.TestMethod`: no such test in p"}},
		"in another package":      {one + "| 2 | a | b | `p/q.TestA` |\n", nil, []string{"row 2: `p/q.TestA`: no such test in p/q"}},
		"no such case":            {one + "| 2 | a | b | `p.TestA/other` |\n", nil, []string{"row 2: `p.TestA/other`: p/a_test.go has no case of that name"}},
		"no such document":        {one + "| 2 | a | b | `docs/e.md#x` |\n", nil, []string{"row 2: `docs/e.md#x`: open docs/e.md: file does not exist"}},
		"no such heading":         {one + "| 2 | a | b | `docs/d.md#text` |\n", nil, []string{"row 2: `docs/d.md#text`: no such heading"}},
		"no heading":              {one + "| 2 | a | b | `docs/d.md` |\n", nil, []string{"row 2: `docs/d.md`: names no heading"}},
		"neither":                 {one + "| 2 | a | b | `TestA` |\n", nil, []string{"row 2: `TestA`: neither package.TestName nor document.md#heading"}},
		"not built, nobody knows": {one + "| 2 | a | b | not built |\n", nil, []string{"row 2: says not built and is not in this test's list"}},
		"not built, and a test":   {one + "| 2 | a | b | not built, `p.TestA` |\n", []int{2}, []string{"row 2: names tests and says not built"}},
		"built since":             {one + "| 2 | a | b | `p.TestA` |\n", []int{2}, []string{"row 2: is held now: take it from this test's list"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
			tree := fstest.MapFS{
				page:                           file("# Title\n\n| # | the guide | subfive | held by |\n|---|---|---|---|\n" + tt.page),
				"docs/d.md":                    file("# D\n\n## The head, of `it`\n\ntext\n"),
				"p/a_test.go":                  file("package p\n\ntype x struct{}\n\nfunc (x) TestMethod() {}\n\nfunc TestA(t *testing.T) { _ = map[string]int{\"the guide's four\": 4} }\n"),
				"p/testdata/script/demo.txtar": file("exec true\n"),
				"p/testdata/cases/bad.txt":     file("Cases.\n=== in a file | code\ntext\n"),
				"p/q/q_test.go":                file("package q\n\nfunc FuzzB(f *testing.F) {}\n"),
				"c_test.go":                    file("package subfive_test\n\nfunc ExampleC() {}\n"),
			}
			got := check(tree, 2, tt.notBuilt)
			for i := range got { // lines are counted from the table's first row
				got[i] = strings.Replace(got[i], page+":6:", page+":2:", 1)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Without the page there is nothing to hold.
func TestCheckWithoutThePage(t *testing.T) {
	if diff := cmp.Diff([]string{"open " + page + ": file does not exist"}, check(fstest.MapFS{}, 2, nil)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
