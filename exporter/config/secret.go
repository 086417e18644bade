package config

import "icws_exporter/probe/secret"

// Secret is a text that prints as <secret> wherever it is printed. Only Reveal gives
// it away.
type Secret = secret.Text

// NewSecret hides value.
func NewSecret(value string) Secret { return secret.New(value) }
