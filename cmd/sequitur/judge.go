package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/conformance"
)

func newJudgeCommand() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:   "judge HISTORY",
		Short: "Judge a saved history again, without a target",
		Long: `Judge the history.jsonl of an earlier run by the checks of this build. Nothing is driven. Options and exit codes are
those of conform.`,
		Example: "  sequitur judge sequitur-report/history.jsonl",
		Args:    takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := s.options()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return usage("%w", err)
			}
			defer f.Close()
			report, unknown, err := conformance.Replay(args[0], f, o)
			if err != nil {
				return err
			}
			for _, name := range unknown {
				fmt.Fprintf(cmd.ErrOrStderr(), "sequitur: the scenario %s is not judged: this build does not know it\n", name)
			}
			return s.finish(cmd, report)
		},
	}
	s.flags(cmd)
	cmd.Flags().Lookup("out").DefValue = ""
	s.out = ""
	return cmd
}
