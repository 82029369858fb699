package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sequitur-dev/sequitur/conformance"
	"github.com/sequitur-dev/sequitur/conformance/requirement"
)

func newRequirementsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "requirements [PATTERN…]",
		Short:   "List the requirement catalogue",
		Example: "  sequitur requirements 'SEQ-*'",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := lookup(args)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				return enc.Encode(found)
			}
			tw := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range found {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.ID, r.Level, r.Feature, r.Statement)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, with every field")
	return cmd
}

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain ID…",
		Short:   "Explain a requirement: its text, source, how it is judged, and the defects that it catches",
		Example: "  sequitur explain DLV-012",
		Args:    takesSome,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := lookup(args)
			if err != nil {
				return err
			}
			for i, r := range found {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				fmt.Fprint(cmd.OutOrStdout(), r.Explain(conformance.Questions(r.ID)...))
			}
			return nil
		},
	}
}

// lookup finds the requirements that fit any of the patterns, all of them if there is none.
func lookup(patterns []string) ([]requirement.Requirement, error) {
	c := requirement.Load()
	if len(patterns) == 0 {
		return c.Requirements, nil
	}
	var found []requirement.Requirement
	for _, p := range patterns {
		rows := c.Match(p)
		if len(rows) == 0 {
			return nil, usage("no requirement fits %q%s (`sequitur requirements` lists them; a pattern is such as 'DLV-*')", p, c.DidYouMean(p))
		}
		found = append(found, rows...)
	}
	return found, nil
}
