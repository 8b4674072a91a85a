// Package packaging_test holds what ships around the program to the program: a
// flag, a setting or a path that is named there exists.
package packaging_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"subfive/config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// unitKeys are the keys that a unit of ours may have; systemd ignores a
// misspelled one, and with it a protection.
var unitKeys = map[string][]string{
	"Unit":    {"Description", "Documentation", "Wants", "After"},
	"Install": {"WantedBy"},
	"Service": {
		"Type", "User", "Group", "ExecStart", "EnvironmentFile", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "UMask", "Restart",
		"RestartSec", "RestartPreventExitStatus", "TimeoutStopSec", "LimitNOFILE", "AmbientCapabilities", "CapabilityBoundingSet", "NoNewPrivileges",
		"LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices", "PrivateTmp", "ProtectClock", "ProtectControlGroups", "ProtectHome",
		"ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc", "ProtectSystem", "RemoveIPC",
		"RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallFilter",
		"SystemCallErrorNumber",
	},
}

// unit reads a unit's [Service].
func unit(t *testing.T) map[string]string {
	t.Helper()
	service, section := map[string]string{}, ""
	for line := range strings.Lines(read(t, "systemd/subfive.service")) {
		line = strings.TrimSpace(line)
		key, value, found := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case !found || !slices.Contains(unitKeys[section], key):
			t.Errorf("[%s] has no key %q", section, key)
		case section == "Service":
			service[key] = value
		}
	}
	return service
}

func TestUnit(t *testing.T) {
	s := unit(t)
	for key, want := range map[string]string{
		"AmbientCapabilities": "CAP_NET_BIND_SERVICE", "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "User": "subfive", "ProtectSystem": "strict",
		"NoNewPrivileges": "yes", "StateDirectory": "subfive", "RestartPreventExitStatus": "2",
	} {
		if s[key] != want {
			t.Errorf("%s=%s, want %s", key, s[key], want)
		}
	}
	commands(t, strings.ReplaceAll(s["ExecStart"], "/usr/bin/", ""))
	for _, script := range []string{"postinst", "postrm", "conffiles"} {
		text := read(t, "debian/"+script)
		if !strings.Contains(text, "/var/lib/subfive") && !strings.Contains(text, "/etc/subfive/subfive.yaml") {
			t.Errorf("%s names no path of ours", script)
		}
	}
}

// The file that the package installs is a good one, and keeps its data where the
// unit lets the service write.
func TestPackagedFile(t *testing.T) {
	f, err := config.Load("debian/subfive.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if want := "/var/lib/" + unit(t)["StateDirectory"]; f.Server.DataDir != want {
		t.Errorf("data_dir is %s, the unit's is %s", f.Server.DataDir, want)
	}
}

func TestControl(t *testing.T) {
	fields := map[string]string{}
	for line := range strings.Lines(read(t, "debian/control")) {
		if key, value, found := strings.Cut(line, ": "); found && !strings.HasPrefix(line, " ") {
			fields[key] = strings.TrimSpace(value)
		}
	}
	for _, key := range []string{"Package", "Version", "Architecture", "Maintainer", "Depends", "Description"} {
		if fields[key] == "" {
			t.Errorf("control has no %s", key)
		}
	}
	for _, script := range []string{"debian/postinst", "debian/prerm", "debian/postrm", "../scripts/release.sh", "../scripts/deb.sh"} {
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", script, err, out)
		}
	}
}

type service struct {
	Build *struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	Healthcheck struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		StartPeriod string   `yaml:"start_period"`
		Retries     int      `yaml:"retries"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Restart         string   `yaml:"restart"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
	ReadOnly        bool     `yaml:"read_only"`
	Tmpfs           []string `yaml:"tmpfs"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	ShmSize         string   `yaml:"shm_size"`
}

func TestCompose(t *testing.T) {
	var file struct {
		Services map[string]service  `yaml:"services"`
		Volumes  map[string]struct{} `yaml:"volumes"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(read(t, "docker/compose.yaml")), &file, yaml.DisallowUnknownField()); err != nil {
		t.Fatal(err)
	}
	ours, db := file.Services["subfive"], file.Services["db"]
	if ours.Build == nil {
		t.Fatal("subfive is not built")
	}
	if _, err := os.Stat(filepath.Join("docker", ours.Build.Context, ours.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	variables(t, slices.Collect(maps.Keys(ours.Environment)))
	if !slices.Contains(ours.Volumes, "data:/data") || slices.Contains(ours.Tmpfs, "/data") {
		t.Errorf("the journal is not on a disk: volumes %v, tmpfs %v", ours.Volumes, ours.Tmpfs)
	}
	for _, wanted := range []string{"fsync=on", "synchronous_commit=on"} {
		if !slices.Contains(db.Command, wanted) {
			t.Errorf("the database runs without %s", wanted)
		}
	}
	if ours.DependsOn["db"].Condition != "service_healthy" || !ours.ReadOnly {
		t.Error("it starts before the database, or may write anywhere")
	}
	commands(t, "subfive "+strings.Join(ours.Command, " "))
	if health := strings.Join(ours.Healthcheck.Test, " "); !strings.HasSuffix(health, "/readyz") {
		t.Errorf("health is asked by %s", health)
	}
}

func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(read(t, "docker/Dockerfile"), "\\\n", " ")
	last := map[string]string{}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "", "#":
		case "FROM", "WORKDIR", "COPY", "RUN", "ARG", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD":
			last[word] = rest
		default:
			if !strings.HasPrefix(word, "#") {
				t.Errorf("there is no instruction %s", word)
			}
		}
		if word == "FROM" && strings.Contains(rest, "/") {
			t.Errorf("%s is not an official image", rest)
		}
		if word == "COPY" && !strings.Contains(rest, "--from") {
			for _, source := range strings.Fields(rest)[:1] {
				if _, err := os.Stat(filepath.Join("..", source)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if user, _, _ := strings.Cut(last["USER"], ":"); last["FROM"] != "scratch" || user == "" || user == "0" || user == "root" {
		t.Errorf("FROM %s, USER %s", last["FROM"], last["USER"])
	}
	var names []string
	for pair := range strings.FieldsSeq(last["ENV"]) {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "SUBFIVE_") {
			names = append(names, name)
		}
	}
	variables(t, names)
	if last["VOLUME"] != "/data" || !strings.Contains(last["ENV"], "SUBFIVE_DATA_DIR=/data") || !strings.Contains(last["HEALTHCHECK"], "/readyz") {
		t.Errorf("VOLUME %s, ENV %s, HEALTHCHECK %s", last["VOLUME"], last["ENV"], last["HEALTHCHECK"])
	}
	commands(t, "subfive "+strings.Trim(last["CMD"], `[]"`))
	// All builds are built alike.
	for name, build := range map[string]string{"Dockerfile": text, "release.sh": read(t, "../scripts/release.sh"), "deb.sh": read(t, "../scripts/deb.sh")} {
		for _, flag := range []string{"-tags nomsgpack", "-trimpath", "-X subfive.Version=", "CGO_ENABLED=0"} {
			if !strings.Contains(build, flag) {
				t.Errorf("%s builds without %s", name, flag)
			}
		}
	}
}

// documented are the lines of the guides that run the program.
var documented = regexp.MustCompile(`(?m)^ {4}(?:[0-9* ]+ subfive |sudo -u subfive |\S+=\S+ )?(subfive .*)$`)

func TestGuides(t *testing.T) {
	for _, guide := range []string{"install", "backup", "proxy"} {
		text := read(t, "../docs/"+guide+".md")
		found := documented.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s.md shows no command", guide)
		}
		for _, m := range found {
			commands(t, m[1])
		}
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if _, err := config.Parse(guide+".md", []byte(m[1]), func(string) (string, bool) { return "", false }); err != nil {
				t.Error(err)
			}
		}
		variables(t, regexp.MustCompile(`SUBFIVE_[A-Z_]+`).FindAllString(text, -1))
	}
}

// variables checks that environment variables are ones that the program reads.
func variables(t *testing.T, names []string) {
	t.Helper()
	known := settings(reflect.TypeFor[config.Server](), "SUBFIVE")
	for _, name := range names {
		if name != "SUBFIVE_CONFIG" && !slices.Contains(known, name) {
			t.Errorf("no setting is read from %s", name)
		}
	}
}

func settings(s reflect.Type, prefix string) (all []string) {
	for i := range s.NumField() {
		tag, _, _ := strings.Cut(s.Field(i).Tag.Get("yaml"), ",")
		name := prefix + "_" + strings.ToUpper(tag)
		all = append(all, name)
		if s.Field(i).Type.Kind() == reflect.Struct {
			all = append(all, settings(s.Field(i).Type, name)...)
		}
	}
	return all
}

// commands checks that a command line of the program names a command that there
// is, with flags that it has.
func commands(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)[1:]
	var path []string
	for _, w := range words {
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(w) || len(path) == 2 {
			break
		}
		path = append(path, w)
	}
	help := helpOf(t, path)
	if len(path) > 1 && !strings.Contains(help, "subfive "+strings.Join(path, " ")+" ") {
		help = helpOf(t, path[:1]) // the second word was an argument
	}
	if len(path) == 0 || !strings.Contains(help, "subfive "+path[0]) {
		t.Errorf("%q: there is no such command", line)
	}
	for _, w := range words {
		flag, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(flag, "--") && !strings.Contains(help, " "+flag+" ") && !strings.Contains(help, " "+flag+"\n") {
			t.Errorf("%q: there is no flag %s", line, flag)
		}
	}
}

func helpOf(t *testing.T, path []string) string {
	t.Helper()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, append(path, "-h")...).CombinedOutput()
	if err != nil {
		t.Errorf("subfive %s -h: %v", strings.Join(path, " "), err)
	}
	return string(out)
}

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "subfive-packaging-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "subfive")
	out, err := exec.Command("go", "build", "-tags", "nomsgpack", "-o", path, "../cmd/subfive").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a folder that is left harms nothing
	}
	os.Exit(code)
}
