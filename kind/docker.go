package kind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// engineTimeout bounds the first word of the Docker Engine; one that works answers at once.
const engineTimeout = 5 * time.Second

// docker runs the client of Docker and returns what it prints. Its errors carry the client's last words.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	cmd.WaitDelay = grace / 4
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if said := lastLine(errs.String()); said != "" {
			err = errors.New(said)
		}
		return "", fmt.Errorf("docker %s: %w", args[0], err)
	}
	return strings.TrimSpace(out.String()), nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// engine makes sure that Docker is there and answers.
func (c *cluster) engine(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("Docker is needed, and there is no docker on the PATH: install Docker Engine or Docker Desktop") //nolint:staticcheck // a name
	}
	short, cancel := context.WithTimeoutCause(ctx, engineTimeout, fmt.Errorf("no answer within %s", engineTimeout))
	defer cancel()
	if _, err := docker(short, nil, "version", "--format", "{{.Server.Version}}"); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("no Docker Engine is running: start it, or set DOCKER_HOST to where one is (%w)", err)
	}
	return nil
}

// imageID is the ID of an image of the engine; empty if there is none of that name.
func imageID(ctx context.Context, name string) (string, error) {
	id, err := docker(ctx, nil, "image", "inspect", "--format", "{{.Id}}", name)
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "no such image") {
		return "", nil
	}
	return id, err
}

// nodeImage is the reference of the image for the nodes. It is brought into the engine: an archive is loaded and a missing
// image pulled, once, so that one that cannot be had is told at once. (kind itself would try for a while.)
func (u *up) nodeImage(ctx context.Context) (string, error) {
	name := u.NodeImage
	if name == "" {
		name = DefaultNodeImage
	}
	if isArchive(name) {
		return loadNodeImage(ctx, name, u.progress.detail)
	}
	id, err := imageID(ctx, name)
	if err != nil || id != "" {
		return name, err
	}
	u.progress.detail("pulling " + name)
	if _, err := docker(ctx, nil, "pull", "--quiet", name); err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		return "", fmt.Errorf("node image %s is not in the Docker Engine and cannot be pulled (%w): name another, or its archive, by --node-image", name, err)
	}
	return name, nil
}

func loadNodeImage(ctx context.Context, file string, detail func(string)) (string, error) {
	detail("reading " + file)
	contents, err := readArchive(ctx, file)
	if err != nil {
		return "", err
	}
	if len(contents) != 1 || len(contents[0].tags) == 0 {
		return "", input("--node-image %s: expected the archive of one image with a name, as `docker save NAME` writes it", file)
	}
	name := contents[0].tags[0]
	if id, err := imageID(ctx, name); err != nil || id == contents[0].id {
		return name, err
	}
	detail("loading " + file)
	r, err := openArchive(file)
	if err != nil {
		return "", err
	}
	defer r.close()
	if _, err := docker(ctx, r, "load", "--quiet"); err != nil {
		return "", fmt.Errorf("node image %s: %w", file, err)
	}
	return name, nil
}

// kindError is an error of kind with the last words of the command that failed, which kind's own text leaves out.
func kindError(err error) error {
	failed := kindexec.RunErrorForError(err)
	if failed == nil {
		return err
	}
	said := strings.TrimSpace(string(failed.Output))
	if said == "" {
		return err
	}
	lines := strings.Split(said, "\n")
	if n := len(lines) - 15; n > 0 {
		lines = lines[n:]
	}
	return errors.New(strings.Join(lines, "\n  "))
}
