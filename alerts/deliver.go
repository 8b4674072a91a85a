package alerts

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"subfive"
)

const (
	// Within messagesIn a channel gets at most maxMessages; when more are due,
	// one message holds them all.
	maxMessages = 10
	messagesIn  = 10 * time.Minute
	// sendWithin bounds a channel's messages of one round. It is shorter than
	// retryFirst, so that no other process takes up what is being sent.
	sendWithin = 12 * time.Second
)

// Channel is a way to a person.
type Channel struct {
	Name   string
	Sender Sender
}

// Sender sends a message. Its error says why in words that hold no secret; one
// that is a Later says when to try again.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Later is an error of a Sender that was told to wait.
type Later struct {
	Reason string
	Wait   time.Duration
}

// Error returns the reason.
func (l Later) Error() string { return l.Reason }

// Partly is an error of a Sender that told some of a channel's people, but not
// all: that is not tried again.
type Partly struct{ Reason string }

// Error returns the reason.
func (p Partly) Error() string { return p.Reason }

// parcel is one message of a channel.
type parcel struct {
	channel Channel
	message Message
	err     error
}

// deliver sends what is due, each channel's messages one after the other, all
// channels at once.
func (w *Watch) deliver(ctx context.Context) {
	var all [][]*parcel
	for _, c := range w.cfg.Channels {
		all = append(all, w.pack(ctx, c))
	}
	var sends sync.WaitGroup
	for _, parcels := range all {
		sends.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, sendWithin)
			defer cancel()
			for _, p := range parcels {
				p.err = p.channel.Sender.Send(ctx, p.message)
			}
		})
	}
	sends.Wait()
	for _, parcels := range all {
		for _, p := range parcels {
			if _, partly := errors.AsType[Partly](p.err); partly {
				w.cfg.Log.WarnContext(ctx, "an alert did not reach everybody of a channel: subfive alerts test says whom", "channel", p.channel.Name)
				p.err = nil
			}
			w.cfg.Told(p.channel.Name, p.err)
			if p.err != nil {
				w.cfg.Log.ErrorContext(ctx, "send an alert; it is tried again", "channel", p.channel.Name, "err", p.err)
			}
			for _, item := range p.message.Items {
				w.settle(context.WithoutCancel(ctx), item, p) // it is sent: forgetting that would send it twice
			}
		}
	}
}

// pack claims what is due for a channel and puts it into messages: one each, or
// one for all when there would be too many.
func (w *Watch) pack(ctx context.Context, c Channel) []*parcel {
	now := w.cfg.Now()
	sent := slices.DeleteFunc(w.sent[c.Name], func(at time.Time) bool { return now.Sub(at) >= messagesIn })
	w.sent[c.Name] = sent
	left := maxMessages - len(sent)
	var due []subfive.Alert
	for _, a := range w.Alerts() {
		if a.Node != "" && a.Node != w.cfg.Node {
			continue
		}
		if i := owed(a, c.Name); i >= 0 && !a.Owed[i].NextAt.IsZero() && !a.Owed[i].NextAt.After(now) {
			due = append(due, a)
		}
	}
	if left == 0 {
		return nil // they stay due
	}
	var items []Item
	for _, a := range due {
		if item, ok := w.claim(ctx, a, c.Name, now); ok {
			items = append(items, item)
		}
	}
	var parcels []*parcel
	for group := range slices.Chunk(items, max(1, chunk(len(items), left))) {
		parcels = append(parcels, &parcel{channel: c, message: Message{SentAt: now, Host: w.cfg.Host, Items: group}})
		w.sent[c.Name] = append(w.sent[c.Name], now)
	}
	return parcels
}

// chunk is how many of n alerts a message tells of, when so many messages are
// left.
func chunk(n, left int) int {
	if n <= left {
		return 1
	}
	return n
}

// owed returns where a channel's message is, or -1.
func owed(a subfive.Alert, channel string) int {
	return slices.IndexFunc(a.Owed, func(m subfive.AlertMessage) bool { return m.Channel == channel })
}

// claim sets the next try before this one is made, and reports whether this
// process is the one to make it.
func (w *Watch) claim(ctx context.Context, a subfive.Alert, channel string, now time.Time) (Item, bool) {
	a.Owed = slices.Clone(a.Owed)
	m := &a.Owed[owed(a, channel)]
	m.Tries++
	m.NextAt = retryAt(*m, now)
	return w.item(a, *m), w.keep(ctx, a)
}

// settle writes down how a message ended. Whoever muted the alert meanwhile is
// no reason to forget it. What another process owes the channel since then, a
// recovery for example, is another message and stays.
func (w *Watch) settle(ctx context.Context, sent Item, p *parcel) {
	for range 3 {
		a, ok := w.alert(sent.ID)
		i := owed(a, p.channel.Name)
		if !ok || i < 0 || a.Owed[i].Event != sent.Event || !a.Owed[i].At.Equal(sent.At) {
			return
		}
		a.Owed = slices.Clone(a.Owed)
		if p.err == nil {
			a.Owed = slices.Delete(a.Owed, i, i+1)
		} else {
			m := &a.Owed[i]
			m.Error = p.err.Error()
			if later, ok := errors.AsType[Later](p.err); ok && !m.NextAt.IsZero() {
				if at := w.cfg.Now().Add(later.Wait); at.After(m.NextAt) {
					m.NextAt = at
				}
			}
		}
		if w.keep(ctx, a) {
			return
		}
		w.read(ctx)
	}
}

func (w *Watch) alert(id string) (subfive.Alert, bool) {
	a, ok := w.alerts[id]
	return a, ok
}

// item is what a message tells of an alert.
func (w *Watch) item(a subfive.Alert, m subfive.AlertMessage) Item {
	item := Item{
		Event: m.Event, ID: a.ID, Rule: a.Rule, Subject: a.Subject, What: a.What, Do: a.Do, See: a.See, Since: a.Since, At: m.At,
	}
	if w.cfg.PublicURL != "" {
		item.Link = w.cfg.PublicURL + "/api/v1/alerts/" + a.ID
	}
	return item
}

// Tried is how a channel took a test.
type Tried struct {
	Channel string
	Err     error
}

// Test sends a test through each channel.
func Test(ctx context.Context, channels []Channel, host string, now time.Time) []Tried {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	tried := make([]Tried, len(channels))
	var sends sync.WaitGroup
	for i, c := range channels {
		sends.Go(func() {
			tried[i] = Tried{c.Name, c.Sender.Send(ctx, Message{SentAt: now, Host: host, Items: []Item{{
				Event: subfive.EventTest, What: "This is a test: alerts of subfive arrive here.", Do: "Nothing.", See: "subfive alerts", Since: now, At: now,
			}}})}
		})
	}
	sends.Wait()
	return tried
}
