package forwarders

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestFind(t *testing.T) {
	entries := []Entry{
		{Code: "2??", Means: "any of the two hundreds"},
		{Code: "100", Subcode: "33", Means: "100/33"},
		{Code: "100", Means: "100"},
		{Code: "294", Means: "294"},
		{Code: "-*", Means: "negative"},
		{Code: "*", Subcode: "TOO_OLD", Means: "too old under any code"},
		{Code: "8001[0-4]", Means: "80010 to 80014"},
		{Code: "[", Means: "a pattern that is none"},
	}
	tests := map[string]struct{ code, subcode, want string }{
		"code":                              {"100", "", "100"},
		"code and subcode":                  {"100", "33", "100/33"},
		"code with a subcode nobody knows":  {"100", "34", "100"},
		"pattern":                           {"210", "", "any of the two hundreds"},
		"written out beats a pattern":       {"294", "", "294"},
		"negative":                          {"-3", "", "negative"},
		"subcode under a pattern":           {"FAILED", "TOO_OLD", "too old under any code"},
		"subcode beats the code alone":      {"100", "TOO_OLD", "too old under any code"},
		"class of a pattern":                {"80014", "", "80010 to 80014"},
		"beyond the class":                  {"80015", "", ""},
		"longer than the pattern":           {"2000", "", ""},
		"a code that is no pattern's fault": {"[", "", "a pattern that is none"},
		"nothing":                           {"", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, ok := Find(entries, tt.code, tt.subcode)
			if e.Means != tt.want || ok != (tt.want != "") {
				t.Errorf("Find(%q, %q) = %q, %t", tt.code, tt.subcode, e.Means, ok)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	p := Platform{Errors: []Entry{
		{Code: "7", Class: subfive.Rejected, Means: "Seven.", Do: "Mend it."},
		{Code: "8", Means: "Eight.", Do: "Look."},
	}}
	tests := map[string]struct {
		class         subfive.Class
		code, subcode string
		want          Entry
	}{
		"the platform's": {subfive.Rejected, "7", "1", Entry{Code: "7", Subcode: "1", Class: subfive.Rejected, Means: "Seven.", Do: "Mend it."}},
		"asked without a class": {
			"", "7", "", Entry{Code: "7", Class: subfive.Rejected, Means: "Seven.", Do: "Mend it."},
		},
		"passing for once": {
			subfive.Transient, "7", "", Entry{Code: "7", Class: subfive.Transient, Means: "Seven.", Do: byClass(subfive.Transient).Do},
		},
		"class by status": {
			subfive.Throttled, "8", "", Entry{Code: "8", Class: subfive.Throttled, Means: "Eight.", Do: byClass(subfive.Throttled).Do},
		},
		"ours": {
			subfive.Deferred, "batch_full", "",
			Entry{Code: "batch_full", Class: subfive.Deferred, Means: "The request was full.", Do: "Nothing: it goes with the next one."},
		},
		"nobody's": {
			subfive.Unauthorized, "99", "",
			Entry{Code: "99", Class: subfive.Unauthorized, Means: byClass(subfive.Unauthorized).Means, Do: byClass(subfive.Unauthorized).Do},
		},
		"no code": {
			subfive.Accepted, "", "", Entry{Class: subfive.Accepted, Means: "The platform took it.", Do: "Nothing."},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, p.Explain(tt.class, tt.code, tt.subcode)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOwnErrorsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range OwnErrors() {
		if seen[e.Code] || e.Subcode != "" || !strings.HasSuffix(e.Means, ".") || !strings.HasSuffix(e.Do, ".") {
			t.Errorf("%s: it is there twice, or lacks a text that ends with a period", e.Code)
		}
		seen[e.Code] = true
	}
}

// TestOurCodesAreInTheDictionary reads the sources: each code that the Sender,
// the outbox, attribution or the store gives an outcome or a delivery has an
// entry.
func TestOurCodesAreInTheDictionary(t *testing.T) {
	var found []string
	for _, dir := range []string{".", "../outbox", "../attribution", "../store"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(filepath.Base(name), "errors") {
				found = append(found, codesIn(t, name)...)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) < 30 || !slices.Contains(found, "too_old") || !slices.Contains(found, "rate_limit") || !slices.Contains(found, "destination_archived") {
		t.Errorf("only %d codes found: %v", len(found), found)
	}
	for _, code := range found {
		if _, ok := Find(OwnErrors(), code, ""); !ok {
			t.Errorf("%q has no entry", code)
		}
	}
}

var codeName = regexp.MustCompile(`^(reason|code|Code)[A-Z]|Code$`)

// codesIn returns the texts of constants that are named as codes are, of fields
// called Code or ReasonCode, and of what transportCode returns.
func codesIn(t *testing.T, file string) (codes []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	take := func(v ast.Expr) {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && s != "" {
				codes = append(codes, s)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if codeName.MatchString(name.Name) && i < len(n.Values) {
					take(n.Values[i])
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "ReasonCode") {
				take(n.Value)
			}
		case *ast.FuncDecl:
			if n.Name.Name != "transportCode" {
				return true
			}
			ast.Inspect(n, func(r ast.Node) bool {
				if ret, ok := r.(*ast.ReturnStmt); ok {
					take(ret.Results[0])
				}
				return true
			})
		}
		return true
	})
	return codes
}
