package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"subfive/forwarders/all"
)

func newPlatforms(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "platforms",
		Short: "List the platforms that can be told of conversions, and their limits",
		Example: `  subfive platforms
  subfive config sample meta`,
		Args: exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			var w rowWriter = &tableWriter{w: a.stdout}
			if json {
				w = &jsonWriter{w: a.stdout}
			}
			if err := w.head([]string{"platform", "told_of", "click_ids", "max_batch", "max_age", "deduplicates_for", "limited_data_use"}); err != nil {
				return err
			}
			for _, p := range all.Platforms() {
				age, dedup, limits := "no limit", "never", "no"
				if p.MaxAge > 0 {
					age = span(p.MaxAge)
				}
				if p.DedupWindow > 0 {
					dedup = span(p.DedupWindow)
				}
				if p.LimitedUse {
					limits = "yes"
				}
				told := strings.Join(words(p.Kinds...), " ")
				if err := w.row([]any{p.Name, told, strings.Join(p.ClickParams, " "), p.MaxBatch, age, dedup, limits}); err != nil {
					return err
				}
			}
			if err := w.close(); err != nil || json {
				return err
			}
			_, err := fmt.Fprintf(a.stdout, "\nSettings of one: subfive config sample %s\n", all.Platforms()[0].Name)
			return err
		},
	}
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	return c
}
