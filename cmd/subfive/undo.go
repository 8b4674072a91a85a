package main

import (
	"context"
	"fmt"
	"strings"

	"subfive"
	"subfive/dashboard"
	"subfive/store"
)

// Undo puts back what a change of a resource replaced, for the REST API.
func (b *backend) Undo(ctx context.Context, auditID, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	line, err := st.AuditLine(ctx, auditID)
	if err != nil {
		return nil, err
	}
	list, id, ok := subjectOf(line.Subject)
	if !ok {
		return nil, dashboard.Refusal{What: line.Action + " of " + line.Subject + " can't be undone", Do: "only changes of the set-up can be put back"}
	}
	var out revision
	err = uncontested(func() error {
		out, err = b.t.app.undo(ctx, st, line, list, id, by)
		return err
	})
	if err != nil {
		return nil, unchangeable(err)
	}
	b.t.caughtUp(ctx)
	return out.completed(ctx, st, list, id)
}

// subjectOf reads an audit line's subject as a list and an ID of it.
func subjectOf(subject string) (list, id string, ok bool) {
	kind, id, _ := strings.Cut(subject, " ")
	for list, k := range resourceLists() {
		if string(k) == kind {
			return list, id, true
		}
	}
	return "", "", false
}

func (a *app) undo(ctx context.Context, st *store.Store, line store.Audit, list, id, by string) (out revision, err error) {
	setup, err := st.Setup(ctx)
	if err != nil {
		return out, err
	}
	now, err := resourceOf(ctx, st, list, id)
	if err != nil {
		return out, err
	}
	change := store.ResourceChange{Kind: now.Kind, ID: id, Origin: store.OriginAPI}
	value, note, err := before(line, now)
	if err != nil {
		return out, err
	}
	change.Value = value
	c := dashboard.ResourceChange{Kind: list, ID: id, By: by}
	if change.Value == nil {
		err = archivable(setup, c, change)
	} else {
		err = a.sound(setup, change)
	}
	if err != nil {
		return out, err
	}
	out, err = a.revise(ctx, st, setup, c, change, now)
	out.Note, out.Subject = note, line.Subject
	return out, err
}

// sound refuses a change that would make something wrong that was not.
func (a *app) sound(setup subfive.Setup, change store.ResourceChange) error {
	gone := change
	gone.Value = nil
	if problems := newFaults(faults(without(setup, gone)), faults(without(setup, change))); len(problems) > 0 {
		return problems
	}
	d, ok := change.Value.(subfive.Destination)
	if !ok {
		return nil
	}
	_, err := a.withAccount(d)
	return err
}

// before is what a resource was before a line of the audit, nil where it was not,
// and what putting it back does not mend.
func before(line store.Audit, now store.Resource) (value any, note string, err error) {
	spec, err := store.Spec(now.Value)
	if err != nil {
		return nil, "", err
	}
	refused := func(what, do string) error { return dashboard.Refusal{What: what, Do: do} }
	made, sealed := store.Unmarked(line.New)
	archived := !now.ArchivedAt.IsZero()
	later := refused(line.Subject+" changed again since", "undo the later changes first, or change it by hand")
	switch line.Action {
	case "create":
		if archived || spec != made {
			return nil, "", later
		}
		return nil, "It is archived: nothing that was made is ever deleted.", nil
	case "archive":
		if !archived || spec != line.Old {
			return nil, "", later
		}
		if now.Kind == store.KindDestination {
			note = "What was skipped while it was archived stays skipped: replay it."
		}
		value, err = store.Respecified(now.Kind, line.Old, now.Value)
		return value, note, err
	case "update":
		switch {
		case archived || spec != made:
			return nil, "", later
		case sealed:
			return nil, "", refused("a secret or the platform's settings changed with it, and the old ones are not kept", "set them anew, and change the rest back by hand")
		}
		value, err = store.Respecified(now.Kind, line.Old, now.Value)
		return value, "", err
	case "restore":
		switch {
		case archived || spec != made:
			return nil, "", later
		case line.Old != made:
			return nil, "", refused("it came back other than it was archived", "archive it; what it was is in the audit")
		}
		return nil, "", nil
	}
	return nil, "", refused(fmt.Sprintf("%s of %s can't be undone", line.Action, line.Subject), "only changes of the set-up can be put back")
}
