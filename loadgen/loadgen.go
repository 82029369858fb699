// Package loadgen sends load.
package loadgen
