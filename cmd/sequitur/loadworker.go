package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/sequitur-dev/sequitur/fixtures/target/kube/job"
	"github.com/sequitur-dev/sequitur/loadgen"
)

const workerName = "load-worker"

func newLoadWorkerCommand() *cobra.Command {
	var pod bool
	cmd := &cobra.Command{
		Use:    workerName,
		Short:  "Send a share of a load run, as standard input says",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !pod {
				return loadgen.Work(cmd.Context(), standardStreams{})
			}
			conn, err := job.Await(cmd.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			return loadgen.Work(cmd.Context(), conn)
		},
	}
	cmd.Flags().BoolVar(&pod, inPod, false, "do what a connection to this pod says instead")
	return cmd
}

const inPod = "in-pod"

// workerPods start workers as pods of one Job.
type workerPods struct {
	config  func() (*rest.Config, error)
	options job.Options
	crew    *job.Crew // once there is one
}

// start is a loadgen.Starter. It is called for one worker after the other.
func (p *workerPods) start(ctx context.Context, index int) (io.ReadWriteCloser, error) {
	if p.crew == nil {
		config, err := p.config()
		if err != nil {
			return nil, err
		}
		if p.crew, err = job.NewCrew(ctx, config, p.options); err != nil {
			return nil, err
		}
	}
	return p.crew.Dial(ctx, index)
}

// close removes the Job.
func (p *workerPods) close(ctx context.Context) error {
	if p.crew == nil {
		return nil
	}
	return p.crew.Close(ctx)
}

// standardStreams lead to whoever started this process.
type standardStreams struct{}

func (standardStreams) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (standardStreams) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
func (standardStreams) Close() error                { return os.Stdin.Close() }

// startWorker starts a worker on this machine.
func startWorker(ctx context.Context, _ int) (io.ReadWriteCloser, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, workerName) //nolint:gosec // this program itself
	cmd.Stderr = os.Stderr
	apart(cmd)
	p := &workerProcess{cmd: cmd, interrupted: ctx.Done()}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, cmd.Start()
}

// workerProcess is a worker in a process of its own.
type workerProcess struct {
	cmd         *exec.Cmd
	in          io.WriteCloser
	out         io.Reader
	interrupted <-chan struct{} // closed when nobody waits for anything any more

	once sync.Once
	end  error // of the process; set by wait
}

// Read says how the worker ended, if that was not well.
func (p *workerProcess) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if errors.Is(err, io.EOF) {
		if end := p.wait(); end != nil {
			err = end
		}
	}
	return n, err
}

// wait waits for the end of the process, of whose output there must be no more.
func (p *workerProcess) wait() error {
	p.once.Do(func() { p.end = p.cmd.Wait() })
	return p.end
}

func (p *workerProcess) Write(b []byte) (int, error) { return p.in.Write(b) }

// How long a worker may take to end, and when the run was interrupted.
const (
	workerEnd   = 2 * time.Second
	workerHurry = 100 * time.Millisecond
)

// Close ends the worker: by the end of its input, or else by force.
func (p *workerProcess) Close() error {
	err := p.in.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	within, hurry := workerEnd, false
	select {
	case <-p.interrupted:
		within, hurry = workerHurry, true
	default:
	}
	force := time.AfterFunc(within, func() { _ = p.cmd.Process.Kill() }) // it may have ended meanwhile
	defer force.Stop()
	if failed := p.wait(); failed != nil && !hurry {
		err = errors.Join(err, fmt.Errorf("a worker: %w", failed))
	}
	return err
}
