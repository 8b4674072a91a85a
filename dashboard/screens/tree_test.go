package screens

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilled(t *testing.T) {
	stored := tree{
		"id": "a", "link": "https://old.example/", "payout": "3.00", "paused": true, "consent": []any{tree{"when": "x"}},
		"value": tree{"from": "fixed", "amount": "1.00"}, "settings": tree{"dataset_id": "1", "access_token": "***"}, "paths": []any{tree{"id": "old"}},
	}
	form := url.Values{
		"text:link": {" https://new.example/?a=b "}, "number:cap": {"5"}, "number:payout": {"a lot"}, "flag:paused": {}, "list:sensitive": {"sub1, sub2"},
		"list:empty": {"none"}, "checks:destinations": {"meta", "tt"}, "map:goals": {"base: Purchase\r\nUpgrade: Sub: scribe\r\n"}, "choice:value.from": {"payout"},
		"text:value.amount": {""}, "secret:settings.access_token": {""}, "secret:settings.app_secret": {"x"}, "take:settings.app_secret": {"on"}, "switch:settings.omit": {"false"},
		"text:paths.0.id": {"a"}, "number:paths.0.weight": {"30"}, "text:paths.1.id": {""}, "number:paths.1.weight": {""}, "text:paths.2.id": {"c"},
		"text:rules.0.id": {"de"}, "list:rules.0.when.country": {"DE, AT"}, "maplist:rules.0.when.params": {"x: 1, 2\ny:"}, "text:rules.0.paths.0.id": {"b"}, "text:rules.1.id": {""},
	}
	fields := []string{
		"text:link", "number:cap", "number:payout", "flag:paused", "list:sensitive", "list:empty", "checks:destinations", "map:goals", "choice:value.from",
		"text:value.amount", "secret:settings.access_token", "secret:settings.app_secret", "switch:settings.omit",
	}
	want := tree{
		"id": "a", "link": "https://new.example/?a=b", "cap": json.Number("5"), "payout": "a lot", "sensitive": []any{"sub1", "sub2"}, "empty": []any{},
		"destinations": []any{"meta", "tt"}, "goals": tree{"base": "Purchase", "Upgrade": "Sub: scribe"}, "value": tree{"from": "payout"},
		"consent": []any{tree{"when": "x"}}, "settings": tree{"dataset_id": "1", "access_token": "***", "app_secret": "", "omit": false},
		"paths": []any{tree{"id": "a", "weight": json.Number("30")}, tree{"id": "c"}},
		"rules": []any{tree{"id": "de", "when": tree{"country": []any{"DE", "AT"}, "params": tree{"x": []any{"1", "2"}, "y": []any{}}}, "paths": []any{tree{"id": "b"}}}},
	}
	if diff := cmp.Diff(want, filled(stored, form, fields, []string{"paths", "rules"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if stored["link"] != "https://old.example/" || len(stored["value"].(tree)) != 2 {
		t.Error("what was stored changed")
	}
}

// What a field shows is read back as it was.
func TestFieldsReadBack(t *testing.T) {
	for kind, value := range map[string]any{
		kindText: "a: b", kindFlag: true, kindSwitch: false, kindList: []any{"a", "b"}, kindMap: tree{"a": "1", "b": "x: y"},
		kindMapList: tree{"a": []any{"1", "2"}}, kindLong: "{\n  \"a\": 1\n}", kindChoice: "x",
	} {
		if diff := cmp.Diff(value, valueOf(kind, []string{textOf(kind, value)})); diff != "" {
			t.Errorf("%s (-was +read back):\n%s", kind, diff)
		}
	}
	if got := textOf(kindList, valueOf(kindList, []string{"none"})); got != "none" {
		t.Errorf("no items are shown as %q", got)
	}
	if at(tree{"a": []any{tree{"b": 1}}}, "a.0.b") != 1 || at(tree{}, "a.b") != nil || at([]any{}, "3") != nil {
		t.Error("at leads elsewhere")
	}
}
