package screens

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"subfive"
)

// client takes a forwarded address and protocol as a trusted proxy's.
func client(r *http.Request) (string, bool) {
	address := r.Header.Get("X-Forwarded-For")
	if address == "" {
		address = "203.0.113.7"
	}
	return address, r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// people are accounts in memory.
type people struct {
	mu        sync.Mutex
	down      error
	users     map[string]subfive.User
	passwords map[string]string // hashes by ID
	sessions  map[string]subfive.UserSession
	links     map[string]subfive.OneTimeLink
}

func newPeople(all ...subfive.User) *people {
	p := &people{users: map[string]subfive.User{}, passwords: map[string]string{}, sessions: map[string]subfive.UserSession{}, links: map[string]subfive.OneTimeLink{}}
	for _, u := range all {
		p.users[u.ID] = u
	}
	return p
}

func (p *people) asked() (Accounts, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return nil, p.down
	}
	return p, nil
}

func (p *people) HasOwner(context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, u := range p.users {
		if u.Role == subfive.RoleOwner && p.passwords[id] != "" {
			return true, nil
		}
	}
	return false, nil
}

func (p *people) User(_ context.Context, id string) (subfive.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[id]
	if !ok {
		return u, subfive.ErrNotFound
	}
	return u, nil
}

func (p *people) UserNamed(_ context.Context, name string) (subfive.User, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, u := range p.users {
		if u.Name == name {
			return u, p.passwords[id], nil
		}
	}
	return subfive.User{}, "", subfive.ErrNotFound
}

func (p *people) SetPassword(_ context.Context, _, id, hash, keep string, at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passwords[id] = hash
	u := p.users[id]
	u.SessionsFrom = at
	p.users[id] = u
	for h, v := range p.sessions {
		if v.UserID == id && h != keep {
			delete(p.sessions, h)
		}
	}
	return nil
}

func (p *people) AddSession(_ context.Context, v subfive.UserSession) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[v.Hash] = v
	return nil
}

func (p *people) Session(_ context.Context, hash string, now time.Time) (subfive.UserSession, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.sessions[hash]
	if !ok || !v.ExpiresAt.After(now) {
		return subfive.UserSession{}, subfive.ErrNotFound
	}
	return v, nil
}

func (p *people) SessionsOf(_ context.Context, userID string, _ time.Time) (all []subfive.UserSession, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.sessions {
		if v.UserID == userID {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b subfive.UserSession) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}

func (p *people) KeepSession(_ context.Context, hash string, data []byte, _ time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.sessions[hash]; ok {
		v.Data = data
		p.sessions[hash] = v
	}
	return nil
}

func (p *people) SeeSession(_ context.Context, hash, address string, at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.sessions[hash]; ok {
		v.SeenAt, v.Address = at, address
		p.sessions[hash] = v
	}
	return nil
}

func (p *people) EndSession(_ context.Context, hash string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, hash)
	return nil
}

func (p *people) Link(_ context.Context, hash string, now time.Time) (subfive.OneTimeLink, subfive.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.links[hash]
	if !ok || !l.ExpiresAt.After(now) {
		return l, subfive.User{}, subfive.ErrLinkOver
	}
	return l, p.users[l.UserID], nil
}

func (p *people) UseLink(ctx context.Context, hash string, a subfive.Arrival, now time.Time) (subfive.User, error) {
	l, u, err := p.Link(ctx, hash, now)
	if err != nil {
		return u, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, hash)
	if l.Purpose == subfive.LinkFirst {
		u = a.First
	}
	if a.Zone != "" {
		u.Zone = a.Zone
	}
	if a.Password != "" {
		p.passwords[u.ID] = a.Password
	}
	p.users[u.ID] = u
	return u, nil
}

// offer is a link of that key.
func (p *people) offer(key string, purpose subfive.LinkPurpose, userID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[subfive.SecretHash(key)] = subfive.OneTimeLink{Hash: subfive.SecretHash(key), Purpose: purpose, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(subfive.LinkLife)}
}

// fall makes the database answer no more.
func (p *people) fall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = errors.New("dial tcp 10.0.0.1:5432: connection refused")
}
