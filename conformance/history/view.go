package history

import (
	"cmp"
	"slices"
	"time"
)

// View is one scenario's part of a history, indexed. It is read-only and safe for concurrent use.
type View struct {
	Scenario string
	Claims   map[string]bool // features that the target claims
	Quiet    time.Duration   // how long silence was listened to
	Ops      []Op
	asks     map[int64]int // index of sent or received by exchange
	answers  map[int64]int // index of acked or answered by exchange
}

// NewView indexes the operations of one scenario, which it sorts by time: observers on several goroutines may have
// appended them in a slightly different order.
func NewView(scenario string, claims map[string]bool, ops []Op) *View {
	byTime := func(a, b Op) int { return cmp.Compare(a.T, b.T) }
	if !slices.IsSortedFunc(ops, byTime) {
		ops = slices.Clone(ops)
		slices.SortStableFunc(ops, byTime)
	}
	v := &View{Scenario: scenario, Claims: claims, Ops: ops, asks: map[int64]int{}, answers: map[int64]int{}}
	for i := range ops {
		switch ops[i].Kind {
		case Sent, Received:
			v.asks[ops[i].X] = i
		case Acked, Answered:
			v.answers[ops[i].X] = i
		}
	}
	return v
}

// Exchange is one request and what was answered. Answer is nil while or if there was none.
type Exchange struct {
	Ask    *Op
	Answer *Op
}

// ID returns the id of the event asked with.
func (x Exchange) ID() string { return x.Ask.Event.ID() }

// Code returns the status answered with, 0 if there was no answer or the answer was cut off.
func (x Exchange) Code() int {
	if x.Answer == nil || x.Answer.Error != "" || x.Answer.Fault != "" {
		return 0
	}
	return x.Answer.Code
}

// Accepted tells whether the answer was a complete 2xx.
func (x Exchange) Accepted() bool { return x.Code()/100 == 2 }

// Ended is when the exchange ended; the time of its beginning if that is unknown.
func (x Exchange) Ended() time.Duration {
	if x.Answer == nil {
		return x.Ask.T
	}
	return x.Answer.T
}

func (v *View) exchanges(keep func(*Op) bool) []Exchange {
	var out []Exchange
	for i := range v.Ops {
		op := &v.Ops[i]
		if !keep(op) {
			continue
		}
		x := Exchange{Ask: op}
		if j, ok := v.answers[op.X]; ok {
			x.Answer = &v.Ops[j]
		}
		out = append(out, x)
	}
	return out
}

// Posts returns what the harness sent as stimulus to the addresses named (to all if none is named), in order.
func (v *View) Posts(to ...string) []Exchange {
	return v.exchanges(func(o *Op) bool {
		return o.Kind == Sent && o.Role == Stimulus && (len(to) == 0 || slices.Contains(to, o.Who))
	})
}

// Arrivals returns what came to the receivers named (to all if none is named), barriers and canaries left out, in order.
func (v *View) Arrivals(at ...string) []Exchange {
	return v.exchanges(func(o *Op) bool {
		return o.Kind == Received && o.Role == Stimulus && (len(at) == 0 || slices.Contains(at, o.Who))
	})
}

// Attempts returns the arrivals of one event id at a receiver, in order.
func (v *View) Attempts(at, id string) []Exchange {
	return v.exchanges(func(o *Op) bool {
		return o.Kind == Received && o.Role == Stimulus && o.Who == at && o.Event.ID() == id
	})
}

// Lineage returns the arrivals at a receiver whose id descends from root (the id itself or root.…), in order.
func (v *View) Lineage(at, root string) []Exchange {
	return v.exchanges(func(o *Op) bool {
		return o.Kind == Received && o.Role == Stimulus && o.Who == at && Root(o.Event.ID()) == root
	})
}

// Statuses returns the shown states of an object ("Sequence/s"), in order.
func (v *View) Statuses(object string) []*Op {
	return v.find(func(o *Op) bool { return o.Kind == Status && o.Who == object })
}

// LastStatus returns the newest shown state of an object, nil if it was never seen or is gone.
func (v *View) LastStatus(object string) *Object {
	ops := v.Statuses(object)
	if len(ops) == 0 || ops[len(ops)-1].Gone {
		return nil
	}
	return ops[len(ops)-1].Object()
}

// Offers returns the outcomes of offering manifests of an object, in order.
func (v *View) Offers(object string) []*Op {
	return v.find(func(o *Op) bool { return o.Kind == Applied && o.Who == object })
}

// Waits returns how the waits ended, in order.
func (v *View) Waits() []*Op { return v.find(func(o *Op) bool { return o.Kind == Settled }) }

// Stop returns why the scenario ended early, nil if it did not.
func (v *View) Stop() *Op {
	if ops := v.find(func(o *Op) bool { return o.Kind == Stopped }); len(ops) > 0 {
		return ops[0]
	}
	return nil
}

func (v *View) find(keep func(*Op) bool) []*Op {
	var out []*Op
	for i := range v.Ops {
		if keep(&v.Ops[i]) {
			out = append(out, &v.Ops[i])
		}
	}
	return out
}

// Phase returns the part of the history from one mark to the next (whichever), as a view of its own. Exchanges belong to
// the phase in which they began. The phase "" is what precedes the first mark. An unknown mark gives an empty view.
func (v *View) Phase(mark string) *View {
	cur, member := "", map[int64]bool{}
	var ops []Op
	for i := range v.Ops {
		op := v.Ops[i]
		if op.Kind == Mark {
			cur = op.Note
		}
		switch op.Kind {
		case Sent, Received:
			if cur == mark {
				member[op.X] = true
				ops = append(ops, op)
			}
		case Acked, Answered:
			if member[op.X] {
				ops = append(ops, op)
			}
		default:
			if cur == mark {
				ops = append(ops, op)
			}
		}
	}
	p := NewView(v.Scenario, v.Claims, ops)
	p.Quiet = v.Quiet
	return p
}

// Of returns the part of the history that concerns the lineages of the events sent in phase mark: those posts and every
// arrival that descends from them, whenever it came.
func (v *View) Of(mark string) *View {
	roots := map[string]bool{}
	for _, x := range v.Phase(mark).Posts() {
		roots[Root(x.ID())] = true
	}
	member := map[int64]bool{}
	var ops []Op
	for i := range v.Ops {
		op := v.Ops[i]
		switch op.Kind {
		case Sent, Received:
			if !roots[Root(op.Event.ID())] {
				continue
			}
			member[op.X] = true
		case Acked, Answered:
			if !member[op.X] {
				continue
			}
		}
		ops = append(ops, op)
	}
	p := NewView(v.Scenario, v.Claims, ops)
	p.Quiet = v.Quiet
	return p
}
