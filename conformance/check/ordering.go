package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sequitur-dev/sequitur/conformance/history"
)

// OrderKey is the extension attribute by which ordering implementations tell what must stay in order.
const OrderKey = "partitionkey"

// byOrderKey gives the roots of the accepted events of each key, in the order in which they were sent.
func byOrderKey(v *history.View) map[string][]string {
	by := map[string][]string{}
	for _, x := range v.Posts() {
		if key := x.Ask.Event; x.Accepted() && key != nil && key.Attrs[OrderKey] != "" {
			by[key.Attrs[OrderKey]] = append(by[key.Attrs[OrderKey]], history.Root(x.ID()))
		}
	}
	return by
}

// InKeyOrder wants all accepted events of each key at each of the receivers, their first deliveries in the order in which
// they were sent. What is delivered again does not count.
func InKeyOrder(at ...string) Judge {
	return func(v *history.View) Finding {
		if _, none := accepted(v); none != nil {
			return *none
		}
		keys, n := byOrderKey(v), 0
		for _, who := range at {
			first := map[string]int{} // position of the first delivery by root
			for i, x := range v.Arrivals(who) {
				if root := history.Root(x.ID()); root != "" {
					if _, ok := first[root]; !ok {
						first[root] = i
					}
				}
			}
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				ids := keys[key]
				for i, id := range ids {
					pos, ok := first[id]
					if !ok {
						return Fail("each event of key "+key+" at "+who, id+" never came", id)
					}
					if i > 0 && pos < first[ids[i-1]] {
						return Fail(fmt.Sprintf("%s before %s at %s (key %s)", ids[i-1], id, who, key), id+" came first", ids[i-1], id)
					}
					n++
				}
				if len(ids) < 2 {
					return Unclear("key %s has %d event", key, len(ids))
				}
			}
		}
		if n == 0 {
			return Unclear("no event with a key was accepted")
		}
		return Pass("%d deliveries of %d keys in order at %s", n, len(keys), strings.Join(at, ", "))
	}
}

// RetriesKeepOrder wants that no event arrives at a receiver while an earlier one of its key is not over: taken there, or,
// if it never was, come to the receiver of dead letters. The history must show a retry and a dead letter, and an event
// behind each.
func RetriesKeepOrder(at, dead string) Judge {
	return func(v *history.View) Finding {
		var retried, lettered int
		keys := byOrderKey(v)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			ids := keys[key]
			for i, id := range ids {
				got := v.Attempts(at, id)
				if len(got) == 0 {
					return Fail("each event of key "+key+" at "+at, id+" never came", id)
				}
				last := got[len(got)-1]
				over, how := last.Ended(), "was taken"
				if !last.Accepted() {
					letters := v.Attempts(dead, id)
					if len(letters) == 0 {
						return Fail(id+" at "+dead, "it never came", id)
					}
					over, how = letters[0].Ask.T, "was dead-lettered"
				}
				if i+1 == len(ids) {
					continue
				}
				next := v.Attempts(at, ids[i+1])
				switch {
				case len(next) == 0:
					continue // found in the next round
				case next[0].Ask.T < over:
					return Fail(fmt.Sprintf("%s at %s after %s %s", ids[i+1], at, id, how), "it came before that", id, ids[i+1])
				case !last.Accepted():
					lettered++
				case len(got) > 1:
					retried++
				}
			}
		}
		if retried == 0 || lettered == 0 {
			return Unclear("%d retried and %d dead-lettered events had others behind them", retried, lettered)
		}
		return Pass("events waited for %d retried and %d dead-lettered ones", retried, lettered)
	}
}

// passed gives the other events that a receiver was sent while it held back its answer to the first delivery of an event.
func passed(v *history.View, at, held string) (others map[string]*history.Event, f *Finding) {
	attempts := v.Attempts(at, held)
	if len(attempts) == 0 {
		f := Unclear("%s never came to %s", held, at)
		if _, none := accepted(v); none == nil {
			f = Fail(held+" at "+at, "it never came", held)
		}
		return nil, &f
	}
	x := attempts[0]
	others = map[string]*history.Event{}
	for _, o := range v.Arrivals(at) {
		if o.ID() != held && o.Ask.T > x.Ask.T && (x.Answer == nil || o.Ask.T < x.Answer.T) {
			others[o.ID()] = o.Ask.Event
		}
	}
	return others, nil
}

// OtherKeysGoOn wants that, while a receiver holds back its answer to one event, events of other keys come to it. An
// implementation may bundle keys, so that some of the others wait as well; that none goes on is a standstill.
func OtherKeysGoOn(at, held string, keys int) Judge {
	return func(v *history.View) Finding {
		others, f := passed(v, at, held)
		if f != nil {
			return *f
		}
		on := map[string]bool{}
		for _, e := range others {
			on[e.Attrs[OrderKey]] = true
		}
		if len(on) == 0 {
			return Fail(fmt.Sprintf("events of %d other keys at %s while %s is held up", keys, at, held), "none", held)
		}
		return Pass("%d of %d other keys went on", len(on), keys)
	}
}

// GoesAroundSlow wants that n others come to a receiver while it holds back its answer to one event. A target that claims
// ordered delivery by itself may bundle events, of whatever keys: of it, only a standstill is a failure.
func GoesAroundSlow(at, held string, n int) Judge {
	return func(v *history.View) Finding {
		others, f := passed(v, at, held)
		if f != nil {
			return *f
		}
		if len(others) == 0 || len(others) < n && !v.Claims["OrderedDelivery"] {
			return Fail(fmt.Sprintf("%d events at %s while %s is held up", n, at, held), fmt.Sprint(len(others)), held)
		}
		return Pass("%d of %d came meanwhile", len(others), n)
	}
}
