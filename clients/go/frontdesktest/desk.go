// Package frontdesktest serves a Frontdesk for callers' own tests: in this process, on loopback, it answers what a test has told it
// to. The client is the real one, so what it does with errors, broken streams and deadlines is tried, too.
package frontdesktest

import (
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	frontdesk "github.com/frontdesk/frontdesk/clients/go"
	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Answer is what one call is given; its zero value is a plain answer of the first model. Code other than OK makes the call fail: at
// once, or, where there is Text, after a stream has given it.
type Answer struct {
	Text      string
	Model     string
	ToolCalls []*frontdeskv1.ToolCall
	// CostNanoUsd is 1,000 unless set.
	CostNanoUsd int64
	Code        codes.Code
	Reason      string
	// RetryDelay is what RetryInfo says; zero for none.
	RetryDelay time.Duration
}

// Desk plays its script, one answer a call; without one it answers DefaultText.
type Desk struct {
	// Address is the target to dial.
	Address string
	// Models is the pool; the first is decided for unless an answer names another.
	Models []string
	// DefaultText is answered where the script is empty.
	DefaultText string

	mutex    sync.Mutex
	script   []Answer
	requests []proto.Message
}

// Start serves until the test ends.
func Start(t testing.TB) *Desk {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	desk := &Desk{
		Address: listener.Addr().String(), Models: []string{"small-llm", "frontier-llm"}, DefaultText: "An answer.",
	}
	server := grpc.NewServer()
	frontdeskv1.RegisterRouterServiceServer(server, &service{desk: desk, decided: map[string]*frontdeskv1.GetDecisionResponse{}})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return desk
}

// Client dials the desk; it is closed when the test ends.
func (d *Desk) Client(t testing.TB, options ...frontdesk.Option) *frontdesk.Client {
	t.Helper()
	client, err := frontdesk.Dial(d.Address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Answer adds to the script.
func (d *Desk) Answer(answers ...Answer) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.script = append(d.script, answers...)
}

// Requests are what has been asked so far.
func (d *Desk) Requests() []proto.Message {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return append([]proto.Message(nil), d.requests...)
}

func (d *Desk) keep(request proto.Message) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.requests = append(d.requests, request)
}

func (d *Desk) next() Answer {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	answer := Answer{Text: d.DefaultText}
	if len(d.script) > 0 {
		answer, d.script = d.script[0], d.script[1:]
	}
	if answer.Model == "" {
		answer.Model = d.Models[0]
	}
	if answer.CostNanoUsd == 0 {
		answer.CostNanoUsd = 1_000
	}
	return answer
}

// failure is the status of an answer, with the account of a completion where there is one.
func (a Answer) failure(account *frontdeskv1.CompletionFailure) error {
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: a.Reason, Domain: "frontdesk"}}
	if a.RetryDelay > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(a.RetryDelay)})
	}
	if account != nil {
		details = append(details, protoadapt.MessageV1Of(account))
	}
	rich, err := status.New(a.Code, "the test said so").WithDetails(details...)
	if err != nil {
		return err
	}
	return rich.Err()
}
