package sheets

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// shortestSecret is ours: whoever finds the URL can try secrets.
const shortestSecret = 16

// settings are what sample.yaml explains.
type settings struct {
	URL            string `yaml:"url"`
	Secret         string `yaml:"secret"`
	AllowSensitive bool   `yaml:"allow_sensitive"`
}

// webApp is the URL that Apps Script shows after a deployment; that of a
// Workspace domain names the domain.
var webApp = regexp.MustCompile(`^https://script\.google\.com/(?:a/macros/[A-Za-z0-9.-]+|macros)/s/([A-Za-z0-9_-]+)/(exec|dev)$`)

// complete fills in defaults and checks all of it.
func (s *settings) complete() error {
	s.URL, s.Secret = strings.TrimSpace(s.URL), strings.TrimSpace(s.Secret)
	return errors.Join(s.checkURL(), s.checkSecret())
}

func (s *settings) checkURL() error {
	form := webApp.FindStringSubmatch(s.URL)
	switch {
	case s.URL == "":
		return errors.New("url is missing: Apps Script shows it under Deploy → Manage deployments, as Web app")
	case form == nil:
		return errors.New("url has not the form https://script.google.com/macros/s/…/exec")
	case form[2] == "dev":
		return errors.New("url ends in /dev, which works for a logged-in person alone: take the one that ends in /exec")
	}
	return nil
}

func (s *settings) checkSecret() error {
	switch {
	case s.Secret == "":
		return errors.New("secret is missing: the same text as SECRET in the script")
	case len(s.Secret) < shortestSecret:
		return fmt.Errorf("secret is shorter than %d characters: anyone who finds the URL could guess it", shortestSecret)
	case strings.ContainsFunc(s.Secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("secret contains white space or other characters than ASCII's")
	}
	return nil
}

// deployment returns the part of the URL that names the web app.
func (s *settings) deployment() string { return webApp.FindStringSubmatch(s.URL)[1] }
