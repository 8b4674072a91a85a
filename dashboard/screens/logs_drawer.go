package screens

import (
	"net/url"
	"slices"
)

// drawer is one record beside its list.
type drawer struct {
	storyAnswer
	ID, Kind string
	// Delivery is what it is about on the outbound list.
	Delivery *openDelivery
	// Tries are the delivery's exchanges, the last one first.
	Tries []try
	Held  bool
	// Decide are the acts that wait for a person.
	Decide []storyAct
	Replay *storyAct
	// Asked is the request of a postback.
	Asked *storyEvent
	Fault *Refused
}

// try is one exchange, and which of all it was.
type try struct {
	storyAttempt
	N, Of int
}

// openDelivery is a delivery as the story has it.
type openDelivery struct {
	ID            string `json:"id"`
	ConversionID  string `json:"conversion_id"`
	DestinationID string `json:"destination_id"`
	Platform      string `json:"platform"`
	Kind          string `json:"kind"`
	Generation    int    `json:"generation"`
	Mode          string `json:"mode"`
	EventName     string `json:"event_name"`
	EventID       string `json:"event_id"`
	EventTime     string `json:"event_time"`
	Value         *struct {
		Amount   string `json:"amount"`
		Currency string `json:"currency"`
	} `json:"value"`
	Status      string `json:"status"`
	Reason      string `json:"reason"`
	ReasonCode  string `json:"reason_code"`
	CreatedAt   string `json:"created_at"`
	NextAt      string `json:"next_attempt_at"`
	DeadlineAt  string `json:"deadline_at"`
	DeliveredAt string `json:"delivered_at"`
	Attempts    int    `json:"attempts"`
	LastCode    string `json:"last_code"`
	meaning
}

// State is held while its destination is paused.
func (d drawer) State() string {
	switch {
	case d.Held:
		return "held"
	case d.Delivery != nil:
		return d.Delivery.Status
	}
	return d.storyAnswer.State
}

// drawer reads the record that the address opens. That there is none is said in
// its place.
func (r *request) drawer(l list, id string) (*drawer, error) {
	d := &drawer{ID: id, Kind: l.Kind}
	var whole struct {
		storyAnswer
		Deliveries []openDelivery `json:"deliveries"`
		Attempts   []struct {
			storyAttempt
			Items []struct {
				DeliveryID string `json:"delivery_id"`
			} `json:"items"`
		} `json:"attempts"`
	}
	err := r.get("/"+l.Kind+"/"+url.PathEscape(id), nil, &whole)
	if refused, ok := refusal(err); ok {
		d.Fault = refused
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	d.storyAnswer = whole.storyAnswer
	for _, c := range d.Conversions {
		d.IsTest = d.IsTest || c.IsTest && c.ID == d.Subject.ConversionID
	}
	for i, e := range d.Timeline {
		if e.Kind == "postback" && e.URL != "" && d.Asked == nil {
			d.Asked = &d.Timeline[i]
		}
	}
	if l.Kind != "deliveries" {
		d.takeActs("")
		return d, nil
	}
	i := slices.IndexFunc(whole.Deliveries, func(o openDelivery) bool { return o.ID == id })
	if i < 0 {
		d.Fault = &Refused{What: "The delivery is gone", Do: "Its story tells what there is."}
		return d, nil
	}
	d.Delivery = &whole.Deliveries[i]
	for _, a := range slices.Backward(whole.Attempts) {
		for _, it := range a.Items {
			if it.DeliveryID == id {
				d.Tries = append(d.Tries, try{storyAttempt: a.storyAttempt})
				break
			}
		}
	}
	for i := range d.Tries {
		d.Tries[i].N, d.Tries[i].Of = len(d.Tries)-i, len(d.Tries)
	}
	d.takeActs(id)
	d.Held = d.Delivery.Status == "scheduled" && slices.ContainsFunc(d.Acts, func(a storyAct) bool {
		return a.Kind == "resume" && a.ID == d.Delivery.DestinationID
	})
	return d, nil
}

// takeActs keeps what a person can decide about this record.
func (d *drawer) takeActs(delivery string) {
	for i, a := range d.Acts {
		switch {
		case a.Kind == "replay" && a.ID == delivery:
			d.Replay = &d.Acts[i]
		case a.Kind == "replay":
		case a.Kind == "resume" && (d.Delivery == nil || d.Delivery.DestinationID != a.ID):
		default:
			d.Decide = append(d.Decide, a)
		}
	}
}

// StoryID is by what the whole story is told.
func (d drawer) StoryID() string {
	for _, id := range []string{d.Subject.ConversionID, d.Subject.PostbackID, d.Subject.ClickID} {
		if id != "" {
			return id
		}
	}
	return d.ID
}
