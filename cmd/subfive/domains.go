package main

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"subfive/config"
)

// domains says what each host name is for. A name holds with www. before it and
// without.
type domains struct {
	public string              // public_url's; "" if it has none
	roles  map[string][]string // by bare name
	names  []string            // as they are written, each once: those that need a certificate
	admin  bool                // a host of the operator's own exists
}

func newDomains(s config.Server) domains {
	h := domains{roles: map[string][]string{}}
	if u, err := url.Parse(s.PublicURL); err == nil {
		h.public = hostOnly(u.Host)
	}
	add := func(name string) {
		if name != "" && !slices.Contains(h.names, name) {
			h.names = append(h.names, name)
		}
	}
	add(h.public)
	for _, d := range s.Domains {
		name := hostOnly(d.Host)
		add(name)
		h.roles[bare(name)] = append(h.roles[bare(name)], d.Role)
		h.admin = h.admin || d.Role == config.RoleAdmin
	}
	return h
}

// hostOnly is a host without its port, as names are compared.
func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// bare is a name without www.
func bare(name string) string { return strings.TrimPrefix(name, "www.") }

// serves says whether a host is for clicks and for postbacks. One that is not
// listed is for both: what comes by an unknown name is not lost.
func (h domains) serves(host string) (clicks, postbacks bool) {
	roles, ok := h.roles[bare(hostOnly(host))]
	if !ok {
		return true, true
	}
	return slices.Contains(roles, config.RoleClick), slices.Contains(roles, config.RolePostback)
}

// operator reports whether a host shows the operator's side: one of his own, or,
// where there is none, each that has no other role.
func (h domains) operator(host string) bool {
	roles, ok := h.roles[bare(hostOnly(host))]
	if h.admin {
		return slices.Contains(roles, config.RoleAdmin)
	}
	return !ok
}

// ours reports whether a name is one of the listed hosts, www. or not: no other
// gets a certificate.
func (h domains) ours(name string) bool {
	return slices.ContainsFunc(h.names, func(own string) bool { return bare(own) == bare(hostOnly(name)) })
}

// operatorPath reports whether a path belongs to the operator's side.
func operatorPath(path string) bool {
	return path == "/metrics" || strings.HasPrefix(path, "/api/v1/") || screenPath(path)
}

// plain serves what comes without TLS beside it. Postbacks and clicks are
// answered as they are, without a detour: a network that was given http does not
// follow a redirect. The operator's side, with its token, is sent to https.
func (t *tracker) plain(public http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.file.Server.Admin.Listen != "" || !operatorPath(r.URL.Path) || !t.domains.operator(r.Host) {
			public.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "use https: a token must not travel in the clear", http.StatusForbidden)
			return
		}
		to := "https://" + t.domains.secureHost(r.Host, t.file.Server.PublicURL) + r.URL.RequestURI()
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	})
}

// secureHost is where a host's https is: itself, if it is one of ours, with the
// port of the public URL; else the public URL's. A stranger's name is never
// redirected to.
func (h domains) secureHost(host, publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return h.public
	}
	name := hostOnly(host)
	if !h.ours(name) {
		return u.Host
	}
	if port := u.Port(); port != "" {
		return net.JoinHostPort(name, port)
	}
	return name
}
