package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

type platformSettings struct {
	DatasetID   string            `yaml:"dataset_id"`
	AccessToken string            `yaml:"access_token"`
	Max         int               `yaml:"max"`
	Strict      bool              `yaml:"strict"`
	Share       *subfive.Micros   `yaml:"share"`
	Wait        subfive.Duration  `yaml:"wait"`
	Options     []string          `yaml:"options"`
	Headers     map[string]string `yaml:"headers"`
	Nested      struct {
		ClientID string `yaml:"client_id"`
	} `yaml:"credentials"`
}

func TestDecodeSettings(t *testing.T) {
	env := environment(map[string]string{"TOKEN": "a: \"b\" #c", "MAX": "7", "ZIP": "007", "ON": "true", "EMPTY": ""})
	tests := map[string]struct {
		text string
		want platformSettings
	}{
		"nothing":               {"", platformSettings{}},
		"comments only":         {"# none\n", platformSettings{}},
		"reference":             {"access_token: ${TOKEN}\n", platformSettings{AccessToken: "a: \"b\" #c"}},
		"reference within text": {"access_token: x${TOKEN}y\n", platformSettings{AccessToken: "xa: \"b\" #cy"}},
		"set but empty":         {"access_token: ${EMPTY}\n", platformSettings{}},
		"literal":               {"access_token: $${TOKEN}\n", platformSettings{AccessToken: "${TOKEN}"}},
		"numbers that are text": {"dataset_id: 123456789012345\naccess_token: 0123\noptions: [1.50, 1_000, true, no]\nheaders: {X: 007}\n", platformSettings{DatasetID: "123456789012345", AccessToken: "0123", Options: []string{"1.50", "1_000", "true", "no"}, Headers: map[string]string{"X": "007"}}},
		"references that are numbers, as number and as text": {"max: ${MAX}\ndataset_id: ${ZIP}\nstrict: ${ON}\n", platformSettings{Max: 7, DatasetID: "007", Strict: true}},
		"quoted reference": {"dataset_id: \"${ZIP}\"\n", platformSettings{DatasetID: "007"}},
		"in lists and mappings": {"options: [a, \"${MAX}\"]\nheaders: {X: \"${TOKEN}\"}\ncredentials:\n  client_id: ${ZIP}\n", func() platformSettings {
			s := platformSettings{Options: []string{"a", "7"}, Headers: map[string]string{"X": "a: \"b\" #c"}}
			s.Nested.ClientID = "007"
			return s
		}()},
		"block of text":       {"access_token: |\n  one ${MAX}\n  two\n", platformSettings{AccessToken: "one 7\ntwo\n"}},
		"amount and duration": {"share: 0.5\nwait: 3d\n", platformSettings{Share: amount(500_000), Wait: 3 * day}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got platformSettings
			if err := config.DecodeSettings(test.text, env, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeSettingsRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"unknown key": {"dataset_id: a\nacces_token: hunter2\n", `settings, line 2: unknown key "acces_token" — did you mean "access_token"?`},
		"unknown nested key": {
			"credentials: {elsewhere: hunter2}\n",
			`settings, line 1: unknown key "elsewhere" — known: dataset_id, access_token, max, strict, share, wait, options, headers, credentials, client_id`,
		},
		"unset variable":  {"access_token: ${META_TOKEN}\n", "settings.access_token needs the environment variable META_TOKEN, which is not set — set it where the server runs"},
		"two of them":     {"access_token: ${A}\noptions: [x, \"${B}\"]\n", "settings.access_token needs the environment variable A, which is not set — set it where the server runs\nsettings.options[1] needs the environment variable B, which is not set — set it where the server runs"},
		"no reference":    {"access_token: ${A B}\n", "settings.access_token holds ${ that begins no reference — a reference is ${NAME}, of letters, digits and _; write $${ for a literal ${"},
		"text as number":  {"max: hunter2\n", "settings, line 1: the value is of another kind than wanted (a number)"},
		"list as text":    {"access_token: [hunter2]\n", "settings, line 1: the value is of another kind than wanted (text)"},
		"not YAML at all": {"access_token: \"hunter2\n", "settings, line 1: could not find end character of double-quoted text"},
		"twice":           {"max: 1\nmax: 2\n", "settings, line 2: mapping key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := config.DecodeSettings(test.text, noEnv, &platformSettings{})
			if err == nil || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestDecodeSettingsAnywhereLeavesUnsetReferences(t *testing.T) {
	var got platformSettings
	text := "access_token: ${META_TOKEN}\ndataset_id: ${SET}\nheaders: {A: \"$${B}\"}\n"
	if err := config.DecodeSettingsAnywhere(text, environment(map[string]string{"SET": "12"}), &got); err != nil {
		t.Fatal(err)
	}
	want := platformSettings{AccessToken: "${META_TOKEN}", DatasetID: "12", Headers: map[string]string{"A": "${B}"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := config.DecodeSettingsAnywhere("access_token: ${", noEnv, &got); err == nil {
		t.Error("a broken reference passed")
	}
}

// Settings reach the platform as they were written, whatever their style.
func TestSettingsSurviveTheFile(t *testing.T) {
	tests := map[string]struct{ settings, want string }{
		"block":              {"\n      dataset_id: a\n      options:\n        - x\n        - y\n", "dataset_id: a\noptions:\n  - x\n  - y\n"},
		"one line":           {" {dataset_id: a, options: [x, y]}\n", "{dataset_id: a, options: [x, y]}\n"},
		"comment first":      {"\n      # why\n      dataset_id: a\n", "# why\ndataset_id: a\n"},
		"text over lines":    {"\n      access_token: |\n        one\n          two\n      dataset_id: 'it''s'\n", "access_token: |\n  one\n    two\ndataset_id: 'it''s'\n"},
		"folded text":        {"\n      access_token: >-\n        one\n        two\n", "access_token: >-\n  one\n  two\n"},
		"quotes and escapes": {"\n      access_token: \"a\\n\\\"b\\\" #c\"\n", "access_token: \"a\\n\\\"b\\\" #c\"\n"},
		"empty":              {" {}\n", "{}\n"},
		"nothing":            {"\n", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := "destinations:\n  - id: m\n    platform: meta\n    settings:" + test.settings + "\nlisten: :1\n"
			file, err := config.Parse("x.yaml", []byte(text), noEnv)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, file.Setup.Destinations[0].Settings); diff != "" {
				t.Error(diff)
			}
			if file.Server.Listen != ":1" {
				t.Error("what comes after the settings was lost")
			}
			var into platformSettings
			if err := config.DecodeSettings(file.Setup.Destinations[0].Settings, noEnv, &into); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	setup := subfive.Setup{
		Networks:     []subfive.Network{{ID: "everflow", APIKey: "${KEY}"}},
		Endpoints:    []subfive.Endpoint{{ID: "default", Key: "a${KEY}", Tee: "https://t.example.com/?k=${KEY}"}},
		Sources:      []subfive.Source{{ID: "s", AccountID: "${KEY}"}},
		LandingPages: []subfive.LandingPage{{ID: "l", URL: "${SITE}/lp"}},
		Offers:       []subfive.Offer{{ID: "o", Link: "https://n.example.com/?a=$${x}&b={y}", NetworkOfferID: "${KEY}"}},
		Destinations: []subfive.Destination{{ID: "m", BaseURL: "${SITE}", Settings: "access_token: ${UNSET}\n"}},
	}
	before := setup.Networks[0]
	got, err := config.Resolve(setup, environment(map[string]string{"KEY": "k", "SITE": "https://s.example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, subfive.Setup{
		Networks:     []subfive.Network{{ID: "everflow", APIKey: "k"}},
		Endpoints:    []subfive.Endpoint{{ID: "default", Key: "ak", Tee: "https://t.example.com/?k=k"}},
		Sources:      []subfive.Source{{ID: "s", AccountID: "k"}},
		LandingPages: []subfive.LandingPage{{ID: "l", URL: "https://s.example.com/lp"}},
		Offers:       []subfive.Offer{{ID: "o", Link: "https://n.example.com/?a=${x}&b={y}", NetworkOfferID: "k"}},
		Destinations: []subfive.Destination{{ID: "m", BaseURL: "https://s.example.com", Settings: "access_token: ${UNSET}\n"}},
	}, got)
	equal(t, before, setup.Networks[0])

	_, err = config.Resolve(setup, environment(map[string]string{"SITE": "nowhere"}))
	if err == nil || strings.Count(err.Error(), "KEY, which is not set") != 5 {
		t.Errorf("got %v, want five times that KEY is not set", err)
	}
	_, err = config.Resolve(setup, environment(map[string]string{"KEY": "k", "SITE": "nowhere"}))
	if err == nil || !strings.Contains(err.Error(), `destinations/m: base_url "nowhere" does not begin with https://`) {
		t.Errorf("got %v, want that base_url is no address", err)
	}
}
