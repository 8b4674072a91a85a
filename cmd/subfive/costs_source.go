package main

import (
	"slices"
	"strings"

	"subfive"
	"subfive/costs"
)

// prepare checks the flags.
func (i *costImport) prepare(a *app, setup subfive.Setup) error {
	f := i.flags
	i.reader = costs.Reader{Dates: costs.Dates(f.dates), Decimal: costs.Decimal(f.decimal), Now: a.now()}
	switch {
	case f.dates != "" && f.dates != string(costs.MonthFirst) && f.dates != string(costs.DayFirst):
		return usagef("--dates %s: there is mdy (month first) and dmy (day first)", f.dates)
	case f.decimal != "" && f.decimal != string(costs.DecimalPoint) && f.decimal != string(costs.DecimalComma):
		return usagef("--decimal %s: there is point (1,234.50) and comma (1.234,50)", f.decimal)
	case f.reject != "" && exists(f.reject):
		return usagef("--rejected %s: it is there already; name a new file", f.reject)
	}
	if f.currency != "" {
		code, ok := subfive.Currency(f.currency)
		if !ok {
			return usagef("--currency %s: write an ISO code, such as USD", f.currency)
		}
		i.flags.currency = code
	}
	i.given = map[string]costs.Field{}
	for _, m := range f.maps {
		at := strings.LastIndexByte(m, '=')
		if at <= 0 || at == len(m)-1 {
			return usagef("--map %s: write COLUMN=FIELD, such as --map \"Media cost=spend\"", m)
		}
		i.given[m[:at]] = costs.Field(m[at+1:])
	}
	return i.choose(setup)
}

// choose says whose export it is, and which sources its rows may be of.
func (i *costImport) choose(setup subfive.Setup) error {
	f := i.flags
	i.platform = costs.Platform(f.platform)
	if f.platform != "" && !slices.Contains(costs.Platforms(), i.platform) {
		return usagef("--platform %s: there is meta, tiktok, google, reddit and generic", f.platform)
	}
	if f.source != "" {
		source, ok := setup.Source(f.source)
		if !ok {
			return usagef("--source %s: there is no such source; there is: %s", f.source, sourceIDs(setup.Sources))
		}
		known := slices.Contains(costs.Platforms(), costs.Platform(source.Platform))
		switch {
		case f.platform == "" && known:
			i.platform = costs.Platform(source.Platform)
		case f.platform == "":
			i.platform = costs.Generic
		case i.platform != costs.Generic && f.platform != source.Platform:
			return usagef("--source %s is bought on %s, not on %s", f.source, source.Platform, f.platform)
		}
		i.sources = []subfive.Source{source}
		return nil
	}
	if f.platform == "" {
		return usagef("say whose export it is: --platform, or --source for one of %s", sourceIDs(setup.Sources))
	}
	for _, s := range setup.Sources {
		if s.Platform == f.platform || i.platform == costs.Generic {
			i.sources = append(i.sources, s)
		}
	}
	if len(i.sources) == 0 {
		return usagef("--platform %s: no source is bought there; there is: %s", f.platform, sourceIDs(setup.Sources))
	}
	return nil
}

func sourceIDs(sources []subfive.Source) string {
	var ids []string
	for _, s := range sources {
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 {
		return "none yet"
	}
	return strings.Join(ids, ", ")
}

// place says which source a row is of, or why none.
func (i *costImport) place(c costs.Cost) (subfive.Source, string) {
	if c.AccountID != "" {
		for _, s := range i.sources {
			if s.AccountID != "" && costs.AccountID(s.AccountID) == c.AccountID {
				return s, ""
			}
		}
	}
	if len(i.sources) > 1 {
		if c.AccountID == "" {
			return subfive.Source{}, "it names no account, and it may be of " + sourceIDs(i.sources) + "; say which: --source ID"
		}
		return subfive.Source{}, "no source has the account " + c.AccountID + "; set account_id on the source that it is"
	}
	s := i.sources[0]
	if c.AccountID != "" && s.AccountID != "" {
		return s, "it is of the account " + c.AccountID + ", and source " + s.ID + " is of " + s.AccountID
	}
	return s, ""
}
