package config

import (
	_ "embed"
	"strings"
)

//go:embed sample.yaml
var sampleFile string

//go:embed sample_destination.yaml
var sampleDestination string

// PlatformSample is a platform's own settings, commented, for Sample.
type PlatformSample struct {
	Name     string
	Settings string // YAML, unindented
}

// Sample returns a whole subfive.yaml with comments, which Parse accepts. It has
// a destination for each platform given, and one of Meta's when none is.
func Sample(platforms ...PlatformSample) string {
	if len(platforms) == 0 {
		platforms = []PlatformSample{{"meta", "dataset_id: \"123456789012345\"\naccess_token: ${META_TOKEN}\n"}}
	}
	var b strings.Builder
	b.WriteString(sampleFile)
	for i, p := range platforms {
		if i == 0 {
			b.WriteString("  - id: " + p.Name + "-main\n    platform: " + p.Name + "\n" + sampleDestination)
		} else {
			b.WriteString("\n  - id: " + p.Name + "-main\n    platform: " + p.Name + "\n    mode: dry_run\n")
		}
		b.WriteString("    settings:                            # the platform's own\n")
		for line := range strings.Lines(strings.TrimRight(p.Settings, "\n") + "\n") {
			if strings.TrimSpace(line) == "" {
				b.WriteString("\n")
				continue
			}
			b.WriteString("      " + line)
		}
	}
	return b.String()
}
