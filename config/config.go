// Package config reads what a buyer wrote down: the file subfive.yaml and the
// environment, into a Server's settings and the root's resources.
//
// It is strict, because a misspelt key costs money in silence: whatever it does
// not understand is a Problem with its line and what to do, and all problems of
// a file are told at once. It applies nothing and knows no platform: a
// platform's own settings pass through as text, and its rules come in as a
// Platform.
package config

import (
	"fmt"
	"os"

	"subfive"
)

// Env looks an environment variable up, as os.LookupEnv does.
type Env = func(name string) (value string, ok bool)

// File is what a file and the environment say together.
type File struct {
	Server Server
	// Setup are the resources, complete: what the file leaves out has its
	// default. ${X} in them is a reference still; Resolve fills it in.
	Setup subfive.Setup
	// Lines says where a resource and each of its fields is written:
	// "destinations/meta-main" and "destinations/meta-main/mode". What is not in
	// the file has no line.
	Lines map[string]int
}

// Option changes how a file is read.
type Option func(*reader)

// WithPlatforms makes unknown platforms an error, and holds destinations to
// the rules of theirs.
func WithPlatforms(platforms map[string]Platform) Option {
	return func(r *reader) { r.platforms = platforms }
}

// Load reads the file at path, or the defaults when path is empty. Settings of
// the environment come before those of the file. An error about what is written
// is of type Problems.
func Load(path string, env Env, options ...Option) (File, error) {
	if path == "" {
		return Parse("", nil, env, options...)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return File{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data, env, options...)
}

// Parse is Load for a file's bytes; name is what problems call it.
func Parse(name string, data []byte, env Env, options ...Option) (File, error) {
	r := &reader{file: name, env: env, places: map[string]place{}, unread: map[string]bool{}}
	for _, o := range options {
		o(r)
	}
	doc := document{Server: defaultServer()}
	root := r.parse(data)
	if root != nil {
		r.document(root, &doc)
	}
	r.environment(&doc.Server)
	if len(r.problems) > 0 && root == nil && len(data) > 0 {
		return File{}, r.sorted() // unreadable: nothing more to say about it
	}
	setup := Complete(doc.setup(), r.platforms)
	r.letTestsCount(setup)
	r.checkServer(&doc.Server)
	checkSetup(setup, r.platforms, r.rule)
	if len(r.problems) > 0 {
		return File{}, r.sorted()
	}
	return File{Server: doc.Server, Setup: setup, Lines: r.lines(setup)}, nil
}

// document is the file: server settings and resources side by side.
type document struct {
	Server       `yaml:",inline"`
	Networks     []subfive.Network     `yaml:"networks"`
	Endpoints    []subfive.Endpoint    `yaml:"endpoints"`
	Sources      []subfive.Source      `yaml:"sources"`
	LandingPages []subfive.LandingPage `yaml:"landing_pages"`
	Offers       []subfive.Offer       `yaml:"offers"`
	Campaigns    []subfive.Campaign    `yaml:"campaigns"`
	Destinations []destination         `yaml:"destinations"`
}

// destination is a destination as written: its settings belong to the platform.
type destination struct {
	subfive.Destination `yaml:",inline"`
	Text                settingsText `yaml:"settings"`
}

// settingsText is a subtree kept as YAML text, with its comments.
type settingsText string

func (d document) setup() subfive.Setup {
	s := subfive.Setup{
		Networks: d.Networks, Endpoints: d.Endpoints, Sources: d.Sources,
		LandingPages: d.LandingPages, Offers: d.Offers, Campaigns: d.Campaigns,
	}
	for _, dest := range d.Destinations {
		dest.Settings = string(dest.Text)
		s.Destinations = append(s.Destinations, dest.Destination)
	}
	return s
}
