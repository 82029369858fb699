package loadgen

import (
	"context"

	"github.com/sequitur-dev/sequitur/loadgen/scenario"
	"github.com/sequitur-dev/sequitur/reports/load"
)

func (st *stage) search(ctx context.Context, s *scenario.Scenario, o Options, trial string) (*load.Result, error) {
	return nil, nil
}
