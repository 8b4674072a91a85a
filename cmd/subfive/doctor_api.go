package main

import (
	"context"
	"errors"

	"subfive/dashboard"
	"subfive/everflow"
)

// site is what the doctor must know of this tracker: its stored setup, else, as
// long as there is no database, the file's.
func (b *backend) site(ctx context.Context) (everflow.Site, error) {
	setup := b.t.file.Setup
	if st := b.t.store.Load(); st != nil {
		stored, err := st.Setup(ctx)
		if err != nil {
			return everflow.Site{}, err
		}
		setup = stored
	}
	macros, err := catalogue("", b.t.file.Server.DataDir)
	if err != nil {
		return everflow.Site{}, dashboard.Refusal{What: err.Error(), Do: "mend the file"}
	}
	return siteOf(b.t.file, b.t.app.withKeys(setup), macros), nil
}

// Examine examines a postback URL, for the REST API.
func (b *backend) Examine(ctx context.Context, text string) (any, error) {
	site, err := b.site(ctx)
	if err != nil {
		return nil, err
	}
	return everflow.NewDoctor(site).Examine(text), nil
}

// FollowLink follows a link hop by hop, for the REST API. Of private addresses it
// calls this tracker's own alone.
func (b *backend) FollowLink(ctx context.Context, link string, network bool) (any, error) {
	start, err := startOf(link)
	if err != nil {
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "paste the link that visitors click"}
	}
	site, err := b.site(ctx)
	if err != nil {
		return nil, err
	}
	r, err := b.t.app.followLink(ctx, start, site, b.t.file.Server.DataDir, linkFlags{followNetwork: network, allowOurs: true})
	if errors.Is(err, errFollowed) {
		return nil, dashboard.Refusal{What: errFollowed.Error(), Do: "try again tomorrow, or stop before the network"}
	}
	return r, err
}
