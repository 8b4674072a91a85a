package screens

import (
	"net/http"
	"net/url"
	"strings"
)

func settlePostback(r *request) (said, error) {
	as := r.PostForm("as")
	err := r.send(http.MethodPost, "/postbacks/"+url.PathEscape(r.PostForm("id"))+"/settle", map[string]string{"as": as}, nil)
	return said{Text: "Settled as " + as}, err
}

func acceptPostback(r *request) (said, error) {
	err := r.send(http.MethodPost, "/postbacks/"+url.PathEscape(r.PostForm("id"))+"/accept", struct{}{}, nil)
	return said{Text: "Accepted: it is credited as if nothing had been wrong with it"}, err
}

func attachPostback(r *request) (said, error) {
	click := strings.TrimSpace(r.PostForm("click"))
	if click == "" {
		return said{}, &Refused{Status: http.StatusBadRequest, What: "no click was named", Do: "write the ID of the click that it belongs to"}
	}
	err := r.send(http.MethodPost, "/postbacks/"+url.PathEscape(r.PostForm("id"))+"/attach", map[string]string{"click_id": click}, nil)
	return said{Text: "It counts for click " + click + " now"}, err
}

func replayDelivery(r *request) (said, error) {
	body := map[string]any{"delivery_ids": []string{r.PostForm("id")}, "after": undoable}
	if r.PostForm("force") != "" {
		body["force"] = true
	}
	var done replays
	if err := r.send(http.MethodPost, "/replays", body, &done); err != nil {
		return said{}, err
	}
	to := Root + "/conversions/" + r.Param("id")
	if done.Count == 0 {
		return said{Text: "Nothing was sent. " + done.Why(), Bad: true, To: to}, nil
	}
	undo := url.Values{"delivery": done.IDs}
	return said{Text: "It is sent again in " + undoable + ", with the event ID it had", To: to, Undo: to + "/unsend?" + undo.Encode()}, nil
}

// undoable is how long a replay waits, for a person to take it back.
const undoable = "20s"

// unsend takes a replay back that is not sent yet.
func unsend(r *request) (said, error) {
	var done struct {
		Undone []string `json:"undone"`
	}
	err := r.send(http.MethodPost, "/replays/undo", map[string]any{"delivery_ids": r.QueryArray("delivery")}, &done)
	if err == nil && len(done.Undone) == 0 {
		return said{Text: "It was sent already", Bad: true}, nil
	}
	return said{Text: "It is not sent again"}, err
}

func resumeDestination(r *request) (said, error) {
	id := r.PostForm("id")
	err := r.send(http.MethodPost, "/destinations/"+url.PathEscape(id)+"/resume", struct{}{}, nil)
	return said{Text: id + " works again: what it held is sent"}, err
}

func markTest(r *request) (said, error) {
	err := r.send(http.MethodPost, storyPath(r)+"/test", map[string]bool{"test": true}, nil)
	return said{Text: "It is a test now: it counts nowhere", Undo: Root + "/conversions/" + r.Param("id") + "/untest"}, err
}

func markReal(r *request) (said, error) {
	err := r.send(http.MethodPost, storyPath(r)+"/test", map[string]bool{"test": false}, nil)
	return said{Text: "It is no test any more: it counts again"}, err
}
