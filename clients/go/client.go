package frontdesk

import (
	"context"

	"google.golang.org/grpc"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Client calls one Frontdesk service. It is safe for concurrent use; make one and keep it.
type Client struct {
	conn *grpc.ClientConn
	rpc  frontdeskv1.RouterServiceClient
}

// Dial prepares a connection to target, such as "dns:///frontdesk:50051" or "unix:/run/frontdesk.sock", with TLS unless
// [WithPlaintext] is given. It returns at once; the first call connects.
func Dial(target string, options ...Option) (*Client, error) {
	dialOptions, err := dialOptions(options)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, rpc: frontdeskv1.NewRouterServiceClient(conn)}, nil
}

// Close closes the connection and cancels the calls that still run.
func (c *Client) Close() error { return c.conn.Close() }

// Conn is the connection, for other services of the same server such as health.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Route decides which model should answer and calls none. Its error is an [*Error], as everywhere.
func (c *Client) Route(
	ctx context.Context, request *frontdeskv1.RouteRequest, options ...grpc.CallOption,
) (*frontdeskv1.RouteResponse, error) {
	return unary(c.rpc.Route(ctx, request, options...))
}

// RouteBatch decides for many queries in one call. A query that cannot be routed has an error in its place.
func (c *Client) RouteBatch(
	ctx context.Context, request *frontdeskv1.RouteBatchRequest, options ...grpc.CallOption,
) (*frontdeskv1.RouteBatchResponse, error) {
	return unary(c.rpc.RouteBatch(ctx, request, options...))
}

// Complete decides and returns the whole answer.
func (c *Client) Complete(
	ctx context.Context, request *frontdeskv1.CompleteRequest, options ...grpc.CallOption,
) (*frontdeskv1.CompleteResponse, error) {
	return unary(c.rpc.Complete(ctx, request, options...))
}

// StreamComplete decides and streams the answer. The stream ends when its events are read to the end, when the loop over
// them is left, when ctx is done, or by [Stream.Close].
func (c *Client) StreamComplete(
	ctx context.Context, request *frontdeskv1.StreamCompleteRequest, options ...grpc.CallOption,
) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	rpc, err := c.rpc.StreamComplete(ctx, request, options...)
	if err != nil {
		cancel()
		return nil, errorOf(err)
	}
	return &Stream{rpc: rpc, cancel: cancel}, nil
}

// ReportOutcome tells how good an answer was. A later report of the same source replaces the earlier one.
func (c *Client) ReportOutcome(
	ctx context.Context, request *frontdeskv1.ReportOutcomeRequest, options ...grpc.CallOption,
) (*frontdeskv1.ReportOutcomeResponse, error) {
	return unary(c.rpc.ReportOutcome(ctx, request, options...))
}

// GetDecision returns a recorded decision with what became of it.
func (c *Client) GetDecision(
	ctx context.Context, request *frontdeskv1.GetDecisionRequest, options ...grpc.CallOption,
) (*frontdeskv1.GetDecisionResponse, error) {
	return unary(c.rpc.GetDecision(ctx, request, options...))
}

// ListModels lists the models which the caller may use.
func (c *Client) ListModels(
	ctx context.Context, request *frontdeskv1.ListModelsRequest, options ...grpc.CallOption,
) (*frontdeskv1.ListModelsResponse, error) {
	return unary(c.rpc.ListModels(ctx, request, options...))
}

func unary[R any](response *R, err error) (*R, error) {
	if err != nil {
		return nil, errorOf(err)
	}
	return response, nil
}

// Ask makes the query of one user message.
func Ask(text string) *frontdeskv1.Query {
	return &frontdeskv1.Query{Messages: []*frontdeskv1.Message{{
		Role:  frontdeskv1.Role_ROLE_USER,
		Parts: []*frontdeskv1.ContentPart{{Part: &frontdeskv1.ContentPart_Text{Text: text}}},
	}}}
}

// Text joins the text parts of a message.
func Text(message *frontdeskv1.Message) string {
	var text string
	for _, part := range message.GetParts() {
		text += part.GetText()
	}
	return text
}
