package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/store"
	"subfive/story"
)

// ownPlatform is how the dictionary of our own codes is asked for.
const ownPlatform = "own"

// errorEntry is a line of the dictionary as people and scripts get it.
type errorEntry struct {
	Platform string        `json:"platform"`
	Code     string        `json:"code"`
	Subcode  string        `json:"subcode,omitempty"`
	Class    subfive.Class `json:"class,omitempty"`
	Retried  bool          `json:"retried"`
	Means    string        `json:"means"`
	Do       string        `json:"do"`
}

func entryOf(platform string, e forwarders.Entry) errorEntry {
	return errorEntry{Platform: platform, Code: e.Code, Subcode: e.Subcode, Class: e.Class, Retried: e.Retried(), Means: e.Means, Do: e.Do}
}

func (e errorEntry) name() string { return joined("/", e.Code, e.Subcode) }

// retriedText says in a word or two what becomes of a delivery by itself.
func (e errorEntry) retriedText() string {
	switch {
	case e.Class == "":
		return "it depends"
	case e.Class == subfive.Unauthorized, e.Class == subfive.Misconfigured:
		return "once mended"
	case e.Retried:
		return "yes"
	}
	return "no"
}

// errorEntries returns the dictionary of a platform, of our own codes, or of
// all of them where platform is "". It is false for a platform that is none.
func errorEntries(platform string) ([]errorEntry, bool) {
	var entries []errorEntry
	for _, p := range all.Platforms() {
		if platform == "" || platform == p.Name {
			for _, e := range p.Errors {
				entries = append(entries, entryOf(p.Name, e))
			}
		}
	}
	if platform == "" || platform == ownPlatform {
		for _, e := range forwarders.OwnErrors() {
			entries = append(entries, entryOf(ownPlatform, e))
		}
	}
	_, known := all.Find(platform)
	return entries, known || platform == "" || platform == ownPlatform
}

// errorEntryOf returns the entry for one code, "CODE" or "CODE/SUBCODE", of a
// platform: its own or one of ours.
func errorEntryOf(platform, text string) (errorEntry, bool) {
	code, subcode, _ := strings.Cut(text, "/")
	entries := forwarders.OwnErrors()
	if p, ok := all.Find(platform); ok {
		entries = append(p.Errors, entries...)
	}
	e, ok := forwarders.Find(entries, code, subcode)
	e.Code, e.Subcode = code, subcode
	return entryOf(platform, e), ok
}

// dictionary is what was asked of it: one entry where a code was named.
func dictionary(platform, code string) (entries []errorEntry, problem string) {
	platform = strings.ToLower(platform)
	entries, known := errorEntries(platform)
	switch {
	case !known:
		return nil, fmt.Sprintf("there is no platform %q: name one of %s", platform, strings.Join(append(platformNames(), ownPlatform), ", "))
	case code == "":
		return entries, ""
	case platform == "":
		return nil, "a code means another thing on each platform: name the platform too"
	}
	e, ok := errorEntryOf(platform, code)
	if !ok {
		return nil, fmt.Sprintf("the dictionary has no %q of %s: the attempt has the platform's own message", code, platform)
	}
	return []errorEntry{e}, ""
}

func platformNames() []string {
	var names []string
	for _, p := range all.Platforms() {
		names = append(names, p.Name)
	}
	return names
}

func newErrors(a *app) *cobra.Command {
	var json, markdown bool
	c := &cobra.Command{
		Use:   "errors [PLATFORM [CODE[/SUBCODE]]]",
		Short: "Look up what a platform's answer means, and what to do about it",
		Long: `Looks up codes that platforms answer, and those of this program: what each means, whether the delivery is
sent again by itself, and what to change and where. ` + ownPlatform + ` names the codes of this program, which every platform
shares. In a code, ? stands for any digit and * for anything.`,
		Example: `  subfive errors meta
  subfive errors meta 100/33
  subfive errors ` + ownPlatform + ` too_old`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 2 {
				return usagef("%s takes a platform and a code; see %s -h", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := atMostOne(c.Flags(), "json", "markdown"); err != nil {
				return err
			}
			args = append(args, "", "")
			entries, problem := dictionary(args[0], args[1])
			switch {
			case problem != "":
				return usagef("%s", problem)
			case json:
				for _, e := range entries {
					if err := writeJSONLine(a.stdout, e); err != nil {
						return err
					}
				}
				return nil
			case markdown:
				return writeErrorsDocument(a.stdout, entries)
			case args[1] != "":
				p := &page{}
				p.explained(entries[0])
				_, err := fmt.Fprint(a.stdout, p)
				return err
			}
			return writeErrorsTable(a.stdout, entries)
		},
	}
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	c.Flags().BoolVar(&markdown, "markdown", false, "as docs/errors.md has it")
	return c
}

func (p *page) explained(e errorEntry) {
	p.title(strings.ToUpper(e.Platform) + " " + e.name())
	p.line("counts as", string(e.Class))
	p.line("sent again", e.retriedText())
	p.line("means", e.Means)
	p.line("do", e.Do)
}

func writeErrorsTable(w io.Writer, entries []errorEntry) error {
	t := &tableWriter{w: w}
	if err := t.head([]string{"platform", "code", "counts as", "sent again", "means"}); err != nil {
		return err
	}
	for _, e := range entries {
		if err := t.row([]any{e.Platform, e.name(), string(e.Class), e.retriedText(), e.Means}); err != nil {
			return err
		}
	}
	if err := t.close(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nWhat to do about one: subfive errors PLATFORM CODE")
	return err
}

// writeErrorsDocument writes docs/errors.md.
func writeErrorsDocument(w io.Writer, entries []errorEntry) error {
	var b strings.Builder
	b.WriteString("# What answers mean\n\n" +
		"`subfive errors` shows the same; this page is written by `subfive errors --markdown`. In a code, `?` stands for any digit\n" +
		"and `*` for anything. The codes of `" + ownPlatform + "` are this program's, with every platform.\n")
	platform := ""
	for _, e := range entries {
		if e.Platform != platform {
			platform = e.Platform
			b.WriteString("\n## " + platform + "\n\n| code | counts as | sent again | means | what to do |\n|---|---|---|---|---|\n")
		}
		cells := []string{"`" + e.name() + "`", string(e.Class), e.retriedText(), e.Means, e.Do}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explainedDelivery is a delivery with what its last code means.
type explainedDelivery struct {
	subfive.Delivery
	story.Meaning
}

// explainedAttempt is an attempt with what its answer means, and the command
// that sends its request again.
type explainedAttempt struct {
	subfive.Attempt
	story.Meaning
	Curl string `json:"curl,omitempty"`
}

func explained(platform string, class subfive.Class, code, subcode string) story.Meaning {
	p, _ := all.Find(platform)
	e := p.Explain(class, code, subcode)
	if code == "" {
		return story.Meaning{Means: e.Means, Do: e.Do}
	}
	if _, ours := forwarders.Find(p.Errors, code, subcode); !ours {
		platform = ownPlatform
	}
	x := story.Meaning{Means: e.Means, Do: e.Do}
	if _, known := errorEntryOf(platform, joined("/", code, subcode)); known {
		x.More = "subfive errors " + platform + " " + joined("/", code, subcode)
	}
	return x
}

// explainedStory is a story with what its codes mean, and told in words.
type explainedStory struct {
	store.Story
	Deliveries []explainedDelivery `json:"deliveries"`
	Attempts   []explainedAttempt  `json:"attempts"`
	story.Told
}

// explained adds to a story what its codes mean, and tells it.
func (t telling) explained() explainedStory {
	x := explainedStory{Story: t.Story, Deliveries: []explainedDelivery{}, Attempts: []explainedAttempt{}, Told: story.Tell(t.known())}
	platforms := map[string]string{}
	for _, d := range t.Deliveries {
		platforms[d.ID] = d.Platform
		x.Deliveries = append(x.Deliveries, explainedDelivery{d, explainDelivery(d, t.Attempts)})
	}
	for _, a := range t.Attempts {
		e := explainedAttempt{Attempt: a, Curl: story.Curl(a)}
		if len(a.Items) > 0 && !success(a.Outcome.Class) {
			e.Meaning = explained(platforms[a.Items[0].DeliveryID], a.Outcome.Class, a.Outcome.Code, a.Outcome.Subcode)
		}
		x.Attempts = append(x.Attempts, e)
	}
	return x
}

func success(c subfive.Class) bool { return c == subfive.Accepted || c == subfive.Submitted }

// explainDelivery says what stands between a delivery and the platform: the
// reason that is ours, else the platform's last answer.
func explainDelivery(d subfive.Delivery, attempts []subfive.Attempt) story.Meaning {
	class := subfive.Class(d.ReasonCode)
	_, ours := forwarders.Find(forwarders.OwnErrors(), d.ReasonCode, "")
	switch d.Status {
	case subfive.DeliveryDelivered, subfive.DeliveryTested, subfive.DeliverySubmitted:
		return story.Meaning{}
	case subfive.DeliverySkipped, subfive.DeliveryDryRun:
		return explained(ownPlatform, "", d.ReasonCode, "")
	case subfive.DeliveryScheduled, subfive.DeliveryDead:
		if ours && class != subfive.Rejected {
			return explained(ownPlatform, "", d.ReasonCode, "")
		}
	}
	if d.ReasonCode == "" && d.LastCode == "" {
		return story.Meaning{} // it was not tried yet
	}
	code, subcode := lastCode(d, attempts)
	return explained(d.Platform, class, code, subcode)
}

// lastCode is a delivery's last code, with the subcode that its attempt has.
func lastCode(d subfive.Delivery, attempts []subfive.Attempt) (code, subcode string) {
	for _, a := range slices.Backward(attempts) {
		mine := slices.ContainsFunc(a.Items, func(it subfive.AttemptItem) bool { return it.DeliveryID == d.ID })
		if mine && (d.LastCode == "" || a.Outcome.Code == d.LastCode) {
			return a.Outcome.Code, a.Outcome.Subcode
		}
	}
	return d.LastCode, ""
}
