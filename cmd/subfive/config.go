package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"subfive/config"
	"subfive/forwarders/all"
)

func newConfig(a *app) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check a file, or print a commented sample"}
	c.AddCommand(newConfigCheck(a), newConfigSample(a))
	return c
}

func newConfigCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE",
		Short:   "Check a file and say what is wrong, with line numbers",
		Example: "  subfive config check subfive.yaml",
		Args:    exactly(1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			a.configPath = args[0]
			f, err := a.file()
			if err != nil {
				return err
			}
			if _, err := a.checkSettings(f); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s is fine: %d campaigns, %d offers, %d destinations\n",
				args[0], len(f.Setup.Campaigns), len(f.Setup.Offers), len(f.Setup.Destinations))
			return nil
		},
	}
}

func newConfigSample(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sample [PLATFORM]",
		Short: "Print a commented sample file, or a platform's settings",
		Example: `  subfive config sample > subfive.yaml
  subfive config sample meta`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				p, ok := all.Find(args[0])
				if !ok {
					return usagef("there is no platform %q; see: subfive platforms", args[0])
				}
				fmt.Fprint(a.stdout, p.Sample)
				return nil
			}
			var samples []config.PlatformSample
			for _, p := range all.Platforms() {
				samples = append(samples, config.PlatformSample{Name: p.Name, Settings: p.Sample})
			}
			fmt.Fprint(a.stdout, config.Sample(samples...))
			return nil
		},
	}
}
