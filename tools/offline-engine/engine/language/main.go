// Runs Node.js programs for the engine, where Pulumi's own language host can't be had: its newest release that a module proxy has is
// older than resource hooks, and doesn't pass them on to the engine. It does what `pulumi preview`, `up`, `destroy` and `refresh` ask
// for, and nothing else of the protocol: dependencies are installed, and plugins are there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The SDK's program that loads the user's.
const runProgram = "@pulumi/pulumi/cmd/run"

// The status of a program that has told its user what is wrong.
const hasSaidWhy = 32

// Set when it is built.
var version = "unknown"

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
}

func main() {
	if err := serve(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// It serves until the engine is gone.
func serve(engine string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := rpcutil.Healthcheck(ctx, engine, 5*time.Minute, cancel); err != nil {
		return fmt.Errorf("the engine at %s can't be asked: %w", engine, err)
	}
	stop := make(chan bool)
	go func() {
		<-ctx.Done()
		close(stop)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{engine: engine})
			return nil
		},
	})
	if err != nil {
		return err
	}
	// The engine reads where to reach it from its first line.
	fmt.Println(handle.Port)
	return <-handle.Done
}

func (*host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (*host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (h *host) Run(_ context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	command, err := h.command(request)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == hasSaidWhy:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with %s", exit)}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("node can't be run: %s", err)}, nil
	}
}

func (h *host) command(request *pulumirpc.RunRequest) (*exec.Cmd, error) {
	run, err := resolve(runProgram, request.GetInfo().GetProgramDirectory())
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(request.GetConfig())
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(request.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	options := request.GetInfo().GetOptions().AsMap()
	var words []string
	if nodeArgs, ok := options["nodeargs"].(string); ok {
		words = strings.Fields(nodeArgs)
	}
	words = append(
		words, run,
		"--monitor", request.GetMonitorAddress(),
		"--engine", h.engine,
		"--organization", request.GetOrganization(),
		"--project", request.GetProject(),
		"--stack", request.GetStack(),
		"--root-directory", request.GetInfo().GetRootDirectory(),
		"--pwd", request.GetPwd(),
		"--parallel", strconv.Itoa(int(request.GetParallel())),
	)
	if request.GetDryRun() {
		words = append(words, "--dry-run")
	}
	entry := request.GetInfo().GetEntryPoint()
	if entry == "" {
		entry = "."
	}
	words = append(append(words, entry), request.GetArgs()...)
	command := exec.Command("node", words...)
	command.Stdout = os.Stdout
	command.Stderr = os.Stderr
	command.Env = append(os.Environ(), "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	if typescript, ok := options["typescript"].(bool); !ok || typescript {
		command.Env = append(command.Env, "PULUMI_NODEJS_TYPESCRIPT=true")
	}
	return command, nil
}

// resolve tells where node finds a module from a folder.
func resolve(module, folder string) (string, error) {
	command := exec.Command("node", "-p", "require.resolve(process.argv[1])", module)
	command.Dir = folder
	found, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s is not installed in %s; run npm ci", module, folder)
	}
	return strings.TrimSpace(string(found)), nil
}
