package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Replay asks for deliveries to be sent again, with the event IDs they had. A
// field left empty does not narrow; at least one does.
type Replay struct {
	DeliveryIDs   []string // at most 256
	ConversionID  string
	DestinationID string
	Status        subfive.DeliveryStatus
	ReasonCode    string
	// Since and Until bound when a delivery was made, Until not included.
	Since, Until time.Time
	// DryRun only says what would happen.
	DryRun bool
	// Force sends again what was delivered, or may have been and is past the
	// platform's memory: it may count twice there.
	Force bool
	// After is how long the sending is put off, so that it can be undone.
	After time.Duration
	// By is who asks.
	By string
}

// maxReplayIDs is how many deliveries one call can name.
const maxReplayIDs = 256

// replayBody is a Replay as it is sent.
type replayBody struct {
	DeliveryIDs   []string               `json:"delivery_ids"`
	ConversionID  string                 `json:"conversion_id"`
	DestinationID string                 `json:"destination_id"`
	Status        subfive.DeliveryStatus `json:"status"`
	ReasonCode    string                 `json:"reason_code"`
	Since         string                 `json:"since"`
	Until         string                 `json:"until"`
	DryRun        bool                   `json:"dry_run"`
	Force         bool                   `json:"force"`
	After         string                 `json:"after"`
}

func (d *Dashboard) replay(c *gin.Context) (any, error) {
	var b replayBody
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	r, err := b.parse(d.cfg.Now())
	if err != nil {
		return nil, err
	}
	r.By = actor(c)
	return d.cfg.Backend.Replay(c.Request.Context(), r)
}

func (b replayBody) parse(now time.Time) (r Replay, err error) {
	r = Replay{
		DeliveryIDs: b.DeliveryIDs, ConversionID: b.ConversionID, DestinationID: b.DestinationID, Status: b.Status,
		ReasonCode: b.ReasonCode, DryRun: b.DryRun, Force: b.Force,
	}
	if err := b.check(); err != nil {
		return r, err
	}
	if r.After, err = after(b.After); err != nil {
		return r, err
	}
	if b.Since != "" {
		if r.Since, err = moment("since", b.Since, now); err != nil {
			return r, err
		}
	}
	if b.Until != "" {
		if r.Until, err = moment("until", b.Until, now); err != nil {
			return r, err
		}
	}
	return r, checkSpan(r.Since, r.Until)
}

func (b replayBody) check() error {
	narrows := b.ConversionID + b.DestinationID + string(b.Status) + b.ReasonCode + b.Since + b.Until
	switch {
	case narrows == "" && len(b.DeliveryIDs) == 0:
		return bad("name some of delivery_ids, conversion_id, destination_id, status, reason_code, since, until", "this would send everything again")
	case !isText(narrows):
		return bad("leave out characters that are no text", "a value has a NUL")
	}
	if err := checkIDs(b.DeliveryIDs, maxReplayIDs); err != nil {
		return err
	}
	if b.Status != "" {
		return oneOf("status", string(b.Status), plain(deliveryStatuses()))
	}
	return nil
}

// checkIDs refuses deliveries that no call can name.
func checkIDs(ids []string, most int) error {
	switch {
	case len(ids) > most:
		return bad(fmt.Sprintf("name at most %d at once", most), "delivery_ids has %d", len(ids))
	case !isText(strings.Join(ids, "")):
		return bad("leave out characters that are no text", "a value has a NUL")
	case slices.Contains(ids, ""):
		return bad("leave it out", "delivery_ids has an empty one")
	}
	return nil
}
