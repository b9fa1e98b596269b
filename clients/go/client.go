package frontdesk

import (
	"context"
	"slices"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Client calls one Frontdesk service. It is safe for concurrent use; make one and keep it.
type Client struct {
	conn      *grpc.ClientConn
	rpc       frontdeskv1.RouterServiceClient
	plaintext bool
	closed    atomic.Bool
}

// Dial prepares a connection to target, such as "dns:///frontdesk:50051" or "unix:/run/frontdesk.sock"; "" is what
// FRONTDESK_ADDRESS says, else [DefaultTarget]. It speaks TLS, but plaintext with a target on this machine, unless an option says
// otherwise. The token is that of FRONTDESK_TOKEN unless an option gives one. It returns at once; the first call connects.
func Dial(target string, options ...Option) (*Client, error) {
	target, err := targetOf(target)
	if err != nil {
		return nil, err
	}
	s, err := settingsOf(target, options)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, s.dialOptions()...)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, rpc: frontdeskv1.NewRouterServiceClient(conn), plaintext: s.plaintext}, nil
}

// Close closes the connection for good and cancels the calls that still run. Later calls fail with [ReasonClientClosed].
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.conn.Close()
}

// Conn is the connection, for other services of the same server such as health.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Route decides which model should answer and calls none. Its error is an [*Error], as everywhere.
func (c *Client) Route(
	ctx context.Context, request *frontdeskv1.RouteRequest, options ...grpc.CallOption,
) (*frontdeskv1.RouteResponse, error) {
	return unary(ctx, c, c.rpc.Route, request, options)
}

// RouteBatch decides for many queries in one call. A query that cannot be routed has an error in its place.
func (c *Client) RouteBatch(
	ctx context.Context, request *frontdeskv1.RouteBatchRequest, options ...grpc.CallOption,
) (*frontdeskv1.RouteBatchResponse, error) {
	return unary(ctx, c, c.rpc.RouteBatch, request, options)
}

// Complete decides and returns the whole answer.
func (c *Client) Complete(
	ctx context.Context, request *frontdeskv1.CompleteRequest, options ...grpc.CallOption,
) (*frontdeskv1.CompleteResponse, error) {
	return unary(ctx, c, c.rpc.Complete, request, options)
}

// StreamComplete decides and streams the answer. The stream ends when its events are read to the end, when the loop over
// them is left, when ctx is done, or by [Stream.Close].
func (c *Client) StreamComplete(
	ctx context.Context, request *frontdeskv1.StreamCompleteRequest, options ...grpc.CallOption,
) (*Stream, error) {
	if c.closed.Load() {
		return nil, closedError()
	}
	ctx, cancel := context.WithCancel(ctx)
	rpc, err := c.rpc.StreamComplete(ctx, request, options...)
	if err != nil {
		cancel()
		return nil, c.errorOf(err, nil)
	}
	return &Stream{client: c, rpc: rpc, cancel: cancel}, nil
}

// ReportOutcome tells how good an answer was. A later report of the same source replaces the earlier one.
func (c *Client) ReportOutcome(
	ctx context.Context, request *frontdeskv1.ReportOutcomeRequest, options ...grpc.CallOption,
) (*frontdeskv1.ReportOutcomeResponse, error) {
	return unary(ctx, c, c.rpc.ReportOutcome, request, options)
}

// GetDecision returns a recorded decision with what became of it.
func (c *Client) GetDecision(
	ctx context.Context, request *frontdeskv1.GetDecisionRequest, options ...grpc.CallOption,
) (*frontdeskv1.GetDecisionResponse, error) {
	return unary(ctx, c, c.rpc.GetDecision, request, options)
}

// ListModels lists the models which the caller may use.
func (c *Client) ListModels(
	ctx context.Context, request *frontdeskv1.ListModelsRequest, options ...grpc.CallOption,
) (*frontdeskv1.ListModelsResponse, error) {
	return unary(ctx, c, c.rpc.ListModels, request, options)
}

// unary makes a call. Its error tells the completion's id where the server had begun one.
func unary[Q, R any](
	ctx context.Context, c *Client, rpc func(context.Context, *Q, ...grpc.CallOption) (*R, error), request *Q,
	options []grpc.CallOption,
) (*R, error) {
	if c.closed.Load() {
		return nil, closedError()
	}
	var header metadata.MD
	response, err := rpc(ctx, request, append(slices.Clip(options), grpc.Header(&header))...)
	if err != nil {
		return nil, c.errorOf(err, header)
	}
	return response, nil
}

// errorOf translates an error of a call whose initial metadata are known as far as they came.
func (c *Client) errorOf(err error, header metadata.MD) *Error {
	e := errorOf(err)
	if e.Code == codes.Unavailable && !e.fromServer {
		e.Message = inWords(e.Message, c.plaintext)
	}
	if ids := header.Get(idKey); e.CompletionID == "" && len(ids) > 0 {
		e.CompletionID = ids[0]
	}
	return e
}
