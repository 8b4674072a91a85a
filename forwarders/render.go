package forwarders

import (
	"errors"
	"fmt"

	"subfive"
)

// The codes of what we refuse ourselves, beside those of the platforms.
const (
	codeUnsendable = "unsendable"      // the platform's rules allow no such event
	codeTooLarge   = "too_large"       // it is larger than a whole request may be
	codeUserData   = "user_data"       // the sealed user data can't be opened: the key was changed?
	codeBatchFull  = "batch_full"      // it goes with the next request
	codeDryRun     = "dry_run"         // it was never to be sent
	codeAddress    = "address_refused" // the host has a private address and is not allowed by name
)

// load renders deliveries into one batch, as many as fit. It returns their
// places in ds; of the others it writes the outcome.
func (s *Sender) load(d *destination, ds []subfive.Delivery, outcomes []subfive.Outcome) (b Batch, loaded []int) {
	// The other fifth is for the envelope and for what credentials add.
	room := d.Platform.MaxBytes / 5 * 4
	for i := range ds {
		if ds[i].Mode == subfive.ModeDryRun {
			outcomes[i] = d.refused(coded{codeDryRun, errors.New("a dry run's delivery is never sent")})
			continue
		}
		event, err := s.render(d, ds[i])
		switch {
		case err != nil:
			outcomes[i] = d.refused(err)
			continue
		case len(event) > room:
			outcomes[i] = d.refused(coded{codeTooLarge, fmt.Errorf("the event is %d bytes, %s takes %d", len(event), d.Platform.Name, room)})
			continue
		case len(loaded) > 0 && b.size()+len(event)+1 > room, len(loaded) == d.Platform.MaxBatch:
			outcomes[i] = subfive.Outcome{Class: subfive.Deferred, Code: codeBatchFull, Message: "the request was full; it goes with the next one"}
			continue
		}
		loaded = append(loaded, i)
		b = batchOf(ds[i], append(b.Events, event))
	}
	return b, loaded
}

// batchOf returns a batch of events of d's kind and mode.
func batchOf(d subfive.Delivery, events [][]byte) Batch {
	return Batch{Kind: d.Kind, Test: d.Mode == subfive.ModeTest, Events: events}
}

// size is the events' length with a separator each.
func (b Batch) size() int {
	n := len(b.Events)
	for _, e := range b.Events {
		n += len(e)
	}
	return n
}

// coded is an error of one delivery with its code.
type coded struct {
	code string
	error
}

// refused is the outcome of a delivery that we refuse ourselves.
func (d *destination) refused(err error) subfive.Outcome {
	code := codeUnsendable
	if c, ok := errors.AsType[coded](err); ok {
		code = c.code
	}
	return subfive.Outcome{Class: subfive.Rejected, Named: true, Code: code, Message: d.scrub.message(err.Error())}
}

// render opens a delivery's user data and renders it as the platform's event.
func (s *Sender) render(d *destination, delivery subfive.Delivery) ([]byte, error) {
	var err error
	if delivery.User, err = s.user(delivery); err != nil {
		return nil, coded{codeUserData, err}
	}
	delivery.SiteURL = s.cfg.SiteURL
	return d.Forwarder.Event(delivery)
}

// user returns the user data in the clear: the click's and the conversion's.
// Where both have a field a server's postback wins, and a pixel's never: anyone
// can call a pixel.
func (s *Sender) user(d subfive.Delivery) (map[string]string, error) {
	sealed := make(map[string]subfive.Sealed)
	if d.Click != nil {
		for field, v := range d.Click.UserData {
			sealed[field] = v
		}
	}
	for field, v := range d.Conversion.UserData {
		if _, ok := sealed[field]; !ok || d.Conversion.Via != subfive.ViaPixel {
			sealed[field] = v
		}
	}
	user := make(map[string]string, len(sealed))
	for field, v := range sealed {
		clear, err := s.cfg.Opener.Open(field, v.Box)
		if err != nil {
			return nil, fmt.Errorf("open the user data %s: %w", field, err)
		}
		user[field] = clear
	}
	return user, nil
}
