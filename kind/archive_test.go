package kind

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// saved is an archive as Docker writes it, of its older and its newer form.
func saved(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct{ name, text string }{
		{"abc/layer.tar", strings.Repeat("layer", 1000)},
		{"manifest.json", `[{"Config":"0123.json","RepoTags":["example.com/a:v1","a:v1"]},{"Config":"blobs/sha256/4567","RepoTags":["b/c:v2"]}]`},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t *testing.T, text []byte, with func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := with(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, text []byte) []byte {
	return packed(t, text, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

func zstandard(t *testing.T, text []byte) []byte {
	return packed(t, text, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
}

func TestArchivesAreReadHoweverTheyArePacked(t *testing.T) {
	plain := saved(t)
	for name, text := range map[string][]byte{"a.tar": plain, "a.tar.gz": gzipped(t, plain), "a.tar.zst": zstandard(t, plain), "misnamed.tar": zstandard(t, plain)} {
		t.Run(name, func(t *testing.T) {
			file := write(t, name, string(text))
			got, err := readArchive(t.Context(), file)
			want := []content{{"0123", []string{"example.com/a:v1", "a:v1"}}, {"4567", []string{"b/c:v2"}}}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v and error %v, want %v", got, err, want)
			}
			var stream bytes.Buffer
			err = image{file, true}.stream(t.Context(), func(r io.Reader) error {
				_, err := io.Copy(&stream, r)
				return err
			})
			if err != nil || !bytes.Equal(stream.Bytes(), plain) {
				t.Errorf("the nodes get %d bytes and error %v, want the %d bytes of the tar file", stream.Len(), err, len(plain))
			}
		})
	}
}

func TestBadArchivesAreRefusedAtOnce(t *testing.T) {
	plain := saved(t)
	for name, test := range map[string]struct{ text, says string }{
		"empty":       {"", "fewer than 4 bytes"},
		"text":        {strings.Repeat("no archive ", 100), "expected a tar file"},
		"short":       {"no archive", "expected a tar file"},
		"packed text": {string(gzipped(t, []byte("no archive"))), "expected a tar file"},
		"bad gzip":    {"\x1f\x8bnonsense", "gzip"},
		"cut zstd":    {string(zstandard(t, plain)[:20]), "expected a tar file"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, "bad.tar", test.text)
			if _, err := parseImages([]string{file}); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want bad input that says %q and %q", err, file, test.says)
			}
		})
	}
	if _, err := parseImages([]string{filepath.Join(t.TempDir(), "none.tar.zst")}); !errors.Is(err, ErrInput) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want that there is no such file", err)
	}
	if _, err := parseImages([]string{""}); !errors.Is(err, ErrInput) {
		t.Errorf("got error %v for no name, want bad input", err)
	}
	if _, err := readArchive(t.Context(), write(t, "cut.tar", string(plain[:len(plain)/2]))); !errors.Is(err, ErrInput) {
		t.Errorf("got error %v for half an archive, want bad input", err)
	}
}

func TestArchivesAndNamesAreToldApart(t *testing.T) {
	odd := write(t, "image", string(saved(t)))
	list, err := parseImages([]string{odd, "sequitur:dev", "example.com/x.tar/y:v1"})
	want := []image{{odd, true}, {"sequitur:dev", false}, {"example.com/x.tar/y:v1", false}}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("got %v and error %v, want %v", list, err, want)
	}
}

// TestImagesThatAreThere reads what ctr prints: names and IDs are references of the same manifests.
func TestImagesThatAreThere(t *testing.T) {
	there := parseImageList(strings.Split(`REF TYPE DIGEST SIZE PLATFORMS LABELS
example.com/a:v1 application/vnd.docker.distribution.manifest.v2+json sha256:m1 210.4 MiB linux/amd64 io.cri-containerd.image=managed
docker.io/library/a:v1 application/vnd.docker.distribution.manifest.v2+json sha256:m1 210.4 MiB linux/amd64 -
docker.io/b/c:v2 application/vnd.docker.distribution.manifest.v2+json sha256:m2 210.4 MiB linux/amd64 -
localhost/d:v1 application/vnd.docker.distribution.manifest.v2+json sha256:m3 210.4 MiB linux/amd64 -
sha256:0123 application/vnd.docker.distribution.manifest.v2+json sha256:m1 210.4 MiB linux/amd64 -
sha256:4567 application/vnd.docker.distribution.manifest.v2+json sha256:m2 210.4 MiB linux/amd64 -

`, "\n"))
	for _, test := range []struct {
		contents []content
		want     bool
	}{
		{[]content{{"0123", []string{"example.com/a:v1", "a:v1"}}, {"4567", []string{"b/c:v2"}}}, true},
		{[]content{{"4567", []string{"a:v1"}}}, false},         // another of that name
		{[]content{{"0123", []string{"a:v1", "a:v2"}}}, false}, // one name is missing
		{[]content{{"89", []string{"localhost/d:v1"}}}, false}, // a name without an ID
		{[]content{{"0123", nil}}, false},
		{nil, false}, // unknown contents are loaded
	} {
		if got := has(there, test.contents); got != test.want {
			t.Errorf("%v are there: %v, want %v", test.contents, got, test.want)
		}
	}
}
