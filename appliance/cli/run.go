package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"stillwater/appliance"
	"stillwater/appliance/config"
)

// check validates a configuration file.
func check(e *env, args []string) error {
	f := e.flags("check")
	keys := f.Bool("keys", false, "print every key a configuration can have, with type, default and meaning")
	asJSON := f.Bool("json", false, "print the configuration, every default filled in, as JSON (keys redacted)")
	if err := parse(f, args, 1); err != nil {
		return err
	}
	if *keys {
		fmt.Fprint(e.stdout, config.Help())
		return nil
	}
	if f.NArg() != 1 {
		return &usageError{"name one configuration file"}
	}
	cfg, err := config.Load(f.Arg(0))
	if err != nil {
		return err
	}
	defer cfg.Wipe()
	if *asJSON {
		return json.NewEncoder(e.stdout).Encode(cfg)
	}
	fmt.Fprintf(e.stdout, "%s: ok: %d ports, %d tunnels, %d policy entries\n", f.Arg(0), len(cfg.Ports), len(cfg.Tunnels), len(cfg.Policies))
	return nil
}

// run runs an appliance until SIGTERM or SIGINT.
func run(e *env, args []string) error {
	f := e.flags("run")
	file := f.String("c", "", "configuration `FILE`")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if *file == "" {
		return &usageError{"-c FILE is missing"}
	}
	cfg, err := config.Load(*file)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	a, err := appliance.New(cfg, appliance.Options{Log: slog.New(slog.NewTextHandler(e.stderr, nil))})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
