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
	for _, w := range cfg.Warnings {
		fmt.Fprintln(e.stderr, w)
	}
	fmt.Fprintf(e.stdout, "%s: ok: %d ports, %d connections, %d tunnels, %d policy entries\n",
		f.Arg(0), len(cfg.Ports), len(cfg.Connections), len(cfg.Tunnels), len(cfg.Policies))
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
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	if err := forbidCoreDumps(); err != nil {
		log.Warn("core dumps are not off: they would have keys in them", "error", err)
	}
	cfg, err := config.Load(*file)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	a, err := appliance.New(cfg, appliance.Options{Log: log})
	if err != nil {
		return err
	}
	defer serveAdmin(ctx, a, log)()
	return a.Run(ctx)
}

// serveAdmin answers operators from the moment the appliance is ready. The function that it returns, to be called after Run,
// waits until the socket is gone. Without a socket traffic flows all the same.
func serveAdmin(ctx context.Context, a *appliance.Appliance, log *slog.Logger) (wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-a.Ready():
		case <-ctx.Done():
			return
		}
		if err := a.ServeAdmin(ctx); err != nil {
			log.Error("no operator can reach this appliance", "error", err)
		}
	}()
	return func() { cancel(); <-ended }
}
