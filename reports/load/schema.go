package load

import (
	_ "embed"
	"slices"
)

//go:embed load.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of what WriteJSON writes. It is open: a reader must ignore fields that it
// does not know, since a version may gain some.
func Schema() []byte { return slices.Clone(schema) }
