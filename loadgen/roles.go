package loadgen

import (
	"strconv"

	"github.com/sequitur-dev/sequitur/loadgen/account"
	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

// role is one endpoint: a receiver of the scenario, or one of several alike.
type role struct {
	*scenario.Receiver
	index int    // among those alike
	name  string // unique, and its path
}

// rolesOf are the endpoints of a scenario, in order. Their positions are those of account.Config.Receivers.
func rolesOf(s *scenario.Scenario) []role {
	var all []role
	for i := range s.Receivers {
		r := &s.Receivers[i]
		for index := range r.Count {
			all = append(all, role{r, index, roleName(r, index)})
		}
	}
	return all
}

func roleName(r *scenario.Receiver, index int) string {
	if r.Count == 1 {
		return r.Name
	}
	return r.Name + "-" + strconv.Itoa(index)
}

// books is what is to be accounted of a scenario that so many sources send. left is account.Config.Left.
func books(s *scenario.Scenario, roles []role, sources int, left func()) account.Config {
	at := map[string]int{}
	for i, r := range roles {
		at[r.name] = i
	}
	// place finds the like one of a receiver with a name.
	place := func(name string, index int) int {
		if i, ok := at[name]; ok {
			return i
		}
		return at[name+"-"+strconv.Itoa(index)]
	}
	c := account.Config{Sources: sources, WarmUp: s.WarmUp, Interval: interval(s.WarmUp + s.Duration), Left: left}
	for _, r := range roles {
		a := account.Receiver{Name: r.name, Kind: account.Kind(r.Role), After: account.Ingress}
		if r.After != "" && r.After != scenario.Ingress {
			a.After = place(r.After, r.index)
		}
		for _, name := range r.Covers {
			for i, other := range roles {
				if other.Name == name {
					a.Covers = append(a.Covers, i)
				}
			}
		}
		c.Receivers = append(c.Receivers, a)
	}
	number := func(source int, seq uint64) uint64 { return seq*uint64(sources) + uint64(source) }
	if keys := s.Events.Keys; keys.Count > 0 {
		c.Keys = keys.Count
		c.Key = func(source int, seq uint64) int { return keys.Of(number(source, seq)) }
	}
	if period := s.Period(); period > 1 {
		sets := expectations(roles, period)
		c.Expect = func(source int, seq uint64) *account.Set { return sets[number(source, seq)%period] }
	}
	return c
}

// expectations are the receivers of each event of a period, in as few sets as there are.
func expectations(roles []role, period uint64) []*account.Set {
	sets := make([]*account.Set, period)
	known := map[string]*account.Set{}
	key := make([]byte, (len(roles)+7)/8)
	for number := range period {
		var who []int
		clear(key)
		for i, r := range roles {
			if r.Role != scenario.DeadLetter && r.Expects.Matches(number, r.index) {
				who = append(who, i)
				key[i/8] |= 1 << (i % 8)
			}
		}
		if known[string(key)] == nil {
			known[string(key)] = account.NewSet(who...)
		}
		sets[number] = known[string(key)]
	}
	return sets
}
