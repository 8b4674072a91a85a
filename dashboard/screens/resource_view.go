package screens

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// drawn is the page of a resource as t has it.
func (p *resourcePage) drawn(r *request, t tree) (page, error) {
	p.Origin, p.Archived, p.Platform = textOf("", t["origin"]), t["archived_at"], textOf("", t["platform"])
	p.FromFile = fromFile(p.Origin)
	v, err := r.viewer(p.Kind, t, p.Problem)
	if err != nil {
		return page{}, err
	}
	for _, f := range p.Kind.Fields {
		if p.Kind.folded(f.Path) {
			p.More = append(p.More, v.field(f))
		} else {
			p.Fields = append(p.Fields, v.field(f))
		}
	}
	p.Parts = v.parts(p.Kind)
	settings, err := p.settingFields(r)
	if err != nil {
		return page{}, err
	}
	p.Settings = v.fields(settings)
	if err := p.extras(r, t); err != nil {
		return page{}, err
	}
	title := p.ID
	if p.New {
		title = "New " + p.Kind.One
	}
	return page{Name: "resource", Title: title, Data: p}, nil
}

// extras is what else the page shows, of each kind its own.
func (p *resourcePage) extras(r *request, t tree) error {
	switch p.Kind.List {
	case "sources":
		return p.sourceExtras(r)
	case "offers":
		return p.offerExtras(r, t)
	case "campaigns":
		return p.campaignExtras(r)
	case "landing_pages":
		return p.landingExtras(r)
	case "endpoints":
		return p.endpointExtras(r)
	case "destinations":
		return p.destinationExtras(r, t)
	}
	return nil
}

// optional takes a refusal as nothing to show.
func optional(err error) error {
	var refused *Refused
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// platform is what the API tells of a platform.
type platform struct {
	Name        string                      `json:"name"`
	Sample      string                      `json:"sample"`
	MaxAge      string                      `json:"max_age"`
	DedupWindow string                      `json:"dedup_window"`
	TestsCount  []string                    `json:"tests_count"`
	BeforeLive  []struct{ ID, Text string } `json:"before_live"`
	Check       struct {
		Harmless  string `json:"harmless"`
		OnlyAsked bool   `json:"only_asked"`
		Code      string `json:"code"`
	} `json:"check"`
	Settings []struct {
		Path, Kind, Value, Note string
		Required, Secret        bool
	} `json:"settings"`
}

// sourceTemplate is what is known of a traffic source's links.
type sourceTemplate struct {
	Platform   string `json:"platform"`
	Where      string `json:"where"`
	NoRedirect bool   `json:"no_redirect"`
	Tokens     []struct {
		Dimension, Token string
		Unsure           bool
	} `json:"tokens"`
}

func (r *request) platforms() (all []platform, templates []sourceTemplate, err error) {
	var answer struct {
		Items   []platform
		Sources []sourceTemplate
	}
	err = r.get("/platforms", nil, &answer)
	return answer.Items, answer.Sources, err
}

func (r *request) platform(name string) (platform, error) {
	all, _, err := r.platforms()
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return platform{}, err
}

// settingFields are a platform's own, of its sample.
func (p *resourcePage) settingFields(r *request) ([]field, error) {
	if p.Kind.List != "destinations" || p.Platform == "" {
		return nil, nil
	}
	platform, err := r.platform(p.Platform)
	if err != nil {
		return nil, err
	}
	var fields []field
	for _, s := range platform.Settings {
		f := field{Kind: s.Kind, Path: "settings." + s.Path, Label: s.Path, Hint: s.Note, Required: s.Required, Short: s.Kind != kindText && s.Kind != kindMap}
		switch {
		case s.Kind == kindFlag:
			f.Kind = kindSwitch
		case s.Secret && s.Kind == kindText:
			f.Kind = kindSecret
		}
		if f.Hint != "" && !strings.HasSuffix(f.Hint, ".") {
			f.Hint += "."
		}
		if s.Value != "" && s.Kind == kindText && !strings.Contains(s.Value, "${") {
			f.Hint = strings.TrimSpace(f.Hint + " Such as " + strings.Trim(s.Value, `"`) + ".")
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (p *resourcePage) sourceExtras(r *request) error {
	if p.Platform == "" {
		return nil
	}
	_, templates, err := r.platforms()
	for i := range templates {
		if templates[i].Platform == p.Platform {
			p.Template = &templates[i]
		}
	}
	return err
}

// linkDifference is what becomes of a network's link.
type linkDifference struct {
	Pasted     string   `json:"pasted"`
	Ours       string   `json:"ours"`
	Slot       string   `json:"slot"`
	Parameters int      `json:"parameters"`
	Replaced   string   `json:"replaced"`
	Notes      []string `json:"notes"`
}

// Marked is a link with its slot marked.
func (l linkDifference) Marked(link string) template.HTML {
	i := strings.LastIndex(link, "?"+l.Slot+"=")
	if j := strings.LastIndex(link, "&"+l.Slot+"="); j > i {
		i = j
	}
	if i < 0 {
		return breakable(link)
	}
	end := len(link)
	if n := strings.IndexAny(link[i+1:], "&#"); n >= 0 {
		end = i + 1 + n
	}
	mark := "<wbr>" + template.HTMLEscapeString(link[i:i+1]) + "<mark>" + template.HTMLEscapeString(link[i+1:end]) + "</mark>"
	return breakable(link[:i]) + template.HTML(mark) + breakable(link[end:])
}

func (p *resourcePage) offerExtras(r *request, t tree) error {
	link := textOf("", t["link"])
	if link == "" || !(&view{request: r}).May() {
		return nil
	}
	body := map[string]string{"link": link}
	if slot := textOf("", t["click_slot"]); slot != "" {
		body["click_slot"] = slot
	}
	var d linkDifference
	err := r.send(http.MethodPost, "/links", body, &d)
	if err == nil {
		p.Link = &d
	}
	return optional(err)
}

// campaignLink is a campaign's link, ready to be pasted.
type campaignLink struct {
	URL     string   `json:"url"`
	Suffix  string   `json:"suffix"`
	Script  string   `json:"script"`
	Where   string   `json:"where"`
	Aliases []string `json:"aliases"`
	Params  []struct {
		Name, Token, Dimension string
		Unsure                 bool
	} `json:"params"`
	// Problem says why there is none.
	Problem *Refused `json:"-"`
}

func (r *request) linkOf(campaign string) (*campaignLink, error) {
	var l campaignLink
	err := r.get("/campaigns/"+url.PathEscape(campaign)+"/links", nil, &l)
	var refused *Refused
	if errors.As(err, &refused) {
		return &campaignLink{Problem: refused}, nil
	}
	return &l, err
}

func (p *resourcePage) campaignExtras(r *request) error {
	if p.New {
		return nil
	}
	var err error
	p.Links, err = r.linkOf(p.ID)
	return err
}

// landingScript is what a landing page needs for a campaign that shows it.
type landingScript struct{ Campaign, Line string }

func (p *resourcePage) landingExtras(r *request) error {
	if p.New {
		return nil
	}
	var answer struct{ Items []tree }
	if err := r.get("/campaigns", nil, &answer); err != nil {
		return err
	}
	for _, c := range answer.Items {
		if !shows(c, p.ID) {
			continue
		}
		id := textOf("", c["id"])
		l, err := r.linkOf(id)
		if err != nil {
			return err
		}
		if line := l.scriptOf(id); line != "" {
			p.Scripts = append(p.Scripts, landingScript{id, line})
		}
	}
	return nil
}

// shows reports whether a campaign shows a landing page.
func shows(t any, page string) bool {
	switch v := t.(type) {
	case tree:
		if v["landing"] == page {
			return true
		}
		for _, inner := range v {
			if shows(inner, page) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if shows(inner, page) {
				return true
			}
		}
	}
	return false
}

// scriptOf is the line that a campaign's landing page needs.
func (l campaignLink) scriptOf(campaign string) string {
	if l.Script != "" {
		return l.Script
	}
	site, _, ok := strings.Cut(l.URL, "/c/")
	if !ok {
		return ""
	}
	return `<script async src="` + site + `/subfive.js?c=` + url.QueryEscape(campaign) + `"></script>`
}

// postbackURL is an endpoint's, to be pasted at the network.
type postbackURL struct {
	URL    string                                    `json:"url"`
	Scope  string                                    `json:"scope"`
	Offer  string                                    `json:"offer_id"`
	Menus  []string                                  `json:"menus"`
	Macros []struct{ Name, Gives, Use string }       `json:"macros"`
	Extras []struct{ Add, Gives, Confidence string } `json:"extras"`
}

// Marked is the URL with its macros marked. Braces stay braces.
func (u postbackURL) Marked() template.HTML {
	var b strings.Builder
	for rest := u.URL; rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		name, left, closed := strings.Cut(after, "}")
		b.WriteString(string(breakable(before)))
		if !found || !closed {
			if found {
				b.WriteString(string(breakable("{" + after)))
			}
			break
		}
		b.WriteString("<mark>{" + template.HTMLEscapeString(name) + "}</mark>")
		rest = left
	}
	return template.HTML(b.String())
}

func (p *resourcePage) endpointExtras(r *request) error {
	if p.New || !(&view{request: r}).May() {
		return nil
	}
	body := map[string]string{}
	if offer := r.Query("offer"); offer != "" {
		body["offer_id"] = offer
	}
	var u postbackURL
	err := r.send(http.MethodPost, "/endpoints/"+url.PathEscape(p.ID)+"/url", body, &u)
	if err == nil {
		p.URL = &u
	}
	return optional(err)
}

// simulated is what came back of a simulation.
type simulated struct {
	OK           bool   `json:"ok"`
	ClickID      string `json:"click_id"`
	ConversionID string `json:"conversion_id"`
	Verdict      string `json:"verdict"`
	Note         string `json:"note"`
	Click        *simulatedCall
	Postback     *simulatedCall
}

type simulatedCall struct {
	OK       bool
	What, Do string
}

// simulateCampaign sends a test click, and a test postback of it.
func simulateCampaign(r *request) (said, error) {
	return r.simulate(r.id(), r.PostForm("only") == "click")
}

func (r *request) simulate(campaign string, onlyClick bool) (said, error) {
	body := map[string]any{"campaign_id": campaign}
	if onlyClick {
		body["only_click"] = true
	}
	var s simulated
	if err := r.send(http.MethodPost, "/simulate", body, &s); err != nil {
		return said{}, err
	}
	for _, call := range []*simulatedCall{s.Click, s.Postback} {
		if call != nil && !call.OK {
			return said{Text: call.What + ": " + call.Do, Bad: true}, nil
		}
	}
	switch {
	case s.ConversionID != "":
		return said{Text: "A test click and its postback went through the public address: conversion " + s.ConversionID + ", " + words(s.Verdict) + ". " + s.Note}, nil
	case s.ClickID != "" && onlyClick:
		return said{Text: "A test click went through the public address: " + s.ClickID}, nil
	}
	return said{Text: strings.TrimSpace("The postback was taken. " + s.Note)}, nil
}
