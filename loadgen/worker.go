package loadgen

import (
	"context"
	"io"
	"time"

	"github.com/sequitur-dev/sequitur/loadgen/scenario"
)

type Starter func(ctx context.Context, index int) (io.ReadWriteCloser, error)

type fleet struct {
	force
	epoch    time.Time
	schedule string
}

func (f *fleet) dismiss() {}

func enlist(ctx context.Context, st *stage, s *scenario.Scenario, o Options, run string) (*fleet, error) {
	return nil, nil
}
