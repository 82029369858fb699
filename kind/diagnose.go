package kind

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	diagnosisTime = 5 * time.Second
	podsShown     = 4
	eventsShown   = 3
	linesShown    = 8
	textWidth     = 160
	logTail       = 64 << 10 // bytes that are read for the last lines
)

func timedOut(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errTimeout) }

// podTrouble is what is known of a pod that is not ready.
type podTrouble struct {
	name       string // with its namespace
	phase      string
	containers []containerTrouble
	events     []string
}

// containerTrouble is a container that does not run, or runs and is not ready.
type containerTrouble struct {
	name, state string
	log         []string // its last lines
}

// diagnose shows the pods of the namespaces that are not ready, with their last events and lines of log, for people. What
// cannot be had is left out: it is the end of an error that is told anyhow.
func (k *client) diagnose(ctx context.Context, namespaces map[string]bool) string {
	var troubles []podTrouble
	var others []string
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		pods, err := k.core.Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Sprintf("  (the pods of %s cannot be shown: %v)", namespace, err)
		}
		events := k.warnings(ctx, namespace)
		for _, pod := range pods.Items {
			if !podReady(&pod) {
				troubles = append(troubles, k.trouble(ctx, &pod, events["Pod/"+pod.Name]))
			}
		}
		for _, about := range slices.Sorted(maps.Keys(events)) {
			if !strings.HasPrefix(about, "Pod/") {
				for _, e := range events[about] {
					others = append(others, fmt.Sprintf("%s of %s: %s", about, namespace, e))
				}
			}
		}
	}
	return render(troubles, others)
}

func podReady(pod *corev1.Pod) bool {
	if pod.Status.Phase == corev1.PodSucceeded {
		return true
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// warnings are the last events of type Warning by what they are about, "Kind/name".
func (k *client) warnings(ctx context.Context, namespace string) map[string][]string {
	list, err := k.core.Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	when := func(e corev1.Event) time.Time {
		return slices.MaxFunc([]time.Time{e.LastTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time}, time.Time.Compare)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return when(a).Compare(when(b)) })
	about := map[string][]string{}
	for _, e := range list.Items {
		if e.Type != corev1.EventTypeWarning {
			continue
		}
		key, text := e.InvolvedObject.Kind+"/"+e.InvolvedObject.Name, e.Reason+": "+e.Message
		kept := append(slices.DeleteFunc(about[key], func(s string) bool { return s == text }), text)
		about[key] = kept[max(0, len(kept)-eventsShown):]
	}
	return about
}

func (k *client) trouble(ctx context.Context, pod *corev1.Pod, events []string) podTrouble {
	t := podTrouble{name: pod.Namespace + "/" + pod.Name, phase: string(pod.Status.Phase), events: events}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			t.phase = cmp.Or(c.Message, t.phase)
		}
	}
	for _, s := range append(slices.Clone(pod.Status.InitContainerStatuses), pod.Status.ContainerStatuses...) {
		if s.Ready || s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
			continue
		}
		c := containerTrouble{name: s.Name, state: stateText(s)}
		if w := s.State.Waiting; w != nil && strings.Contains(w.Reason, "ImagePull") {
			t.events = nil // they say the same, many times
		}
		if s.State.Running != nil || s.RestartCount > 0 || s.State.Terminated != nil {
			c.log = k.lastLines(ctx, pod, s.Name, s.State.Running == nil && s.RestartCount > 0)
		}
		t.containers = append(t.containers, c)
	}
	return t
}

func stateText(s corev1.ContainerStatus) string {
	text := "runs, not ready"
	switch {
	case s.State.Waiting != nil:
		text = cmp.Or(s.State.Waiting.Reason, "waits")
		if m := s.State.Waiting.Message; m != "" {
			text += ": " + m
		}
	case s.State.Terminated != nil:
		text = fmt.Sprintf("ended with exit code %d (%s)", s.State.Terminated.ExitCode, s.State.Terminated.Reason)
	}
	if last := s.LastTerminationState.Terminated; last != nil {
		text += fmt.Sprintf("; restarts: %d, the last end with exit code %d (%s)", s.RestartCount, last.ExitCode, last.Reason)
	}
	return text
}

// lastLines are the last lines that a container has written; previous asks for those of its run before.
func (k *client) lastLines(ctx context.Context, pod *corev1.Pod, container string, previous bool) []string {
	lines, limit := int64(linesShown), int64(logTail)
	r, err := k.core.Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines, LimitBytes: &limit}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer r.Close()
	var all []string
	for s := bufio.NewScanner(io.LimitReader(r, logTail)); s.Scan(); {
		all = append(all, plainLog(s.Text()))
	}
	return all
}

// plainLog is what a structured line of log says: level, message and error. Other lines stay as they are.
func plainLog(line string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return line
	}
	var said []string
	for _, names := range [][]string{{"level", "severity"}, {"msg", "message"}, {"error"}} {
		for _, name := range names {
			if text, ok := fields[name].(string); ok {
				said = append(said, text)
			}
		}
	}
	return cmp.Or(strings.Join(said, ": "), line)
}

// render shows troubles, the first few of them, a few lines each.
func render(troubles []podTrouble, others []string) string {
	var b strings.Builder
	line := func(indent int, label, text string) {
		text = strings.Join(strings.Fields(text), " ")
		fmt.Fprintf(&b, "%*s%s\n", indent, "", shorten(strings.TrimSpace(fmt.Sprintf("%-6s%s", label, text)), textWidth))
	}
	for i, t := range troubles {
		if i == podsShown {
			fmt.Fprintf(&b, "  and %d more pods that are not ready\n", len(troubles)-i)
			break
		}
		line(2, "pod", fmt.Sprintf("%s: %s", t.name, t.phase))
		for _, c := range t.containers {
			line(4, "", fmt.Sprintf("container %s: %s", c.name, c.state))
			for _, l := range c.log {
				line(6, "log", l)
			}
		}
		for _, e := range t.events {
			line(4, "event", e)
		}
	}
	if len(troubles) == 0 { // then these may tell why there are no pods
		for _, o := range others[max(0, len(others)-eventsShown):] {
			line(2, "event", o)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// shorten cuts a text to a number of characters. It cuts in the middle: causes stand at the end of messages.
func shorten(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	head := n / 2
	return string(r[:head]) + "…" + string(r[len(r)-(n-head-1):])
}
