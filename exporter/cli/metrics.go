package cli

import (
	"fmt"

	"icws_exporter/exporter/collect"
)

type metricsCommand struct{}

// Run prints the reference that is generated from the metric table.
func (metricsCommand) Run(s *streams) error {
	if err := collect.WriteReference(s.out); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	return nil
}
