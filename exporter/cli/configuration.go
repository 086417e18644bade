package cli

import (
	"fmt"

	"icws_exporter/exporter/config"
)

type configurationCommand struct{}

// Run prints the reference that is generated from the settings.
func (configurationCommand) Run(s *streams) error {
	if err := config.WriteReference(s.out); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	return nil
}
