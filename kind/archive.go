package kind

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// image is what the nodes are to have: an archive of images, or one of the Docker Engine by its name.
type image struct {
	ref     string
	archive bool
}

func (i image) String() string {
	if i.archive {
		return filepath.Base(i.ref)
	}
	return i.ref
}

// content is an image: the hex digest of its configuration, which is its ID for Docker and for the nodes, and its names.
type content struct {
	id   string
	tags []string
}

// isArchive tells whether a reference is a file: by the ending that archives have, or as one of that path is there.
func isArchive(ref string) bool {
	for _, ending := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"} {
		if strings.HasSuffix(ref, ending) {
			return true
		}
	}
	info, err := os.Stat(ref)
	return err == nil && info.Mode().IsRegular()
}

// parseImages tells archives from names, and makes sure that archives are ones.
func parseImages(refs []string) ([]image, error) {
	var list []image
	for _, ref := range refs {
		if ref == "" {
			return nil, input("image: expected the file of an archive or the name of an image, not nothing")
		}
		i := image{ref, isArchive(ref)}
		if i.archive {
			r, err := openArchive(ref)
			if err != nil {
				return nil, err
			}
			r.close()
		}
		list = append(list, i)
	}
	return list, nil
}

// archive is a tar file, decompressed as it is read.
type archive struct {
	io.Reader
	closers []func() error
}

// close lets go of the file. That it was read to its end tells the reader, so what closing says is of no use.
func (a *archive) close() {
	for _, f := range slices.Backward(a.closers) {
		_ = f()
	}
}

// openArchive opens a tar file, which may be compressed by gzip or zstd whatever its name, and looks at its beginning.
func openArchive(file string) (_ *archive, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, input("archive of images: %w", err)
	}
	a := &archive{closers: []func() error{f.Close}}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	packed := bufio.NewReader(f)
	magic, err := packed.Peek(4)
	if err != nil {
		return nil, input("archive of images %s: it has fewer than 4 bytes", file)
	}
	a.Reader = packed
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, input("archive of images %s: %w", file, err)
		}
		a.Reader, a.closers = z, append(a.closers, z.Close)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(packed)
		if err != nil {
			return nil, input("archive of images %s: %w", file, err)
		}
		a.Reader, a.closers = z, append(a.closers, func() error { z.Close(); return nil })
	}
	plain := bufio.NewReader(a.Reader)
	a.Reader = plain
	head, err := plain.Peek(512) // the first header of a tar file; what is peeked at stays to be read
	if err == nil {
		_, err = tar.NewReader(bytes.NewReader(head)).Next()
	}
	if err != nil {
		return nil, input("archive of images %s: expected a tar file as `docker save` writes it, also compressed by gzip or zstd", file)
	}
	return a, nil
}

// readArchive reads what images a file holds, all through. Archives without the list that Docker writes have no content
// that can be told.
func readArchive(ctx context.Context, file string) ([]content, error) {
	a, err := openArchive(file)
	if err != nil {
		return nil, err
	}
	defer a.close()
	for t := tar.NewReader(a); ; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, input("archive of images %s: %w", file, err)
		}
		if path.Clean(h.Name) == "manifest.json" {
			var list []struct {
				Config   string
				RepoTags []string
			}
			if err := json.NewDecoder(t).Decode(&list); err != nil {
				return nil, input("archive of images %s: manifest.json: %w", file, err)
			}
			var contents []content
			for _, m := range list {
				contents = append(contents, content{digest(m.Config), m.RepoTags})
			}
			return contents, nil
		}
	}
}

// digest is the hex digest in the path of a configuration: DIGEST.json, or blobs/sha256/DIGEST.
func digest(config string) string { return strings.TrimSuffix(path.Base(config), ".json") }

// fullName is the name of an image as the nodes keep it.
func fullName(tag string) string {
	host, _, hasHost := strings.Cut(tag, "/")
	switch {
	case !hasHost:
		return "docker.io/library/" + tag
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		return "docker.io/" + tag
	}
	return tag
}

// haveImages makes sure that the Docker Engine has the images that are given by name.
func haveImages(ctx context.Context, list []image) error {
	for _, i := range list {
		if i.archive {
			continue
		}
		id, err := imageID(ctx, i.ref)
		if err != nil {
			return err
		}
		if id == "" {
			return fmt.Errorf("image %s is not in the Docker Engine, and no file of that name is there: `docker pull` or build it, or name an archive (.tar, .tar.gz, .tar.zst)", i.ref)
		}
	}
	return nil
}

// loadImages brings images into all nodes.
func (c *cluster) loadImages(ctx context.Context, list []image) error {
	for _, i := range list {
		err := c.progress.step("loading images of "+i.String(), func() (string, error) { return c.loadImage(ctx, i) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) loadImage(ctx context.Context, i image) (string, error) {
	contents, err := i.contents(ctx)
	if err != nil {
		return "", err
	}
	missing := make([]bool, len(c.nodes))
	if err := c.eachNode(ctx, func(ctx context.Context, n nodes.Node) (err error) {
		there, err := imagesOf(ctx, n)
		missing[slices.Index(c.nodes, n)] = !has(there, contents)
		return err
	}); err != nil {
		return "", err
	}
	if !slices.Contains(missing, true) {
		return "images of " + i.String() + " are there", nil
	}
	err = c.eachNode(ctx, func(ctx context.Context, n nodes.Node) error {
		if !missing[slices.Index(c.nodes, n)] {
			return nil
		}
		return i.stream(ctx, func(r io.Reader) error { return nodeutils.LoadImageArchive(boundNode{n, ctx}, r) })
	})
	if err != nil {
		return "", fmt.Errorf("images of %s: %w", i, err)
	}
	return "loaded images of " + i.String(), nil
}

// contents are what an image or archive holds, as far as that can be told.
func (i image) contents(ctx context.Context) ([]content, error) {
	if i.archive {
		return readArchive(ctx, i.ref)
	}
	id, err := imageID(ctx, i.ref)
	return []content{{strings.TrimPrefix(id, "sha256:"), []string{i.ref}}}, err
}

// stream hands over the tar file of an image or archive.
func (i image) stream(ctx context.Context, to func(io.Reader) error) error {
	if i.archive {
		a, err := openArchive(i.ref)
		if err != nil {
			return err
		}
		defer a.close()
		return to(a)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()                                           // ends the command if nobody reads on
	cmd := exec.CommandContext(ctx, "docker", "save", i.ref) //nolint:gosec // the user's own image
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = to(out)
	if err != nil {
		cancel()
	}
	if failed := cmd.Wait(); failed != nil && err == nil {
		err = fmt.Errorf("docker save: %s", lastLine(said.String()))
	}
	return err
}

// imagesOf are the images in a node: IDs by their names.
func imagesOf(ctx context.Context, n nodes.Node) (map[string]string, error) {
	lines, err := kindexec.OutputLines(n.CommandContext(ctx, "ctr", "--namespace=k8s.io", "images", "list"))
	return parseImageList(lines), err
}

// parseImageList reads the table of ctr. Names and IDs are both references there, of the same manifest.
func parseImageList(lines []string) map[string]string {
	manifests, ids := map[string]string{}, map[string]string{}
	for _, line := range lines {
		fields := strings.Fields(line) // REF TYPE DIGEST ...
		if len(fields) < 3 {
			continue
		}
		if id, ok := strings.CutPrefix(fields[0], "sha256:"); ok {
			ids[fields[2]] = id
		} else {
			manifests[fields[0]] = fields[2]
		}
	}
	for name, manifest := range manifests {
		manifests[name] = ids[manifest]
	}
	return manifests
}

// has tells whether all contents are there. Unknown contents are not.
func has(there map[string]string, contents []content) bool {
	for _, c := range contents {
		for _, tag := range c.tags {
			if there[fullName(tag)] != c.id {
				return false
			}
		}
		if len(c.tags) == 0 {
			return false
		}
	}
	return len(contents) > 0
}
