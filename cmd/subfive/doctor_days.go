package main

import (
	"context"
	"fmt"
	"time"

	"subfive"
	"subfive/config"
	"subfive/everflow"
)

// zoneKeeper tells in which time zone days were counted, "" for none yet.
type zoneKeeper interface {
	StampedZone(ctx context.Context) (string, error)
}

// dayFindings says where days are not what reports take them for: counted in
// another time zone, or another in a source's ad account.
func dayFindings(ctx context.Context, k zoneKeeper, setup subfive.Setup, r config.Reporting, now time.Time) ([]everflow.Finding, error) {
	stamped, err := k.StampedZone(ctx)
	if err != nil {
		return nil, err
	}
	var all []everflow.Finding
	if stamped != "" && stamped != r.Timezone {
		all = append(all, everflow.NewFinding("days_zone", "reporting.timezone",
			fmt.Sprintf("days are counted in %s, reporting.timezone is %s", stamped, r.Timezone), "run: subfive rebuild days"))
	}
	for _, s := range setup.Sources {
		apart, err := zonesApart(s.Timezone, r.Timezone, now)
		if err != nil {
			return nil, fmt.Errorf("time zone of source %s: %w", s.ID, err)
		}
		if apart {
			all = append(all, everflow.NewFinding("source_zone", "source "+s.ID,
				fmt.Sprintf("its ad account's days are those of %s, reports' are those of %s", s.Timezone, r.Timezone),
				"set reporting.timezone to that of most of your ad accounts, then run: subfive rebuild days"))
		}
	}
	return all, nil
}

// zonesApart reports whether two time zones have other days in the year before
// now. A source without one has the reporting zone.
func zonesApart(source, reporting string, now time.Time) (bool, error) {
	if source == "" || source == reporting {
		return false, nil
	}
	a, err := time.LoadLocation(source)
	if err != nil {
		return false, err
	}
	b, err := time.LoadLocation(reporting)
	if err != nil {
		return false, err
	}
	for day := range 365 {
		at := now.AddDate(0, 0, -day)
		_, first := at.In(a).Zone()
		_, second := at.In(b).Zone()
		if first != second {
			return true, nil
		}
	}
	return false, nil
}
