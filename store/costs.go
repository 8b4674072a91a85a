package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"subfive"
)

// CostQuery asks for one page of what platforms say ads cost.
type CostQuery struct {
	SourceID     string // "": all
	Since, Until string // days as 2006-01-02, Until not included; "": no bound
	Limit        int    // 1 to MaxPage; 0 means 50
	Cursor       string // the next of the page before; empty for the first
}

// KeptCost is a cost and the import that brought it.
type KeptCost struct {
	Cost
	ImportedAt time.Time
	ImportID   string
}

// Costs returns one page of costs, the latest day first. next is the cursor of
// the following page, empty at the end. A wrong limit, cursor or value is
// ErrBadQuery.
func (s *Store) Costs(ctx context.Context, q CostQuery) (costs []KeptCost, next string, err error) {
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return nil, "", fmt.Errorf("%w: limit must be 1 to %d", ErrBadQuery, MaxPage)
	}
	var args []any
	for _, given := range []string{q.SourceID, q.Since, q.Until} {
		if given != "" {
			args = append(args, given)
		}
	}
	if q.Cursor != "" {
		after, err := readCostCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		args = append(args, after[0], after[0], after[1], after[2], after[3], after[4])
	}
	if err := checkValues(args); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	key := fmt.Sprintf("list costs %t %t %t %t", q.SourceID != "", q.Since != "", q.Until != "", q.Cursor != "")
	err = s.read(ctx, s.screens, func(t *tx) error {
		costs = []KeptCost{}
		return t.query(ctx, key, func() string { return s.costsText(q) }, append(args, q.Limit+1), func(r *sql.Rows) error {
			var c KeptCost
			var at int64
			err := r.Scan(&c.SourceID, &c.Day, &c.Ad.CampaignID, &c.Ad.SetID, &c.Ad.ID, &c.AdAccountID, &c.Platform, &c.Ad.CampaignName, &c.Ad.SetName, &c.Ad.Name,
				&c.Spend.Amount, &c.Spend.Currency, &c.Impressions, &c.Clicks, &c.Conversions, &c.Value, &at, &c.ImportID)
			c.ImportedAt = subfive.FromMillis(at)
			costs = append(costs, c)
			return err
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("list costs: %w", err)
	}
	if len(costs) > q.Limit {
		costs = costs[:q.Limit]
		if next, err = costCursor(costs[q.Limit-1].Cost); err != nil {
			return nil, "", err
		}
	}
	return costs, next, nil
}

// costsText is the statement of a page; which one hangs on what is given alone.
func (s *Store) costsText(q CostQuery) string {
	b := s.flavor.NewSelectBuilder()
	b.Select(costColumns...).From("costs")
	if q.SourceID != "" {
		b.Where(b.EQ("source_id", ""))
	}
	if q.Since != "" {
		b.Where(b.GE("cost_day", ""))
	}
	if q.Until != "" {
		b.Where(b.LT("cost_day", ""))
	}
	if q.Cursor != "" {
		key := []string{"source_id", "platform_campaign_id", "adset_id", "ad_id"}
		b.Where(b.Or(b.LT("cost_day", ""), b.And(b.EQ("cost_day", ""),
			"("+strings.Join(key, ", ")+") > ("+strings.Join([]string{b.Var(""), b.Var(""), b.Var(""), b.Var("")}, ", ")+")")))
	}
	return text(b.OrderBy("cost_day DESC", "source_id", "platform_campaign_id", "adset_id", "ad_id").Limit(1))
}

func costCursor(c Cost) (string, error) {
	key, err := json.Marshal([5]string{c.Day, c.SourceID, c.Ad.CampaignID, c.Ad.SetID, c.Ad.ID})
	return base64.RawURLEncoding.EncodeToString(key), err
}

func readCostCursor(cursor string) (key [5]string, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(plain, &key)
	}
	if err != nil || key[0] == "" {
		return key, fmt.Errorf("%w: the cursor is none of ours", ErrBadQuery)
	}
	return key, nil
}
