package mgmt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// reply is the line that answers a request.
type reply struct {
	OK     bool            `json:"ok"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// answerFunc carries out a checked request.
type answerFunc func(ctx context.Context, b Backend, r *Request) (any, error)

// verbs is every verb; its order is that of error messages.
var verbs []verb

func init() { // errors about the table read it
	verbs = []verb{
		{VerbShow, []string{"what"}, 1, show},
		{VerbInitiate, []string{"name", "child", "timeout_ms"}, 1, initiate},
		{VerbTerminate, []string{"name", "timeout_ms"}, 1, terminate},
		{VerbRekey, []string{"name", "part", "timeout_ms"}, 1, rekey},
	}
}

// answer carries out one line and returns the line that answers it.
func answer(ctx context.Context, b Backend, line []byte) []byte {
	r, v, err := parseRequest(line)
	if err != nil {
		return refuse(err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout()+workTime)
	defer cancel()
	result, err := v.answer(ctx, b, &r)
	if err != nil {
		return refuse(err)
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return refuse(fmt.Errorf("%s: %w", r.Verb, err))
	}
	return encode(reply{OK: true, Result: raw})
}

// refuse is the answer to what cannot be done.
func refuse(err error) []byte { return encode(reply{Error: err.Error()}) }

// encode never fails: a reply is valid JSON and text.
func encode(r reply) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("mgmt: " + err.Error())
	}
	return append(b, '\n')
}

// table is something that "show" can show.
type table struct {
	name string
	rows func(ctx context.Context, b Backend) (any, error)
}

var tables = []table{
	{"sas", showSAs},
	{"connections", showConnections},
	{"failures", func(ctx context.Context, b Backend) (any, error) { return listed(b.Failures(ctx)) }},
	{"ports", func(_ context.Context, b Backend) (any, error) { return b.Status().Ports, nil }},
	{"lcores", func(_ context.Context, b Backend) (any, error) { return b.Status().Lcores, nil }},
	{"drops", func(_ context.Context, b Backend) (any, error) { return b.Status().Drops, nil }},
}

// Tables lists what "show" can show. The caller owns it.
func Tables() []string {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	return names
}

func show(ctx context.Context, b Backend, r *Request) (any, error) {
	i := slices.IndexFunc(tables, func(t table) bool { return t.name == r.What })
	if i < 0 {
		return nil, fmt.Errorf("show %s: expected one of %s", quote(r.What), strings.Join(Tables(), ", "))
	}
	return tables[i].rows(ctx, b)
}

func showSAs(ctx context.Context, b Backend) (any, error) {
	ike, err := listed(b.SAs(ctx))
	if err != nil {
		return nil, err
	}
	static, _ := listed(b.Static(), nil)
	return SAs{IKE: ike, Static: static}, nil
}

func showConnections(ctx context.Context, b Backend) (any, error) {
	sas, err := b.SAs(ctx)
	if err != nil {
		return nil, err
	}
	return connections(b.Configured(), sas), nil
}

// listed makes an empty list of none: null is not a list to those who read the answers.
func listed[T any](list []T, err error) ([]T, error) {
	if list == nil {
		list = []T{}
	}
	return list, err
}
