package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	tiktokMaxEvents = 1000
	tiktokMaxAhead  = time.Minute
	// tiktokMaxAge is no rule of TikTok's, which documents none for websites: a
	// time that is older is none in seconds.
	tiktokMaxAge = 365 * 24 * time.Hour
)

// below is the path of a key in an object.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// tiktokObject holds an object against the keys that are known for it.
func tiktokObject(o map[string]any, known map[string]check, lenient bool, path string) *tiktokError {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		c, ok := known[key]
		switch {
		case !ok && !lenient:
			return tiktokRefusal(below(path, key) + ": unexpected key")
		case !ok:
			continue
		}
		if problem := c(o[key]); problem != "" {
			return tiktokRefusal(below(path, key) + ": " + problem)
		}
	}
	return nil
}

func tiktokRequired(o map[string]any, path string, keys ...string) *tiktokError {
	for _, key := range keys {
		if _, ok := o[key]; !ok {
			return tiktokRefusal(below(path, key) + ": is required")
		}
	}
	return nil
}

// tiktokCheck is one event on trial.
type tiktokCheck struct {
	event      map[string]any
	user       map[string]any
	page       map[string]any
	properties map[string]any
	path       string
	at         time.Time // of the request
	lenient    bool
}

// checkTikTokEvent holds an event against all of TikTok's rules for websites,
// and against those of common sense where it has none.
func checkTikTokEvent(event map[string]any, path string, at time.Time, lenient bool) *tiktokError {
	c := tiktokCheck{event: event, path: path, at: at, lenient: lenient}
	c.user, _ = event["user"].(map[string]any)
	c.page, _ = event["page"].(map[string]any)
	c.properties, _ = event["properties"].(map[string]any)
	for _, rule := range []func() *tiktokError{
		func() *tiktokError { return tiktokObject(event, tiktokEvent, lenient, path) },
		func() *tiktokError {
			return tiktokRequired(event, path, "event", "event_time", "event_id", "user", "page")
		},
		c.name, c.time, c.userData, c.pageData, c.money, c.contents,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

// name refuses a standard name in another case: TikTok would take it for a
// custom event, which no campaign can be optimized for.
func (c tiktokCheck) name() *tiktokError {
	name, _ := c.event["event"].(string)
	for _, standard := range tiktokStandard {
		if name != standard && strings.EqualFold(name, standard) {
			return tiktokRefusal(fmt.Sprintf("%s: %q is spelled %q", below(c.path, "event"), name, standard))
		}
	}
	return nil
}

func (c tiktokCheck) time() *tiktokError {
	n, _ := c.event["event_time"].(json.Number)
	path := below(c.path, "event_time")
	seconds, err := n.Int64()
	if err != nil {
		return tiktokRefusal(path + ": must be an integer")
	}
	eventAt := time.Unix(seconds, 0)
	switch {
	case eventAt.After(c.at.Add(tiktokMaxAhead)):
		return tiktokRefusal(path + ": lies in the future; it counts seconds")
	case eventAt.Before(c.at.Add(-tiktokMaxAge)):
		return tiktokRefusal(path + ": is more than a year old; it counts seconds")
	}
	return nil
}

// userData refuses an event with nothing that TikTok matches by.
func (c tiktokCheck) userData() *tiktokError {
	path := below(c.path, "user")
	if err := tiktokObject(c.user, tiktokUser, c.lenient, path); err != nil {
		return err
	}
	for _, key := range []string{"ttclid", "ttp", "email", "phone", "external_id"} {
		if _, ok := c.user[key]; ok {
			return nil
		}
	}
	return tiktokRequired(c.user, path, "ip", "user_agent")
}

func (c tiktokCheck) pageData() *tiktokError {
	path := below(c.path, "page")
	if err := tiktokObject(c.page, tiktokPage, c.lenient, path); err != nil {
		return err
	}
	return tiktokRequired(c.page, path, "url")
}

// money wants value and currency together, and none below zero in an event that
// campaigns are optimized for.
func (c tiktokCheck) money() *tiktokError {
	path := below(c.path, "properties")
	if err := tiktokObject(c.properties, tiktokProperties, c.lenient, path); err != nil {
		return err
	}
	value, hasValue := c.properties["value"].(json.Number)
	_, hasCurrency := c.properties["currency"]
	name, _ := c.event["event"].(string)
	switch {
	case hasValue != hasCurrency:
		return tiktokRequired(c.properties, path, "value", "currency")
	case hasValue && strings.HasPrefix(value.String(), "-") && slices.Contains(tiktokStandard, name):
		return tiktokRefusal(below(path, "value") + ": can't be negative in a standard event")
	}
	return nil
}

func (c tiktokCheck) contents() *tiktokError {
	contents, _ := c.properties["contents"].([]any)
	for i, item := range contents {
		content, _ := item.(map[string]any)
		if err := tiktokObject(content, tiktokContent, c.lenient, fmt.Sprintf("%s.properties.contents.%d", c.path, i)); err != nil {
			return err
		}
	}
	return nil
}
