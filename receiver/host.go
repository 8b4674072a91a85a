package receiver

import "fmt"

// onHost leaves of a route what its host serves: a click, and all that belongs
// to one, is nothing on a host for postbacks or for the operator alone. A
// postback is taken at every host: one that is refused may be the network's
// last. What only looks like one is none on a host that is not for them.
func (r *Receiver) onHost(rt route, host string) route {
	if r.cfg.Serves == nil || rt.kind == routeNowhere {
		return rt
	}
	clicks, postbacks := r.cfg.Serves(host)
	if rt.kind == routePostback && (postbacks || !rt.wrongPath) || rt.kind != routePostback && clicks {
		return rt
	}
	return route{}
}

// hostHint says to send postbacks elsewhere, where a host is not for them.
func (r *Receiver) hostHint(host string) string {
	if r.cfg.Serves == nil {
		return ""
	}
	if _, postbacks := r.cfg.Serves(host); postbacks {
		return ""
	}
	return fmt.Sprintf("host %q is not for postbacks: it was taken all the same; use %s/conversion", host, r.cfg.PublicURL)
}
