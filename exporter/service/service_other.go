//go:build !windows

package service

// Inside reports whether a process with these arguments was started by the Service
// Control Manager.
func Inside([]string) bool { return false }

// Run does the work of a service.
func Run(Work) int { return 1 }

// Install makes a service that starts with the machine and is restarted when it fails.
func Install(Definition) (missing, err error) { return nil, ErrNotHere }

// Uninstall stops the service and removes it.
func Uninstall(string) error { return ErrNotHere }

// Start starts the service and waits until it does its work.
func Start(string) error { return ErrNotHere }

// Stop stops the service and waits for its end.
func Stop(string) error { return ErrNotHere }

// Reload has the service read its configuration anew.
func Reload(string) error { return ErrNotHere }
