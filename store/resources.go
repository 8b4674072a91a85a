package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"subfive"
)

// ResourceKind names a kind of resource: a list of subfive.Setup.
type ResourceKind string

// The kinds of resource.
const (
	KindNetwork     ResourceKind = "network"
	KindEndpoint    ResourceKind = "endpoint"
	KindSource      ResourceKind = "source"
	KindLandingPage ResourceKind = "landing_page"
	KindOffer       ResourceKind = "offer"
	KindCampaign    ResourceKind = "campaign"
	KindDestination ResourceKind = "destination"
)

// Where a resource comes from, if not from a file. One from a file has the
// file's name and line, and is changed there alone.
const (
	OriginAPI     = "api"
	OriginDefault = "default"
)

// Resource is one resource as it is stored.
type Resource struct {
	Kind   ResourceKind
	ID     string
	Origin string
	// Value is the root's type: subfive.Network, subfive.Endpoint, …
	Value      any
	ArchivedAt time.Time
}

// row is a resource as it lies in its table: spec holds no secret, secret is
// what was sealed.
type row struct {
	kind       ResourceKind
	id         string
	spec       string
	secret     string
	origin     string
	archivedAt time.Time
}

// takeApart makes a row of a resource's value.
func takeApart(kind ResourceKind, value any) (r row, err error) {
	r.kind = kind
	switch v := value.(type) {
	case subfive.Network:
		r.id, r.secret, v.APIKey = v.ID, v.APIKey, ""
		value = v
	case subfive.Endpoint:
		r.id, r.secret, v.Key = v.ID, v.Key, ""
		value = v
	case subfive.Source:
		r.id = v.ID
	case subfive.LandingPage:
		r.id = v.ID
	case subfive.Offer:
		r.id = v.ID
	case subfive.Campaign:
		r.id, v.ArchivedAt = v.ID, nil
		value = v
	case subfive.Destination:
		r.id, r.secret, v.Settings, v.ArchivedAt = v.ID, v.Settings, "", nil
		value = v
	default:
		return r, fmt.Errorf("a %T is no resource", value)
	}
	if kindOf(value) != kind {
		return r, fmt.Errorf("a %T is no %s", value, kind)
	}
	spec, err := json.Marshal(value)
	r.spec = string(spec)
	return r, err
}

// Spec is what the audit keeps of a resource, one of the root's types by value:
// all but its secret.
func Spec(value any) (string, error) {
	r, err := takeApart(kindOf(value), value)
	return r.spec, err
}

// Respecified is a resource as a line of the audit has it, with the secret that
// now has.
func Respecified(kind ResourceKind, spec string, now any) (any, error) {
	r, err := takeApart(kind, now)
	if err != nil {
		return nil, err
	}
	r.spec = spec
	back, err := r.putTogether()
	return back.Value, err
}

func kindOf(value any) ResourceKind {
	switch value.(type) {
	case subfive.Network:
		return KindNetwork
	case subfive.Endpoint:
		return KindEndpoint
	case subfive.Source:
		return KindSource
	case subfive.LandingPage:
		return KindLandingPage
	case subfive.Offer:
		return KindOffer
	case subfive.Campaign:
		return KindCampaign
	case subfive.Destination:
		return KindDestination
	}
	return ""
}

func parse[T any](spec string, finish func(*T)) (any, error) {
	var v T
	err := json.Unmarshal([]byte(spec), &v)
	finish(&v)
	return v, err
}

// putTogether is the reverse of takeApart.
func (r row) putTogether() (Resource, error) {
	var archived *time.Time
	if !r.archivedAt.IsZero() {
		archived = &r.archivedAt
	}
	out := Resource{Kind: r.kind, ID: r.id, Origin: r.origin, ArchivedAt: r.archivedAt}
	var err error
	switch r.kind {
	case KindNetwork:
		out.Value, err = parse(r.spec, func(v *subfive.Network) { v.APIKey = r.secret })
	case KindEndpoint:
		out.Value, err = parse(r.spec, func(v *subfive.Endpoint) { v.Key = r.secret })
	case KindSource:
		out.Value, err = parse(r.spec, func(*subfive.Source) {})
	case KindLandingPage:
		out.Value, err = parse(r.spec, func(*subfive.LandingPage) {})
	case KindOffer:
		out.Value, err = parse(r.spec, func(*subfive.Offer) {})
	case KindCampaign:
		out.Value, err = parse(r.spec, func(v *subfive.Campaign) { v.ArchivedAt = archived })
	case KindDestination:
		out.Value, err = parse(r.spec, func(v *subfive.Destination) { v.Settings, v.ArchivedAt = r.secret, archived })
	}
	return out, wrap(string(r.kind)+" "+r.id, err)
}

// place names where a sealed value lies.
func (r row) place() string { return "resources/" + string(r.kind) + "/" + r.id + "/sealed" }

func (s *Store) seal(r row) (string, error) {
	if r.secret == "" {
		return "", nil
	}
	if s.sealer == nil {
		return "", fmt.Errorf("%s %s has a secret, and there is no key to seal it with", r.kind, r.id)
	}
	return s.sealer.SealBytes([]byte(r.secret), r.place())
}

func (s *Store) unseal(r row, box string) (string, error) {
	if box == "" {
		return "", nil
	}
	if s.sealer == nil {
		return "", fmt.Errorf("%s %s has a sealed secret, and there is no key to open it with", r.kind, r.id)
	}
	plain, err := s.sealer.OpenBytes(box, r.place())
	return string(plain), wrap("open the secret of "+string(r.kind)+" "+r.id, err)
}

// rows reads all resources by kind and ID.
func (t *tx) rows(ctx context.Context) (all []row, err error) {
	err = t.query(ctx, "resources", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("kind", "id", "spec", "sealed", "origin", "archived_at").From("resources").OrderBy("kind", "id")
		return text(b)
	}, nil, func(rows *sql.Rows) error {
		var r row
		var box string
		var archived int64
		if err := rows.Scan(&r.kind, &r.id, &r.spec, &box, &r.origin, &archived); err != nil {
			return err
		}
		r.archivedAt = subfive.FromMillis(archived)
		r.secret, err = t.s.unseal(r, box)
		all = append(all, r)
		return err
	})
	return all, err
}

// Resources returns all stored resources, archived ones too, by kind and ID.
func (s *Store) Resources(ctx context.Context) (all []Resource, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err = t.resources(ctx)
		return err
	})
	return all, wrap("read resources", err)
}

func (t *tx) resources(ctx context.Context) ([]Resource, error) {
	rows, err := t.rows(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Resource, len(rows))
	for i, r := range rows {
		if all[i], err = r.putTogether(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// versionSetting is the settings row that holds Setup.Version.
const versionSetting = "setup_version"

// SetupVersion returns the version of the setup: it has grown when the setup
// changed. 0: nothing was ever applied.
func (s *Store) SetupVersion(ctx context.Context) (version int64, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		version, err = t.setupVersion(ctx)
		return err
	})
	return version, wrap("read setup version", err)
}

func (t *tx) setupVersion(ctx context.Context) (int64, error) { return t.advanced(ctx, versionSetting) }

// advanced is how far a setting was moved.
func (t *tx) advanced(ctx context.Context, setting string) (int64, error) {
	value, err := t.s.settingIn(ctx, t, setting)
	if err != nil || value == "" {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

// Setup returns all that is configured. Archived campaigns and destinations are
// in it with the moment they were archived, and archived sources and offers as
// long as a campaign names them: its links keep working. The network and the
// endpoint that exist by themselves are in it too.
func (s *Store) Setup(ctx context.Context) (setup subfive.Setup, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		// The version first: what changes after it is read again at the next look.
		setup.Version, err = t.setupVersion(ctx)
		if err != nil {
			return err
		}
		all, err := t.resources(ctx)
		if err != nil {
			return err
		}
		version := setup.Version
		setup = assemble(all)
		setup.Version = version
		return nil
	})
	return setup, wrap("read setup", err)
}

func assemble(all []Resource) subfive.Setup {
	var s subfive.Setup
	named := map[string]bool{}
	for _, r := range all {
		if c, ok := r.Value.(subfive.Campaign); ok {
			named["source "+c.Source], named["offer "+c.Offer] = true, true
		}
	}
	for _, r := range all {
		live := r.ArchivedAt.IsZero() || named[string(r.Kind)+" "+r.ID]
		switch v := r.Value.(type) {
		case subfive.Campaign:
			s.Campaigns = append(s.Campaigns, v)
		case subfive.Destination:
			s.Destinations = append(s.Destinations, v)
		case subfive.Network:
			s.Networks = keep(s.Networks, v, live)
		case subfive.Endpoint:
			s.Endpoints = keep(s.Endpoints, v, live)
		case subfive.Source:
			s.Sources = keep(s.Sources, v, live)
		case subfive.LandingPage:
			s.LandingPages = keep(s.LandingPages, v, live)
		case subfive.Offer:
			s.Offers = keep(s.Offers, v, live)
		}
	}
	return withDefaults(s)
}

func keep[T any](all []T, v T, live bool) []T {
	if !live {
		return all
	}
	return append(all, v)
}

// withDefaults adds the network and the endpoint that exist by themselves.
func withDefaults(s subfive.Setup) subfive.Setup {
	if !slices.ContainsFunc(s.Networks, func(n subfive.Network) bool { return n.ID == subfive.DefaultNetwork }) {
		s.Networks = append(s.Networks, subfive.Network{ID: subfive.DefaultNetwork, Region: "us"})
	}
	if _, ok := s.Endpoint(subfive.DefaultEndpoint); !ok {
		s.Endpoints = append(s.Endpoints, subfive.Endpoint{
			ID: subfive.DefaultEndpoint, Network: subfive.DefaultNetwork, ClickParam: "click_id", DefaultStatus: subfive.StatusPending,
			EmptyClickID: subfive.EmptyFault, Repeats: subfive.RepeatsHold,
		})
	}
	return s
}

// ErrFromFile says that a resource comes from a file and is changed there.
var ErrFromFile = errors.New("it comes from the file")

// ErrHistory says that a destination with history can't be pointed at another
// account.
var ErrHistory = errors.New("it has history with another account")
