// Package forwardertest holds a platform to the contract of package forwarders.
//
// A platform's test is one line:
//
//	func TestPlatform(t *testing.T) { forwardertest.Run(t, pinterest.Platform(), ".") }
//
// and the rest is data below the platform's testdata:
//
//	config.yaml                     its settings; NAME/config.yaml for one case alone
//	NAME/conversion.json            what happened, see Case
//	NAME/request.golden             what we say; "go test -update" writes it
//	answers/NAME.CLASS.http         an answer, and its class for a request of one event
//	answers/NAME.CLASS,CLASS.http   the same for a request of two or more events
//	status/NAME.CLASS.http          the same for what a Confirmer is told
//
// Credentials in config.yaml are recognized by their key's name (token, secret,
// key, password, credential) and must be at least eight bytes long.
//
// Each answer's code must be in the platform's Errors, if it has any, or in
// forwarders.OwnErrors.
//
// It tests the dialect and never the network: no request leaves.
package forwardertest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"subfive"
	"subfive/forwarders"
)

var update = flag.Bool("update", false, "write the request.golden files")

// T is what a check needs of *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Case is the form of conversion.json.
type Case struct {
	Delivery   subfive.Delivery   `json:"delivery"`
	Conversion subfive.Conversion `json:"conversion"`
	Click      *subfive.Click     `json:"click"`
	User       map[string]string  `json:"user"` // in the clear, as the Sender hands it over
	SiteURL    string             `json:"site_url"`
	Test       bool               `json:"test"` // sent as the platform's test event
}

// delivery returns the case as a Forwarder gets it.
func (c Case) delivery() subfive.Delivery {
	d := c.Delivery
	d.Conversion, d.Click, d.User, d.SiteURL = c.Conversion, c.Click, c.User, c.SiteURL
	return d
}

// Decode returns a strict decoder of settings in YAML, of the form that
// Platform.New takes.
func Decode(settings []byte) func(into any) error {
	return func(into any) error {
		err := yaml.NewDecoder(bytes.NewReader(settings), yaml.DisallowUnknownField()).Decode(into)
		if err == io.EOF { //nolint:errorlint // the decoder returns io.EOF itself for empty settings
			return nil
		}
		return err
	}
}

// Run checks platform against the data in dir/testdata.
func Run(t *testing.T, platform forwarders.Platform, dir string) {
	t.Helper()
	RunData(t, platform, filepath.Join(dir, "testdata"))
}

// RunData checks platform against the data in a folder of that form. A platform
// of several dialects has a folder for each.
func RunData(t *testing.T, platform forwarders.Platform, data string) {
	t.Helper()
	k, err := openData(platform, data)
	if err != nil {
		t.Fatal(err)
	}
	k.update = *update
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.guarded(t, k) })
	}
}

// kit is a platform with its data.
type kit struct {
	platform forwarders.Platform
	data     string // dir/testdata, or a dialect's folder
	config   []byte
	cases    []string
	update   bool
}

type check struct {
	name string
	run  func(t T, k *kit)
}

// guarded runs the check and reports a panic as a failure.
func (c check) guarded(t T, k *kit) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v", c.name, p)
		}
	}()
	c.run(t, k)
}

func checks() []check {
	return []check{
		{"platform", checkPlatform},
		{"settings", checkSettings},
		{"account", checkAccount},
		{"golden", checkGolden},
		{"pure", checkPure},
		{"limited use", checkLimitedUse},
		{"credentials", checkCredentials},
		{"answers", checkAnswers},
		{"dictionary", checkDictionary},
		{"strange answers", checkStrangeAnswers},
		{"confirmer", checkConfirmer},
	}
}

func open(platform forwarders.Platform, dir string) (*kit, error) {
	return openData(platform, filepath.Join(dir, "testdata"))
}

func openData(platform forwarders.Platform, data string) (*kit, error) {
	k := &kit{platform: platform, data: data}
	var err error
	if k.config, err = os.ReadFile(filepath.Join(k.data, "config.yaml")); err != nil {
		return nil, fmt.Errorf("read the platform's settings: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(k.data, "*", "conversion.json"))
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	for _, path := range found {
		k.cases = append(k.cases, filepath.Dir(path))
	}
	return k, nil
}

// load reads a case anew, so that two loads share no memory.
func (k *kit) load(dir string) (Case, error) {
	var c Case
	data, err := os.ReadFile(filepath.Join(dir, "conversion.json"))
	if err != nil {
		return c, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("read %s/conversion.json: %w", filepath.Base(dir), err)
	}
	return c, nil
}

// settings returns the case's own config.yaml, else the platform's.
func (k *kit) settings(dir string) []byte {
	own, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		return k.config
	}
	return own
}

func (k *kit) forwarder(settings []byte) (forwarders.Forwarder, error) {
	f, err := k.platform.New(Decode(settings), &http.Client{Transport: tokens{}})
	if err != nil {
		return nil, fmt.Errorf("make a forwarder: %w", err)
	}
	return f, nil
}

// request renders a case with a fresh Forwarder as one request of n events.
func (k *kit) request(dir string, n int) (forwarders.Forwarder, *http.Request, error) {
	c, err := k.load(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := k.forwarder(k.settings(dir))
	if err != nil {
		return nil, nil, err
	}
	r, err := render(f, c, n)
	return f, r, err
}

// tokens stands in for an OAuth token endpoint: Authorize may ask one.
type tokens struct{}

func (tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	const answer = `{"access_token":"forwardertest-access","token_type":"Bearer","expires_in":3600}`
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}
