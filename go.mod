module github.com/sequitur-dev/sequitur

go 1.26
