package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/reports"
	"github.com/sequitur-dev/sequitur/reports/load"
)

func newLoadCompareCommand() *cobra.Command {
	var threshold float64
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare repeated load runs",
		Long: `Compare the load runs A with the load runs B of the same scenario. Each is a load.json, or a directory: all files named
load.json in it and below, in the order of their paths. Each repeat in a file is a sample, and so is a file without repeats.

Told are the medians with their 95 % confidence intervals, the ratio of B to A with its own, and the p-value of a
Mann-Whitney U test. That takes 6 samples of each. The k-th sample of A is set against the k-th of B: take them in turn.

Exit codes: 0 no metric of B is worse by more than the threshold, 1 one is, 2 there are too few samples, or there is too
much noise, to tell, 64 for a wrong command line or a bad file.`,
		Example: `  sequitur load sequence-3 --repeat 6 --out before
  sequitur load sequence-3 --repeat 6 --out after
  sequitur load compare before after --threshold 0.05`,
		Args: takes(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := loadResults(args[0])
			if err != nil {
				return err
			}
			b, err := loadResults(args[1])
			if err != nil {
				return err
			}
			c, err := load.Compare(a, b, threshold)
			if err != nil {
				return usage("%w", err)
			}
			if err := c.WriteText(cmd.OutOrStdout()); err != nil {
				return err
			}
			switch {
			case c.Regressed():
				return exit(reports.ExitFailed)
			case !c.Conclusive():
				return exit(reports.ExitInconclusive)
			}
			return nil
		},
	}
	cmd.Flags().Float64Var(&threshold, "threshold", 0.05, "share by which a metric may be worse")
	return cmd
}

// loadResults reads a load.json, or those in a directory and below.
func loadResults(path string) ([]*load.Result, error) {
	const name = "load.json"
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("%w", err)
	}
	files := []string{path}
	if info.IsDir() {
		files = nil
		err := filepath.WalkDir(path, func(file string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && e.Name() == name {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, usage("%w", err)
		}
		if len(files) == 0 {
			return nil, usage("%s: there is no %s in it or below: give a directory that `sequitur load --out` wrote", path, name)
		}
	}
	var results []*load.Result
	for _, file := range files {
		r, err := loadResult(file)
		if err != nil {
			return nil, usage("%s: %w", file, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func loadResult(file string) (*load.Result, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	return load.ReadJSON(f)
}
