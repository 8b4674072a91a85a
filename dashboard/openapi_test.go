package dashboard

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// object is a JSON object.
type object = map[string]any

// spec is openapi.json.
type spec struct{ root object }

var readSpec = sync.OnceValues(func() (spec, error) {
	var s spec
	return s, json.Unmarshal(openAPI, &s.root)
})

func document(t testing.TB) spec {
	t.Helper()
	s, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at returns what the keys lead to, each $ref on the way followed.
func (s spec) at(from any, keys ...string) object {
	o, _ := from.(object)
	for _, key := range keys {
		o, _ = o[key].(object)
		for o["$ref"] != nil {
			o = s.at(s.root, strings.Split(strings.TrimPrefix(o["$ref"].(string), "#/"), "/")...)
		}
	}
	return o
}

// each calls fn for all calls that the document knows.
func (s spec) each(fn func(method, path string, operation object)) {
	for path, methods := range s.at(s.root, "paths") {
		for method, operation := range methods.(object) {
			fn(strings.ToUpper(method), path, operation.(object))
		}
	}
}

// operation finds the call that a request makes, nil if there is none.
func (s spec) operation(method, path string) (found object) {
	asked := strings.Split(path, "/")
	if operation := s.at(s.at(s.root, "paths")[path], strings.ToLower(method)); operation != nil {
		return operation
	}
	s.each(func(m, template string, operation object) {
		fits := slices.EqualFunc(asked, strings.Split(template, "/"), func(a, t string) bool {
			return a == t || t == "{id}" && a != ""
		})
		if m == method && fits {
			found = operation
		}
	})
	return found
}

// knows fails the test when the document does not tell of this answer, or of a
// request that was answered well.
func (s spec) knows(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	operation := s.operation(r.Method, r.URL.EscapedPath())
	if operation == nil {
		if !slices.Contains([]int{401, 404, 405}, w.Code) {
			t.Errorf("%s %s is answered by %d, and not in openapi.json", r.Method, r.URL.Path, w.Code)
		}
		return
	}
	kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	schema := s.at(operation, "responses", strconv.Itoa(w.Code), "content", kind, "schema")
	if err != nil || schema == nil {
		t.Errorf("%s %s: openapi.json knows no answer %d of type %q", r.Method, r.URL.Path, w.Code, kind)
		return
	}
	var body any = w.Body.String()
	if kind == contentJSON {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	if err := s.fits(schema, body); err != nil {
		t.Errorf("%s %s: the answer %s: %v", r.Method, r.URL.Path, w.Body, err)
	}
}

// fits checks a value against a schema, as far as openapi.json uses them.
func (s spec) fits(schema object, v any) error {
	for schema["$ref"] != nil {
		schema = s.at(object{"x": schema}, "x")
	}
	if types := typesOf(schema); !slices.Contains(types, typeOf(v)) {
		return fmt.Errorf("%v is no %v", v, types)
	}
	if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, v) {
		return fmt.Errorf("%v is none of %v", v, words)
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := s.fits(s.at(schema, "items"), item); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
	case object:
		return s.fitsObject(schema, v)
	}
	return nil
}

func (s spec) fitsObject(schema, v object) error {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s is missing", name)
		}
	}
	properties := s.at(schema, "properties")
	for name, value := range v {
		if _, known := properties[name]; !known {
			if schema["additionalProperties"] == false {
				return fmt.Errorf("%s is unknown", name)
			}
			continue
		}
		if err := s.fits(s.at(properties, name), value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func typesOf(schema object) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var all []string
		for _, one := range t {
			all = append(all, one.(string))
		}
		return all
	}
	return nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func TestDocumentAndRoutes(t *testing.T) {
	d, _ := open(&backend{})
	var routed, told []string
	for _, r := range d.engine.Routes() {
		routed = append(routed, r.Method+" "+strings.ReplaceAll(r.Path, ":id", "{id}"))
	}
	document(t).each(func(method, path string, _ object) { told = append(told, method+" "+path) })
	slices.Sort(routed)
	slices.Sort(told)
	if diff := cmp.Diff(routed, told); diff != "" {
		t.Errorf("(-routed +told):\n%s", diff)
	}
}

func TestDocumentIsServed(t *testing.T) {
	d, _ := open(&backend{})
	w := ask(t, d, request("GET", "/api/v1/openapi.json", ""))
	if w.Code != http.StatusOK || w.Body.String() != string(openAPI) {
		t.Errorf("%d, %d bytes of %d", w.Code, w.Body.Len(), len(openAPI))
	}
	if document(t).root["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", document(t).root["openapi"])
	}
}

// TestDocumentIsWhole holds that each call has a name of its own, its path's
// parameter, and answers with schemas that exist.
func TestDocumentIsWhole(t *testing.T) {
	s := document(t)
	names := map[any]string{}
	s.each(func(method, path string, operation object) {
		call := method + " " + path
		if other, taken := names[operation["operationId"]]; taken || operation["operationId"] == nil || operation["summary"] == "" {
			t.Errorf("%s is named %v, as is %q", call, operation["operationId"], other)
		}
		names[operation["operationId"]] = call
		var inPath []string
		for _, p := range s.parameters(operation) {
			if s.at(p, "schema") == nil || p["description"] == nil {
				t.Errorf("%s: parameter %v has no schema or no description", call, p["name"])
			}
			if p["in"] == "path" {
				inPath = append(inPath, p["name"].(string))
			}
		}
		if strings.Contains(path, "{id}") != slices.Equal(inPath, []string{"id"}) {
			t.Errorf("%s: parameters in the path: %v", call, inPath)
		}
		if body := s.at(operation, "requestBody"); body != nil && s.at(body, "content", contentJSON, "schema") == nil {
			t.Errorf("%s: its body has no schema", call)
		}
		responses := s.at(operation, "responses")
		for _, status := range []string{"200", "401"} {
			if responses[status] == nil {
				t.Errorf("%s: no answer %s", call, status)
			}
		}
		for status := range responses {
			content := s.at(responses, status, "content")
			for kind := range content {
				if len(typesOf(s.at(content, kind, "schema"))) == 0 {
					t.Errorf("%s: the answer %s has no schema", call, status)
				}
			}
			if len(content) == 0 || s.at(responses, status)["description"] == "" {
				t.Errorf("%s: the answer %s has %d contents", call, status, len(content))
			}
		}
	})
}

func (s spec) parameters(operation object) []object {
	all, _ := operation["parameters"].([]any)
	var ps []object
	for _, p := range all {
		ps = append(ps, s.at(object{"x": p}, "x"))
	}
	return ps
}

// TestDocumentReferences holds that what is referred to exists, and that all
// that exists is referred to.
func TestDocumentReferences(t *testing.T) {
	s := document(t)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				used[strings.TrimPrefix(ref, "#/components/")] = true
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(s.root)
	there := map[string]bool{}
	for _, kind := range []string{"schemas", "parameters", "responses"} {
		for name := range s.at(s.root, "components", kind) {
			there[kind+"/"+name] = true
		}
	}
	if diff := cmp.Diff(there, used); diff != "" {
		t.Errorf("(-there +used):\n%s", diff)
	}
}

// TestDocumentAndFilters holds that the document's parameters are the ones that
// are read, with the same words, and that each is a field of the items.
func TestDocumentAndFilters(t *testing.T) {
	s := document(t)
	for _, col := range collections() {
		t.Run(col.kind, func(t *testing.T) {
			operation := s.operation("GET", "/api/v1/"+col.kind)
			for _, of := range []struct {
				path   string
				others []string
				exists bool
			}{
				{"/tail", []string{}, col.followed()},
				{"/export", []string{"since", "until", "format", "count"}, col.timed},
			} {
				var told []string
				for _, p := range s.parameters(s.operation("GET", "/api/v1/"+col.kind+of.path)) {
					told = append(told, p["name"].(string))
				}
				narrowed := col
				narrowed.others = of.others
				if diff := cmp.Diff(narrowed.names(), told); of.exists && diff != "" {
					t.Errorf("parameters of %s (-read +told):\n%s", of.path, diff)
				}
			}
			var told []string
			several := map[string]bool{}
			schemas := map[string]object{}
			for _, p := range s.parameters(operation) {
				name := p["name"].(string)
				told = append(told, name)
				schemas[name] = s.at(p, "schema")
				if items := s.at(p, "schema", "items"); items != nil {
					several[name], schemas[name] = true, items
					if p["style"] != "form" || p["explode"] != false || s.at(p, "schema")["maxItems"] != float64(maxValues) {
						t.Errorf("%s is not told to be up to %d values parted by commas", name, maxValues)
					}
				}
			}
			if diff := cmp.Diff(col.names(), told); diff != "" {
				t.Errorf("parameters (-read +told):\n%s", diff)
			}
			item := s.at(operation, "responses", "200", "content", contentJSON, "schema", "properties", "items", "items", "properties")
			for _, f := range col.filters {
				want := object{"type": "string"}
				switch {
				case f.flag:
					want["type"] = "boolean"
				case f.number:
					want["type"], want["minimum"] = "integer", 0.0
				case f.words != nil:
					want["enum"] = anys(f.words)
				}
				if several[f.name] != f.many {
					t.Errorf("%s takes several values: %t, told %t", f.name, f.many, several[f.name])
				}
				got := maps.Clone(schemas[f.name])
				delete(got, "description")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-read +told):\n%s", f.name, diff)
				}
				if item[f.name] == nil {
					t.Errorf("%s is no field of an item", f.name)
				}
			}
			limit := schemas["limit"]
			if diff := cmp.Diff(object{"type": "integer", "minimum": 1.0, "maximum": float64(maxLimit), "default": float64(defaultLimit)}, limit); diff != "" {
				t.Errorf("limit (-read +told):\n%s", diff)
			}
		})
	}
}

func anys(words []string) []any {
	var all []any
	for _, w := range words {
		all = append(all, w)
	}
	return all
}

// TestDocumentAndBodies holds that the document's bodies have the fields that
// are read, and the types that are answered.
func TestDocumentAndBodies(t *testing.T) {
	s := document(t)
	for name, v := range map[string]any{
		"Replay": &replayBody{}, "UndoReplay": &undoBody{}, "TestMark": &testMark{}, "Settlement": &settlement{}, "Attachment": &attachment{}, "ModeChange": &subfive.Switch{}, "PauseReason": &pauseReason{},
		"Check": &Check{}, "Specimen": &specimen{}, "Mute": &muting{},
		"NewUser": &newUser{}, "UserRole": &userRole{}, "NewToken": &newToken{}, "Preferences": &preferences{}, "NewView": &newView{},
		"CostFile": &costFile{}, "LinkTest": &linkTest{},
		"StepMark": &stepMark{}, "Simulation": &simulation{}, "PastedLink": &pastedLink{}, "WantedURL": &wantedURL{},
		"CostsBody": &costsBody{}, "RatesBody": &ratesBody{},
		"ReportBody": &reportBody{},
	} {
		schema := s.at(s.root, "components", "schemas", name)
		told := slices.Sorted(maps.Keys(s.at(schema, "properties")))
		read := fieldsOf(v)
		slices.Sort(read)
		if diff := cmp.Diff(read, told); diff != "" || schema["additionalProperties"] != false {
			t.Errorf("%s (-read +told):\n%s", name, diff)
		}
		for i := range reflect.TypeOf(v).Elem().NumField() {
			field := reflect.TypeOf(v).Elem().Field(i)
			of := field.Type
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			want := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Slice: "array"}[of.Kind()]
			if got := typesOf(s.at(schema, "properties", field.Tag.Get("json"))); !slices.Equal(got, []string{want}) {
				t.Errorf("%s.%s is told as %v", name, field.Name, got)
			}
		}
	}
	as := s.at(s.root, "components", "schemas", "Settlement", "properties", "as")["enum"]
	if diff := cmp.Diff(anys(settlements()), as); diff != "" {
		t.Errorf("settlements (-read +told):\n%s", diff)
	}
}

// TestWordsAreAll reads the root package: a word that is new there is to be
// listed here.
func TestWordsAreAll(t *testing.T) {
	said := map[string][]string{}
	for _, name := range sources(t, "..") {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, named := spec.Type.(*ast.Ident)
			word, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && word.Value != `""` {
				said[kind.Name] = append(said[kind.Name], strings.Trim(word.Value, `"`))
			}
			return true
		})
	}
	listed := map[string][]string{"Mode": plain(modes()), "Verdict": plain(verdicts()), "Reading": plain(readings()), "DeliveryStatus": plain(deliveryStatuses()), "Class": plain(classes())}
	for _, col := range collections() {
		for _, f := range col.filters {
			switch col.kind + "." + f.name {
			case "deliveries.kind":
				listed["Kind"] = f.words
			case "conversions.network_status":
				listed["Status"] = f.words
			}
		}
	}
	for kind, words := range listed {
		slices.Sort(words)
		slices.Sort(said[kind])
		if diff := cmp.Diff(said[kind], words); diff != "" {
			t.Errorf("%s (-in the root +here):\n%s", kind, diff)
		}
	}
}

// sources are a folder's Go files but its tests.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatal(fs.ErrNotExist, err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, "_test.go") })
}
