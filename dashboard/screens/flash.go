package screens

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// said is what a form's sender is told on the page that follows.
type said struct {
	Text string `json:"text"`
	Bad  bool   `json:"bad,omitempty"` // it did not go as asked
	// Undo is the address of a form without fields that takes it back; empty: it
	// can't be.
	Undo string `json:"undo,omitempty"`
	// To is the page that follows; empty: the one before.
	To string `json:"-"`
}

const (
	saidCookie = "subfive_said"
	saidFor    = 60 // seconds
	saidMax    = 1500
)

// say keeps what is to be said on the next page. It travels with the person: no
// server needs to remember it.
func (r *request) say(s said) {
	if s.Text == "" {
		return
	}
	if len(s.Text) > saidMax {
		s.Text = s.Text[:saidMax]
	}
	data, err := json.Marshal(s)
	if err != nil {
		return // of two texts and a bool: it can't be
	}
	r.cookie(base64.RawURLEncoding.EncodeToString(data), saidFor)
}

// heard returns what was to be said, once.
func (r *request) heard() *said {
	c, err := r.Request.Cookie(saidCookie)
	if err != nil || c.Value == "" {
		return nil
	}
	r.cookie("", -1)
	data, err := base64.RawURLEncoding.DecodeString(c.Value)
	var s said
	if err != nil || json.Unmarshal(data, &s) != nil || s.Text == "" || s.Undo != "" && !local(s.Undo) {
		return nil
	}
	return &s
}

func (r *request) cookie(value string, age int) {
	_, safe := r.s.cfg.Client(r.Request)
	http.SetCookie(r.Writer, &http.Cookie{
		Name: saidCookie, Value: value, Path: Root, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: safe,
	})
}
