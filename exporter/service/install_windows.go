package service

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// withManager calls do with a connection to the Service Control Manager.
func withManager(do func(*mgr.Mgr) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("connect to the Service Control Manager: %w%s", err, adviceOn(err))
	}
	defer func() { _ = m.Disconnect() }()
	return do(m)
}

// withService calls do with the service of the name.
func withService(name string, do func(*mgr.Service) error) error {
	return withManager(func(m *mgr.Mgr) error {
		s, err := m.OpenService(name)
		if err != nil {
			return fmt.Errorf("open the service %s: %w%s", name, err, adviceOn(err))
		}
		defer func() { _ = s.Close() }()
		return do(s)
	})
}

func adviceOn(err error) string {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return "; run it as an administrator"
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		return "; install it first, or give its --name"
	case errors.Is(err, windows.ERROR_SERVICE_EXISTS):
		return "; uninstall it first, or choose another --name"
	default:
		return ""
	}
}

// Install makes a service that starts with the machine and is restarted when it
// fails, and its source in the event log. It needs an administrator. It returns
// besides what could not be set although the service is there.
func Install(d Definition) (missing, err error) {
	err = withManager(func(m *mgr.Mgr) error {
		s, err := m.CreateService(d.Name, d.Executable, mgr.Config{
			StartType:        mgr.StartAutomatic,
			ErrorControl:     mgr.ErrorNormal,
			DisplayName:      "Prometheus exporter for ICWS (" + d.Name + ")",
			Description:      "Watches Genesys PureConnect servers over ICWS and serves their metrics to Prometheus.",
			ServiceStartName: d.Account,
		}, d.Arguments...)
		if err != nil {
			return fmt.Errorf("create the service %s: %w%s", d.Name, err, adviceOn(err))
		}
		defer func() { _ = s.Close() }()
		missing = errors.Join(restartOnFailure(s), addEventSource(d.Name))
		return nil
	})
	return missing, err
}

// restartOnFailure has a service that failed start again, soon and then not so soon.
func restartOnFailure(s *mgr.Service) error {
	const day = 24 * 60 * 60
	restart := func(after time.Duration) mgr.RecoveryAction {
		return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: after}
	}
	err := s.SetRecoveryActions([]mgr.RecoveryAction{restart(5 * time.Second), restart(30 * time.Second), restart(time.Minute)}, day)
	if err == nil {
		err = s.SetRecoveryActionsOnNonCrashFailures(true)
	}
	if err != nil {
		return fmt.Errorf("set what happens when the service fails: %w", err)
	}
	return nil
}

// addEventSource lets the event log show texts of the service. One that is there
// already, from an installation before, is right.
func addEventSource(name string) error {
	_ = eventlog.Remove(name)
	if err := eventlog.InstallAsEventCreate(name, eventlog.Info|eventlog.Warning|eventlog.Error); err != nil {
		return fmt.Errorf("add %s to the sources of the event log: %w", name, err)
	}
	return nil
}

// Uninstall stops the service and removes it. It needs an administrator.
func Uninstall(name string) error {
	return withService(name, func(s *mgr.Service) error {
		status, err := s.Query()
		if err == nil && status.State != svc.Stopped {
			err = stop(s)
		}
		if err == nil {
			err = s.Delete()
		}
		if err != nil {
			return fmt.Errorf("remove the service %s: %w", name, err)
		}
		_ = eventlog.Remove(name) // it may be gone
		return nil
	})
}

// Start starts the service and waits until it does its work.
func Start(name string) error {
	return withService(name, func(s *mgr.Service) error {
		if err := s.Start(); err != nil {
			return fmt.Errorf("start the service %s: %w%s", name, err, adviceOn(err))
		}
		if err := await(s, svc.Running); err != nil {
			return fmt.Errorf("start the service %s: %w; its reason is in the event log and in its log file", name, err)
		}
		return nil
	})
}

// Stop stops the service and waits for its end.
func Stop(name string) error {
	return withService(name, func(s *mgr.Service) error {
		if err := stop(s); err != nil {
			return fmt.Errorf("stop the service %s: %w%s", name, err, adviceOn(err))
		}
		return nil
	})
}

func stop(s *mgr.Service) error {
	if _, err := s.Control(svc.Stop); err != nil {
		return err
	}
	return await(s, svc.Stopped)
}

// Reload has the service read its configuration anew.
func Reload(name string) error {
	return withService(name, func(s *mgr.Service) error {
		if _, err := s.Control(svc.ParamChange); err != nil {
			return fmt.Errorf("reload the service %s: %w%s", name, err, adviceOn(err))
		}
		return nil
	})
}

// await waits until the service is in a state.
func await(s *mgr.Service, want svc.State) error {
	for deadline := time.Now().Add(endTime); ; time.Sleep(200 * time.Millisecond) {
		status, err := s.Query()
		switch {
		case err != nil:
			return err
		case status.State == want:
			return nil
		case status.State == svc.Stopped:
			return fmt.Errorf("it has ended with code %d", status.ServiceSpecificExitCode)
		case time.Now().After(deadline):
			return fmt.Errorf("that takes longer than %s", endTime)
		}
	}
}
