package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// TelegramAPI is where bots are driven: https://core.telegram.org/bots/api.
const TelegramAPI = "https://api.telegram.org"

// maxTelegram is what sendMessage takes, in characters:
// https://core.telegram.org/bots/api#sendmessage. We count bytes, which are more.
const maxTelegram = 4096

type telegram struct {
	client *http.Client
	base   string
	token  string
	chat   string
}

// NewTelegram returns a Sender by the Bot API at base, as the bot of a token, to
// a chat.
func NewTelegram(c *http.Client, base, token, chat string) Sender {
	return telegram{client(c), base, token, chat}
}

// Send implements Sender.
func (t telegram) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(map[string]any{
		"chat_id": t.chat, "text": cut(m.Title()+"\n\n"+m.Text(), maxTelegram), "link_preview_options": map[string]bool{"is_disabled": true},
	})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	status, a, err := exchange(ctx, t.client, t.base+"/bot"+t.token+"/sendMessage", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	var said struct {
		OK          bool   `json:"ok"`
		Description string `json:"description"`
		Parameters  struct {
			RetryAfter int64 `json:"retry_after"` // seconds
		} `json:"parameters"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil || status == http.StatusOK && !said.OK && said.Description == "" {
		return refused(status, a, "not an answer of the Bot API")
	}
	if said.OK {
		return nil
	}
	err = refused(status, a, strings.ReplaceAll(said.Description, t.token, "***"))
	if s := said.Parameters.RetryAfter; s > 0 {
		return Later{err.Error(), time.Duration(min(s, int64(giveUpAfter/time.Second))) * time.Second}
	}
	return err
}

// cut shortens a text to so many bytes, at a character's end.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const more = "\n…"
	end := most - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}
