package kind

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

const manifestLimit = 32 << 20 // bytes; those of Knative have less than one MiB

// A release of Knative is these files, in this order.
var (
	eventingFiles = []string{
		"knative/eventing/releases/download/knative-%s/eventing-crds.yaml",
		"knative/eventing/releases/download/knative-%s/eventing-core.yaml",
		"knative/eventing/releases/download/knative-%s/in-memory-channel.yaml",
		"knative/eventing/releases/download/knative-%s/mt-channel-broker.yaml",
	}
	servingFiles = []string{
		"knative/serving/releases/download/knative-%s/serving-crds.yaml",
		"knative/serving/releases/download/knative-%s/serving-core.yaml",
		"knative-extensions/net-kourier/releases/download/knative-%s/kourier.yaml",
	}
)

// releases is where files of releases come from, and where they are kept. The project knows no checksums of its own: the
// first download of a file is trusted, as https lets it be, its sum is kept beside it, and every later use must match that.
type releases struct {
	base   string // URL
	dir    string // cache
	client *http.Client
}

func newReleases() (*releases, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no folder to keep downloads in: %w", err)
	}
	return &releases{"https://github.com/", filepath.Join(dir, "sequitur", "releases"), http.DefaultClient}, nil
}

var releaseVersion = regexp.MustCompile(`^v?([0-9]+\.[0-9]+\.[0-9]+)$`)

// files are the paths of a release; nil if version is none.
func releaseFiles(version string, serving bool) []string {
	m := releaseVersion.FindStringSubmatch(version)
	if m == nil {
		return nil
	}
	templates := eventingFiles
	if serving {
		templates = append(templates[:len(templates):len(templates)], servingFiles...)
	}
	var files []string
	for _, t := range templates {
		files = append(files, fmt.Sprintf(t, "v"+m[1]))
	}
	return files
}

func (r *releases) local(path string) string { return filepath.Join(r.dir, filepath.FromSlash(path)) }
func sumFile(file string) string             { return file + ".sha256" }

func (r *releases) cached(path string) bool {
	_, err := os.Stat(sumFile(r.local(path)))
	return err == nil
}

// read is a file of the cache, verified.
func (r *releases) read(path string) ([]byte, error) {
	file := r.local(path)
	want, err := os.ReadFile(sumFile(file))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if got := sum(text); err != nil || got != strings.TrimSpace(string(want)) {
		return nil, fmt.Errorf("%s is not what was downloaded (its SHA-256 was %.12s…, is %.12s…): remove %s to download it again",
			file, want, got, sumFile(file))
	}
	return text, nil
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// fetch downloads what the cache lacks.
func (r *releases) fetch(ctx context.Context, paths []string) error {
	all, inner := errgroup.WithContext(ctx)
	for _, path := range paths {
		if !r.cached(path) {
			all.Go(func() error { return r.download(inner, path) })
		}
	}
	err := all.Wait()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (r *releases) download(ctx context.Context, path string) error {
	url := r.base + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("cannot download the manifests of Knative (%w): give files by --knative FILE", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("there is no %s: see which releases of Knative there are, or give files by --knative FILE", url)
	default:
		return fmt.Errorf("GET %s: expected 200, got %s", url, res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, manifestLimit+1))
	if err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	if len(text) > manifestLimit {
		return fmt.Errorf("GET %s: more than %d MiB, which no manifest of Knative has", url, manifestLimit>>20)
	}
	if _, err := parseManifest(url, text); err != nil { // a page of some proxy, perhaps
		return err
	}
	file := r.local(path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// the sum comes last: a file without one does not count
	return errors.Join(replaceFile(file, text), replaceFile(sumFile(file), []byte(sum(text)+"\n")))
}

// replaceFile writes a file as a whole, whoever else does so at the same time.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(text))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
