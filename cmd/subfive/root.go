package main

import (
	"github.com/spf13/cobra"

	"subfive"
)

// newRoot builds the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "subfive",
		Short: "The conversion tracker that a media buyer owns",
		Long: `subfive mints a click ID for each click, passes it to your network in sub5, takes the
network's postbacks in, finds the click, credits the campaign, and tells the ad platform.

Try it:   subfive demo
Run it:   subfive serve`,
		Version:       subfive.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v; see %s -h", err, c.CommandPath())
	})
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "the file (also SUBFIVE_CONFIG)")
	root.PersistentFlags().StringVar(&a.dataDir, "data-dir", "", "the data folder, instead of the file's data_dir")
	root.AddCommand(
		newServe(a), newDemo(a), newSandbox(a), newSimulate(a),
		newApply(a), newConfig(a), newDoctor(a), newPostbackURL(a),
		newCampaigns(a), newOffers(a), newSources(a), newEndpoints(a),
		newPostbacks(a), newClicks(a), newConversions(a), newDeliveries(a),
		newReplay(a), newPreview(a), newDestinations(a), newAlerts(a), newUsers(a), newTokens(a),
		newBackup(a), newRestore(a), newForget(a), newReconcile(a), newWatchdog(a), newStanding(a), newSupportBundle(a),
		newSQL(a), newLinks(a), newExport(a), newGoogle(a), newMigrate(a), newRebuild(a), newImport(a), newJournal(a), newPlatforms(a), newErrors(a), newVersion(a),
	)
	return root
}

// exactly and atMost are cobra's, with our exit status for a mistake.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %s; see %s -h", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}
