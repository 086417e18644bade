package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"icws_exporter/exporter/config"
	"icws_exporter/exporter/service"
)

type serviceCommand struct {
	Install   serviceInstall   `cmd:"" help:"Install the service. It starts with the machine, and again when it fails."`
	Uninstall serviceUninstall `cmd:"" help:"Stop and remove the service."`
	Start     serviceStart     `cmd:"" help:"Start the service and wait until it serves."`
	Stop      serviceStop      `cmd:"" help:"Stop the service and wait until every session has been left."`
	Reload    serviceReload    `cmd:"" help:"Have the service read its configuration anew. Its log says how that ended."`
}

type serviceName struct {
	Name string `help:"Name of the service. Default ${default}." default:"icws_exporter" placeholder:"NAME"`
}

type serviceInstall struct {
	serviceName `embed:""`
	ConfigFile  string   `name:"config.file" required:"" help:"YAML configuration that the service is to serve." placeholder:"FILE"`
	Account     string   `help:"Account to run as. Default the virtual account of the service, which has a password that nobody knows and no rights but its own." placeholder:"ACCOUNT"`
	More        []string `arg:"" optional:"" help:"More flags of serve, after two dashes." placeholder:"FLAGS"`
}

type (
	serviceUninstall struct {
		serviceName `embed:""`
	}
	serviceStart struct {
		serviceName `embed:""`
	}
	serviceStop struct {
		serviceName `embed:""`
	}
	serviceReload struct {
		serviceName `embed:""`
	}
)

// Run removes the service.
func (c *serviceUninstall) Run() error { return service.Uninstall(c.Name) }

// Run starts the service.
func (c *serviceStart) Run() error { return service.Start(c.Name) }

// Run stops the service.
func (c *serviceStop) Run() error { return service.Stop(c.Name) }

// Run has the service reload.
func (c *serviceReload) Run() error { return service.Reload(c.Name) }

// Run installs the service, once the configuration is known to be good, and says how to
// keep the passwords from others.
func (c *serviceInstall) Run(s *streams) error {
	watched, err := loadFile(c.ConfigFile, nil)
	if err != nil {
		return usageError{err}
	}
	d, err := c.definition(s.logging)
	if err != nil {
		return usageError{err}
	}
	missing, err := service.Install(d)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The service %s is installed. It runs as %s.\n", d.Name, d.Account)
	if missing != nil {
		fmt.Fprintf(s.out, "What could not be set: %v\n", missing)
	}
	for _, file := range passwordFiles(watched) {
		fmt.Fprintf(s.out, "\n%s holds a password. Let only the service and administrators read it:\n  icacls \"%[1]s\" /inheritance:r /grant:r \"%[2]s:R\" *S-1-5-32-544:F *S-1-5-18:F\n", file, d.Account)
	}
	fmt.Fprintf(s.out, "\nStart it with: icws_exporter service start --name=%s\n", d.Name)
	return nil
}

// definition is what the service is to run. A service has another directory, so that
// every path has to be absolute.
func (c *serviceInstall) definition(log *logFlags) (service.Definition, error) {
	executable, err := os.Executable()
	if err != nil {
		return service.Definition{}, fmt.Errorf("where this program is: %w", err)
	}
	file, err := filepath.Abs(c.ConfigFile)
	if err != nil {
		return service.Definition{}, fmt.Errorf("--config.file: %w", err)
	}
	logFile := log.File
	if logFile == "" {
		logFile = filepath.Join(filepath.Dir(file), c.Name+".log")
	}
	if logFile, err = filepath.Abs(logFile); err != nil {
		return service.Definition{}, fmt.Errorf("--log.file: %w", err)
	}
	d := service.Definition{Name: c.Name, Account: c.Account, Executable: executable}
	if d.Account == "" {
		d.Account = service.VirtualAccount(c.Name)
	}
	arguments := append([]string{"serve", "--config.file=" + file, "--log.file=" + logFile, "--log.level=" + log.Level, "--log.format=" + log.Format}, c.More...)
	var flags grammar
	if command, _, err := parse(&flags, arguments, io.Discard, io.Discard); err != nil || command == nil {
		return service.Definition{}, fmt.Errorf("the flags after two dashes are no flags of serve: %w", errors.Join(err, errNotServed))
	}
	d.Arguments = slices.Concat(arguments, []string{service.Mark})
	return d, nil
}

var errNotServed = errors.New("expected flags such as --web.listen-address=:10018")

func passwordFiles(watched config.Validated) []string {
	var files []string
	seen := map[string]bool{}
	for _, server := range watched.Servers() {
		if file := server.PasswordFile; file != "" && !seen[file] {
			seen[file] = true
			files = append(files, file)
		}
	}
	return files
}
